/* SPDX-License-Identifier: MIT */
#pragma once

/* What the names of a store lead to. */

#include <time.h>

#include "store/store.h"

struct store_marks {
	struct store *store;
	struct oci_digest *v; /* a hash table with open addressing; size a power of two */
	bool *used;
	size_t n, size;
	struct oci_digest *todo; /* marked, but not read yet */
	size_t ntodo;
	/* Names that are passed over, as those that go: with `drop`, what is older. */
	bool drop;
	time_t unused;
	struct strv dropped;
};

/*
 * Marks what the names lead to, through the digests in blobs that are JSON. Set are only
 * drop and unused: with them, names that were written longer than so many seconds ago
 * (0: all) do not count, and are listed.
 */
int store_marks_make(struct store_marks *m, struct store *s, struct err *e);
void store_marks_free(struct store_marks *m);

/* Whether the file of this name, which begins with a digest, is marked. */
bool store_marks_have(const struct store_marks *m, const char *name);
