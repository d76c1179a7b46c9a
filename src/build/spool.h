/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Contents that several layers of a build want. Who reads such a file for the first time
 * copies it into one file of the store, which has no name and ends with the build; all
 * other layers are written from there. So a context is read once, whatever its size, and
 * no memory is needed for that.
 */

#include <pthread.h>

#include "oci/digest.h"
#include "store/store.h"

struct build_spool {
	struct store *store;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t settled;
	int fd; /* -1: nothing was copied yet */
	uint64_t size;
	void *pieces; /* tree of contents by digest, tsearch(3) */
};

void build_spool_init(struct build_spool *s, struct store *store);

/*
 * Whether a content is there; *at is where it begins. Who is just copying it is waited
 * for. With claim, whoever gets false is the one to copy it now, and must settle it
 * without waiting for another content.
 */
bool build_spool_find(struct build_spool *s, const struct oci_digest *digest, bool claim,
		      uint64_t *at);

/* Takes room for as many bytes, which nobody else gets. */
int build_spool_take(struct build_spool *s, uint64_t bytes, uint64_t *at, struct err *e);
int build_spool_write(struct build_spool *s, uint64_t at, const void *data, size_t n,
		      struct err *e);

/* Says that a content is there as a whole; or, of one that was claimed, that it is not.
 */
void build_spool_settle(struct build_spool *s, const struct oci_digest *digest,
			uint64_t at);
void build_spool_give_up(struct build_spool *s, const struct oci_digest *digest);

/* Up to n bytes: how many, or a negative errno. */
ssize_t build_spool_read(const struct build_spool *s, uint64_t at, void *data, size_t n,
			 struct err *e);
void build_spool_free(struct build_spool *s);
