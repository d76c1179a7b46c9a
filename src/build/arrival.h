/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A blob that comes from a registry into the store, and those who read it meanwhile, as
 * far as it has come: so a base is unpacked while it is downloaded, and the download
 * waits for nobody.
 */

#include <pthread.h>
#include <sys/types.h>

#include "base/err.h"
#include "oci/blobs.h"
#include "store/store.h"

struct build;

struct build_arrival {
	struct oci_blobs blobs; /* where registry_fetch_blob() is to put it */
	/* private */
	struct build *b;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	unsigned tries; /* each begins anew */
	int fd;		/* of the file that grows, the writer's; -1: none does */
	uint64_t size;	/* of it: what has come */
	int held;	/* the whole blob, in use, until it is taken; or -1 */
	bool ended;	/* nobody fetches it any more */
};

void build_arrival_init(struct build_arrival *a, struct build *b);
void build_arrival_free(struct build_arrival *a);

/* The blob as store_ingest_commit() gave it; -1 when none came. */
int build_arrival_take(struct build_arrival *a);

/* Has followers wait no longer for what does not come. */
void build_arrival_end(struct build_arrival *a);

struct build_follower {
	struct build_arrival *arrival;
	uint64_t total, at; /* bytes of the blob, and those that were read */
	int fd;
	unsigned try;
};

void build_follow(struct build_arrival *a, uint64_t total, struct build_follower *f);

/*
 * A layer_source; context is the follower. -EAGAIN when the download began anew, or ended
 * too early.
 */
ssize_t build_follower_read(void *context, void *data, size_t n, struct err *e);

/* Whether it read the download that ended last. */
bool build_follower_is_last(const struct build_follower *f);
void build_follower_free(struct build_follower *f);
