/* SPDX-License-Identifier: MIT */
#include "priv/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

/* C libraries have had these only since 2022, some have not yet: <linux/mount.h>. */
enum {
	MAB_FSOPEN_CLOEXEC = 1,
	MAB_FSMOUNT_CLOEXEC = 1,
	MAB_FSCONFIG_SET_FLAG = 0,
	MAB_FSCONFIG_SET_STRING = 1,
	MAB_FSCONFIG_CMD_CREATE = 6,
	MAB_OPEN_TREE_CLONE = 1,
	MAB_OPEN_TREE_CLOEXEC = O_CLOEXEC,
	MAB_AT_RECURSIVE = 0x8000,
	MAB_MOVE_MOUNT_F_EMPTY_PATH = 0x04,
	MAB_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
	MAB_SYS_MOUNT_SETATTR = 442, /* on every architecture but alpha, which has 552 */
};

/* struct mount_attr of <linux/mount.h>. */
struct mab_mount_attr {
	uint64_t set, clear, propagation, userns_fd;
};

/* Each is shorter than what fsconfig(2) takes, 256 bytes. */
static int configure(int fs, const char *const *options)
{
	for (; options && *options; options++) {
		const char *value = strchr(*options, '=');
		AUTO_FREE char *key = xstrndup(
			*options, value ? (size_t)(value - *options) : strlen(*options));

		if (syscall(SYS_fsconfig, fs,
			    value ? MAB_FSCONFIG_SET_STRING : MAB_FSCONFIG_SET_FLAG, key,
			    value ? value + 1 : NULL, 0) < 0)
			return -1;
	}
	return (int)syscall(SYS_fsconfig, fs, MAB_FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int priv_tree_make(const char *fstype, const char *const *options, unsigned flags,
		   struct err *e)
{
	AUTO_CLOSE int fs = -1;
	int tree = -1;

	/* Safe with any input: the type is a constant of this program, there is no
	 * source, and options hold no more than numbers that came from outside. */
	fs = (int)syscall(SYS_fsopen, fstype, MAB_FSOPEN_CLOEXEC);
	if (fs >= 0 && configure(fs, options) == 0)
		tree = (int)syscall(SYS_fsmount, fs, MAB_FSMOUNT_CLOEXEC, flags);
	if (tree < 0 && errno == ENOSYS)
		return err_set(e, -ENOSYS,
			       "cannot make a %s: this kernel is older than 5.2, or a "
			       "seccomp filter forbids it",
			       fstype);
	return tree < 0 ? err_sys(e, -errno, "cannot make a %s", fstype) : tree;
}

int priv_tree_new(const char *fstype, struct err *e)
{
	return priv_tree_make(fstype, NULL,
			      PRIV_TREE_NOSUID | PRIV_TREE_NODEV | PRIV_TREE_NOEXEC, e);
}

int priv_tree_restrict(int tree, unsigned flags, struct err *e)
{
	struct mab_mount_attr attr = {.set = flags};

	/* Safe with any input: it only takes away. */
	if (syscall(MAB_SYS_MOUNT_SETATTR, tree, "", AT_EMPTY_PATH | MAB_AT_RECURSIVE,
		    &attr, sizeof attr) == 0)
		return 0;
	if (errno == ENOSYS)
		return err_set(e, -ENOSYS,
			       "cannot restrict a mount: this kernel is older "
			       "than 5.12, or a seccomp filter forbids it");
	return err_sys(e, -errno, "cannot restrict a mount");
}

int priv_tree_clone(int dirfd, const char *path, struct err *e)
{
	/* Safe with any input: a second view of what the caller can see already, with the
	 * flags that the first has. */
	int tree = (int)syscall(SYS_open_tree, dirfd, path,
				MAB_OPEN_TREE_CLONE | MAB_OPEN_TREE_CLOEXEC |
					MAB_AT_RECURSIVE | AT_EMPTY_PATH |
					AT_SYMLINK_NOFOLLOW);

	return tree < 0 ? err_sys(e, -errno, "cannot clone the mounts of %s",
				  *path ? path : "the folder")
			: tree;
}

int priv_tree_attach(int tree, int dirfd, const char *path, struct err *e)
{
	/* Safe with any input: in the caller's own mount namespace; the target is an open
	 * folder, or a path that the kernel does not follow out of a last link. */
	if (syscall(SYS_move_mount, tree, "", dirfd, path,
		    MAB_MOVE_MOUNT_F_EMPTY_PATH |
			    (*path ? 0 : MAB_MOVE_MOUNT_T_EMPTY_PATH)) < 0)
		return err_sys(e, -errno, "cannot mount on %s",
			       *path ? path : "the folder");
	return 0;
}

int priv_tree_pivot(int tree, struct err *e)
{
	if (fchdir(tree) < 0)
		return err_sys(e, -errno, "cannot enter the new root");
	/*
	 * Safe with any input: what the caller reaches afterwards is less than before.
	 * With both arguments the same folder, the old root comes to lie over the new
	 * one.
	 */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, -errno, "cannot change the root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(e, -errno, "cannot unmount the old root");
	return chdir("/") < 0 ? err_sys(e, -errno, "cannot enter the new root") : 0;
}

int priv_tree_enter(int tree, bool keep_others, struct err *e)
{
	if (!keep_others && priv_tree_pivot(tree, NULL) == 0)
		return 0;
	/* Safe with any input, as before. */
	if (fchdir(tree) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_sys(e, -errno, "cannot change the root");
	return 0;
}
