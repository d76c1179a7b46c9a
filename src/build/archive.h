/* SPDX-License-Identifier: MIT */
#pragma once

/* Archives that ADD unpacks: tar, plain or compressed. */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "layer/index.h"
#include "store/store.h"

struct build;

/* Folders with the contents of archives, until the step is done. */
struct build_archives {
	struct build_archive {
		struct store_draft draft;
		char *path; /* of the file in root; NULL: it is none */
		int root;
		struct oci_digest digest; /* of the file */
		struct layer_index index; /* what it names */
	} * v;
	size_t n;
};

/* Bytes that tell whether a file is one: a tar's header. */
enum { BUILD_ARCHIVE_HEAD = 512 };

/* Whether the first bytes are those of a tar, or of something compressed. */
bool build_archive_is_head(const char *head, size_t n);

/* 1 when the file is one, told by its first bytes; 0 when not. */
int build_archive_is(int root, const char *path, struct err *e);

/*
 * Unpacks it, once: its fs is the folder. What is returned stays with `a`, until the next
 * is added.
 */
int build_archive_unpack(struct build *b, struct build_archives *a, int root,
			 const char *path, struct build_archive **archive, struct err *e);

/* Takes over a draft; its fs. */
int build_archives_keep(struct build_archives *a, struct store_draft *draft);
void build_archives_free(struct build_archives *a);
