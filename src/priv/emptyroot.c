/* SPDX-License-Identifier: MIT */
#include "priv/emptyroot.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "priv/caps.h"
#include "priv/userns.h"

/* Any folder will do as a mount point: the mount is seen by this process alone. */
static const char place[] = "/proc";

bool priv_can_chown_to(uid_t uid)
{
	unsigned long first, outside, count;
	AUTO_FCLOSE FILE *map = fopen("/proc/self/uid_map", "re");

	if (!map || !priv_caps_have(CAP_CHOWN))
		return false;
	while (fscanf(map, "%lu %lu %lu", &first, &outside, &count) == 3)
		if (uid >= first && uid - first < count)
			return true;
	return false;
}

/* A user namespace if need be, and a mount namespace. */
static int enter_namespaces(struct err *e)
{
	AUTO_PRIV_USERNS struct priv_userns ns = {0};
	AUTO_FREE char *shortfall = NULL;

	if (!priv_caps_have(CAP_SYS_ADMIN)) {
		priv_userns_plan_single(&ns);
		return priv_userns_enter(&ns, &shortfall, e);
	}
	/* Safe with any input: only this process sees its mounts. */
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(e, -errno, "cannot make a mount namespace");
	return 0;
}

static int write_file(const struct priv_file *file, struct err *e)
{
	AUTO_CLOSE int dir = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = file_write_at(dir, file->name, file->data, file->size, 0755, e);

	if (r < 0)
		return r;
	/* The owner before the mode: a new owner takes the set-user-ID bit away. */
	if (file->owner && fchownat(dir, file->name, file->owner, (gid_t)-1, 0) < 0)
		return err_sys(e, -errno, "cannot give the file to user %u", file->owner);
	if (fchmodat(dir, file->name, file->mode, 0) < 0)
		return err_sys(e, -errno, "cannot set the file's mode");
	return 0;
}

int priv_emptyroot_enter(const struct priv_file *file, struct err *e)
{
	int r = enter_namespaces(e);

	if (r < 0)
		return r;
	/* Safe with any input: only this process sees these mounts. */
	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, -errno, "cannot make the mounts private");
	if (mount("tmpfs", place, "tmpfs", MS_NODEV, "mode=755,size=1m") < 0)
		return err_sys(e, -errno, "cannot mount a tmpfs");
	r = write_file(file, e);
	if (r < 0)
		return r;
	if (chroot(place) < 0 || chdir("/") < 0)
		return err_sys(e, -errno, "cannot change the root");
	return 0;
}
