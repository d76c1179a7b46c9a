/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Overlay file systems (Documentation/filesystems/overlayfs.rst of the kernel), as trees
 * that are attached nowhere yet: see priv/tree.h. Linux 5.11 in a user namespace.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct priv_overlay {
	/* Fds of folders (O_PATH is enough), opened in the mount namespace of now. */
	const int *lower; /* the uppermost first */
	size_t nlower;	  /* 1 to 500; read-only, at least 2 */
	int upper, work;  /* empty folders of one file system; both -1: read-only. The
			     root has upper's owner and mode, not those of a lower one */
	bool userxattr;	  /* marks are user.overlay.*, not trusted.overlay.* */
	bool sync;	  /* else nothing is synced, not even at the end (Linux 5.10), and
			     the work folder is good for one mount */
};

/*
 * Whether overlays of this process have to use userxattr: it is in a user namespace.
 * Layers that are to be lower ones must be unpacked accordingly.
 */
bool priv_overlay_userxattr(void);

/*
 * Mounts it: a tree, the caller's to close. Renames of lower folders are answered with
 * EXDEV, and upper stays self-contained: no redirects, no metacopy. -EOPNOTSUPP when the
 * kernel or a file system cannot do it: then copies are the way out. Before Linux 6.8 the
 * mount shows for a moment over the work folder in the caller's mount namespace, which
 * should be its own.
 */
int priv_overlay_new(const struct priv_overlay *o, struct err *e);
