/* SPDX-License-Identifier: MIT */
#pragma once

#include "layer/read.h"

/*
 * Owner, mode, time and extended attributes on disk. The object is fd, or, where that is
 * -1, a name in dirfd that is no link to be followed. dirfd may be an O_PATH one.
 */
int layer_set_xattr(int fd, int dirfd, const char *name, const struct layer_xattr *x);

/* Owner and extended attributes: first, as chown(2) takes set-user-ID away. */
int layer_set_owner(const struct layer_unpack_options *o, const struct layer_entry *entry,
		    int fd, int dirfd, const char *name, struct err *e);
int layer_set_mode(const struct layer_unpack_options *o, const struct layer_entry *entry,
		   int fd, int dirfd, const char *name, struct err *e);
