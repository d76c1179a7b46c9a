/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The repositories that ADD names, each fetched once for the whole build: all platforms
 * get the same commit, whatever happens to a branch meanwhile.
 */

#include <pthread.h>

#include "base/err.h"
#include "build/git.h"
#include "store/store.h"

struct build_checkouts {
	struct store *store;
	pthread_mutex_t lock; /* of what follows; held while one is fetched */
	struct build_checkout {
		char *url;
		bool keep_git_dir;
		char *commit; /* that was asked for; or NULL */
		struct store_draft draft;
		int root; /* its files */
	} * v;
	size_t n;
};

void build_checkouts_init(struct build_checkouts *c, struct store *store);

/* An fd of the files, which stays with `c`. */
int build_checkout(struct build_checkouts *c, const struct build_git *g, struct err *e);
void build_checkouts_free(struct build_checkouts *c);
