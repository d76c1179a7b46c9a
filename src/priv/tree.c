/* SPDX-License-Identifier: MIT */
#include "priv/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* C libraries have had these only since 2022, some have not yet: <linux/mount.h>. */
enum {
	MAB_FSOPEN_CLOEXEC = 1,
	MAB_FSMOUNT_CLOEXEC = 1,
	MAB_FSCONFIG_CMD_CREATE = 6,
	MAB_MOUNT_ATTR_NOSUID = 2,
	MAB_MOUNT_ATTR_NODEV = 4,
	MAB_MOUNT_ATTR_NOEXEC = 8,
	MAB_OPEN_TREE_CLONE = 1,
	MAB_OPEN_TREE_CLOEXEC = O_CLOEXEC,
	MAB_AT_RECURSIVE = 0x8000,
	MAB_MOVE_MOUNT_F_EMPTY_PATH = 0x04,
	MAB_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
};

int priv_tree_new(const char *fstype, struct err *e)
{
	AUTO_CLOSE int fs = -1;
	int tree = -1;

	/* Safe with any input: the type is a constant of this program, there is no source
	 * and no option, and nothing runs from it. */
	fs = (int)syscall(SYS_fsopen, fstype, MAB_FSOPEN_CLOEXEC);
	if (fs >= 0 &&
	    syscall(SYS_fsconfig, fs, MAB_FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		tree = (int)syscall(SYS_fsmount, fs, MAB_FSMOUNT_CLOEXEC,
				    MAB_MOUNT_ATTR_NOSUID | MAB_MOUNT_ATTR_NODEV |
					    MAB_MOUNT_ATTR_NOEXEC);
	if (tree < 0)
		return err_sys(e, -errno, "cannot make a %s", fstype);
	return tree;
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

int priv_tree_enter(int tree, bool keep_others, struct err *e)
{
	if (fchdir(tree) < 0)
		return err_sys(e, -errno, "cannot enter the new root");
	/*
	 * Safe with any input: what the caller reaches afterwards is less than before.
	 * With both arguments the same folder, the old root comes to lie over the new
	 * one.
	 */
	if (!keep_others && syscall(SYS_pivot_root, ".", ".") == 0) {
		if (umount2(".", MNT_DETACH) < 0)
			return err_sys(e, -errno, "cannot unmount the old root");
	} else if (chroot(".") < 0) {
		return err_sys(e, -errno, "cannot change the root");
	}
	return chdir("/") < 0 ? err_sys(e, -errno, "cannot enter the new root") : 0;
}
