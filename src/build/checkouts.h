/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The repositories that ADD names, each fetched once for the whole build: all platforms
 * get the same commit, whatever happens to a branch meanwhile. One is not fetched at all
 * when it has the commit of an earlier build.
 */

#include <pthread.h>

#include "base/err.h"
#include "build/git.h"
#include "store/store.h"

struct build_checkouts {
	struct store *store;
	pthread_mutex_t lock; /* of what follows; held while somebody is asked */
	struct build_checkout **v;
	size_t n;
};

void build_checkouts_init(struct build_checkouts *c, struct store *store);

/*
 * What tells the commit, as build_git_ask() does: the same text now as in an earlier
 * build means the same files. "" when nothing does; once it is fetched, also when the
 * commit turned out to be another. *told stays with `c`.
 */
int build_checkout_ask(struct build_checkouts *c, const struct build_git *g,
		       const char **told, struct err *e);

/* An fd of the files, which stays with `c`. */
int build_checkout(struct build_checkouts *c, const struct build_git *g, struct err *e);
void build_checkouts_free(struct build_checkouts *c);
