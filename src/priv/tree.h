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

/* What is mounted at a path and below, once more. An empty path is the dirfd itself. */
int priv_tree_clone(int dirfd, const char *path, struct err *e);

/* Attaches a tree over a folder, given as a path below dirfd or as "" for itself. */
int priv_tree_attach(int tree, int dirfd, const char *path, struct err *e);

/*
 * Makes an attached tree the root of the calling process, and its current folder. All
 * other mounts go away from this namespace; with keep_others they only get out of reach
 * (which is also what remains where the kernel refuses pivot_root(2), on an initramfs).
 */
int priv_tree_enter(int tree, bool keep_others, struct err *e);
