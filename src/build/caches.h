/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What steps came to on other machines (--cache-from), in registries and image layouts.
 * Of a cache its document is read; layers are fetched like those of a base, by who has to
 * see them. A cache is no reason to fail: one that cannot be read is left out, with a
 * note.
 */

#include "build/cache.h"
#include "oci/cache.h"
#include "oci/reference.h"
#include "transport/transport.h"

struct build_cache_source {
	const char *name;		 /* for messages, the settings' */
	struct oci_reference ref;	 /* of one in a registry */
	struct transport_source *layout; /* of one in a folder; else NULL */
	struct oci_document doc;
	struct oci_blobs *blobs; /* all that it has */
	struct oci_cache cache;
};

struct build_caches {
	struct build_cache_source **v;
	size_t n;
};

/* Reads what the settings name. From one thread, before the steps. */
void build_caches_read(struct build *b);

/* The first one's result for a key. */
bool build_caches_find(struct build *b, const struct oci_digest *key,
		       struct build_outcome *result);

/*
 * The names of a layer's files, the caller's; NULL when no cache tells. Nothing proves
 * them: they are good for looking, and not to be kept.
 */
struct layer_index *build_caches_index(struct build *b, const struct oci_digest *diff_id);

void build_caches_free(struct build *b);
