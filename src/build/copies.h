/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where overlays cannot be had (the store is on an overlay itself, as in a container, or
 * on a network file system): the layers of a chain in one folder. A step that writes to
 * it leaves the folder that the next one begins with, so a row of steps costs one
 * unpacking.
 */

#include "base/err.h"
#include "build/layers.h"
#include "store/store.h"

struct build_copy {
	struct build_chain chain; /* what is in it */
	struct store_draft draft; /* its fs */
};

enum build_storage {
	BUILD_STORAGE_UNKNOWN,
	BUILD_STORAGE_OVERLAY,
	BUILD_STORAGE_COPIES,
};

struct build_copies {
	pthread_mutex_t lock; /* its own: to try an overlay takes a moment */
	enum build_storage storage;
	struct build_copy *kept; /* that nobody uses now */
	size_t nkept;
	struct build_copy *shown; /* that are only read, until the end */
	size_t nshown;
};

/*
 * Whether overlays cannot be had, found out by trying at the first call, and told to the
 * user then. Negative for other errors.
 */
int build_copies_needed(struct build *b, struct err *e);

/* A copy to write to, the caller's until it is kept or dropped. */
int build_copy_take(struct build *b, const struct build_chain *chain,
		    struct build_copy *copy, struct err *e);

/* Gives it back; chain is what is in it now. */
void build_copy_keep(struct build *b, struct build_copy *copy,
		     const struct build_chain *chain);
void build_copy_drop(struct build_copy *copy);

/* One to read, until the end of the build: an fd, the caller's. */
int build_copy_show(struct build *b, const struct build_chain *chain, struct err *e);

/* Copies what is in a folder into an empty one that a draft has; keeps it as it is. */
int build_copy_folder(struct build *b, int from, const struct store_draft *draft,
		      struct err *e);

void build_copies_init(struct build_copies *c);
void build_copies_free(struct build_copies *c);
