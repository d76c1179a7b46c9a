/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names inside a tree that somebody else filled: a root file system, an archive's
 * contents. openat2(2) resolves them where the kernel has it (Linux 5.6) and nothing
 * forbids it; else a walk, component by component, with the same answers as long as
 * nobody moves folders of the tree meanwhile.
 */

#include <sys/types.h>

#include "base/err.h"

enum path_scope {
	PATH_BENEATH, /* no symbolic link is followed, no `..`, nothing absolute: -ELOOP
			 at a link, -EXDEV at what would leave */
	PATH_IN_ROOT, /* as if chrooted into the folder: links and `..` stay inside */
};

/*
 * openat(2) within a folder. flags as there, O_CLOEXEC and O_NOCTTY are added; mode
 * counts with O_CREAT. An empty path is the folder itself. Returns the fd, the caller's.
 */
int path_open(int dirfd, const char *path, enum path_scope scope, int flags, mode_t mode);

/*
 * The folder that the last component of path is in (O_PATH), and that component: *name
 * points into path. The last component is not resolved; when it is `.`, `..` or missing
 * the answer is -EINVAL.
 */
int path_open_parent(int dirfd, const char *path, enum path_scope scope,
		     const char **name);

/* Makes a folder and those above it that are missing, in a tree of one's own. */
int path_make_folders(int dirfd, const char *path, mode_t mode, struct err *e);

/*
 * Removes a file, or a folder with all in it, however deep; what is not there is no
 * error. Follows no link and leaves a mount point (-EBUSY) in place.
 */
int path_remove(int dirfd, const char *path, struct err *e);
