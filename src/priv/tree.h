/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Mounts that are held by a file descriptor until they are attached somewhere
 * (open_tree(2), fsopen(2): Linux 5.2, without which all is -ENOSYS). Everything here
 * needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace. The fds
 * returned are the caller's to close; a tree that is attached nowhere ends with its fd.
 */

#include <stdbool.h>

#include "base/err.h"

/*
 * A file system without a device, set-user-ID programs, device nodes and programs. The
 * kernel loads the module that it is in.
 */
int priv_tree_new(const char *fstype, struct err *e);

/* What programs can do on a mount, also as MOUNT_ATTR_* of <linux/mount.h>. */
enum {
	PRIV_TREE_RDONLY = 1,
	PRIV_TREE_NOSUID = 2,
	PRIV_TREE_NODEV = 4,
	PRIV_TREE_NOEXEC = 8,
};

/*
 * The same with such flags, and with options as mount(8) has them, each "KEY=VALUE" or
 * "KEY", up to a NULL. options itself may be NULL.
 */
int priv_tree_make(const char *fstype, const char *const *options, unsigned flags,
		   struct err *e);

/* Adds flags to a tree, and to all mounts below it. Linux 5.12. */
int priv_tree_restrict(int tree, unsigned flags, struct err *e);

/* What is mounted at a path and below, once more. An empty path is the dirfd itself. */
int priv_tree_clone(int dirfd, const char *path, struct err *e);

/* Attaches a tree over a folder, given as a path below dirfd or as "" for itself. A tree
 * of one file goes over a file. */
int priv_tree_attach(int tree, int dirfd, const char *path, struct err *e);

/*
 * Makes an attached tree the root of the calling process, and its current folder, and
 * takes all other mounts away from this namespace. Nothing else may lie over the old
 * root's own folder. The kernel refuses it on an initramfs (-EINVAL).
 */
int priv_tree_pivot(int tree, struct err *e);

/*
 * The same; with keep_others, and where pivoting is refused, the other mounts only get
 * out of sight, which does not hold up a process with CAP_SYS_CHROOT.
 */
int priv_tree_enter(int tree, bool keep_others, struct err *e);
