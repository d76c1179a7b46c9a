/* SPDX-License-Identifier: MIT */
#pragma once

/* Tars that are no layers, but have some among their members: archives of images. */

#include "base/strbuf.h"
#include "layer/entry.h"
#include "layer/read.h"

/*
 * The tar that a file holds: an fd to read at any place, the caller's. Of a compressed
 * one it is a temporary file without a name.
 */
int layer_tar_open(int dirfd, const char *path, struct err *e);

/*
 * Calls back for each member, the first to the last, and stops at a failure. What members
 * contain is passed over without being read; entry->offset and size say where it is, all
 * of it in the file (-EBADMSG for a file that was cut off).
 */
int layer_tar_list(int fd,
		   int (*member)(void *context, const struct layer_entry *entry,
				 struct err *e),
		   void *context, struct err *e);

/*
 * Adds what stands before a member's content in a tar; after it come zeros up to a
 * multiple of LAYER_TAR_BLOCK, and at the end of the tar two such blocks of zeros.
 */
enum { LAYER_TAR_BLOCK = 512 };

int layer_tar_header(const struct layer_entry *entry, struct strbuf *out, struct err *e);
