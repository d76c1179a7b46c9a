/* SPDX-License-Identifier: MIT */
#include "priv/mount.h"

#include <errno.h>
#include <libmount/libmount.h>

static void context_free(struct libmnt_context **c)
{
	mnt_free_context(*c);
}

int priv_mount(const char *fstype, const char *target, const char *options, struct err *e)
{
	CLEAN(context_free) struct libmnt_context *c = mnt_new_context();
	char reason[256] = "";
	int r;

	if (!c)
		return err_sys(e, -ENOMEM, "cannot mount %s", fstype);
	/*
	 * Safe with any input: the type and options are constants of this program, no
	 * helper program is run, and /etc/fstab is not asked.
	 */
	if ((r = mnt_context_disable_helpers(c, 1)) != 0 ||
	    (r = mnt_context_set_optsmode(c, MNT_OMODE_NOTAB)) != 0 ||
	    (r = mnt_context_set_fstype(c, fstype)) != 0 ||
	    (r = mnt_context_set_source(c, fstype)) != 0 ||
	    (r = mnt_context_set_target(c, target)) != 0 ||
	    (r = mnt_context_set_options(c, options)) != 0)
		return err_sys(e, r, "cannot mount %s on %s", fstype, target);
	r = mnt_context_mount(c);
	if (r == 0 && mnt_context_get_status(c) == 1)
		return 0;
	if (mnt_context_syscall_called(c))
		r = -mnt_context_get_syscall_errno(c);
	else if (mnt_context_get_excode(c, r, reason, sizeof reason) != 0 && reason[0])
		return err_set(e, r < 0 ? r : -EIO, "cannot mount %s on %s: %s", fstype,
			       target, reason);
	return err_sys(e, r < 0 ? r : -EIO, "cannot mount %s on %s", fstype, target);
}

int priv_unmount(const char *target, struct err *e)
{
	CLEAN(context_free) struct libmnt_context *c = mnt_new_context();
	int r;

	if (!c)
		return err_sys(e, -ENOMEM, "cannot unmount %s", target);
	/* Safe with any input: callers pass what they have mounted themselves. */
	if ((r = mnt_context_disable_helpers(c, 1)) != 0 ||
	    (r = mnt_context_set_target(c, target)) != 0)
		return err_sys(e, r, "cannot unmount %s", target);
	r = mnt_context_umount(c);
	if (r == 0 && mnt_context_get_status(c) == 1)
		return 0;
	if (mnt_context_syscall_called(c))
		r = -mnt_context_get_syscall_errno(c);
	return err_sys(e, r < 0 ? r : -EIO, "cannot unmount %s", target);
}
