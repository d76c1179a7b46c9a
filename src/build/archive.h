/* SPDX-License-Identifier: MIT */
#pragma once

/* Archives that ADD unpacks: tar, plain or compressed. */

#include "base/err.h"
#include "store/store.h"

struct build;

/* Folders with the contents of archives, until the step is done. */
struct build_archives {
	struct store_draft *v;
	size_t n;
};

/* 1 when the file is one, told by its first bytes; 0 when not. */
int build_archive_is(int root, const char *path, struct err *e);

/* Unpacks it: an fd of the folder, which stays with `a`. */
int build_archive_unpack(struct build *b, struct build_archives *a, int root,
			 const char *path, struct err *e);
void build_archives_free(struct build_archives *a);
