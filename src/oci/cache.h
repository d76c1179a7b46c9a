/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the steps of builds came to, as a document that other machines read. It is the
 * configuration of a manifest, whose layers are the blobs that are named here. The names
 * of layers' files may be there too, so that whoever only needs those need not fetch the
 * layer; they are in the form that layer/index.h writes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/digest.h"
#include "oci/manifest.h"

#define OCI_MEDIA_CACHE	      "application/vnd.mab-build.cache.v1+json"
#define OCI_MEDIA_LAYER_INDEX "application/vnd.mab-build.layer-index.v1"

enum { OCI_CACHE_STEPS_MAX = 1 << 16 };

struct oci_cache_layer {
	struct oci_digest diff_id;
	struct oci_descriptor blob;  /* no media type: it is not among the blobs */
	int level;		     /* that it is compressed at; 0: the usual one */
	struct oci_descriptor index; /* likewise */
};

struct oci_cache_step {
	struct oci_digest key;
	int64_t created; /* seconds since 1970 */
	bool wrote;
	size_t layer; /* of layers, if it wrote one; that has a blob */
};

struct oci_cache {
	struct oci_cache_layer *layers;
	size_t n_layers;
	struct oci_cache_step *steps;
	size_t n_steps;
};

/* Failures name the member: "cache: steps[2].layer is none of the 2 layers". */
int oci_cache_parse(struct oci_cache *cache, const char *data, size_t len, struct err *e);

/* The text, the caller's. Equal structures give equal bytes. */
char *oci_cache_write(const struct oci_cache *cache, size_t *len);

/* The layer of a diff id, the cache's; NULL when there is none. */
struct oci_cache_layer *oci_cache_find_layer(const struct oci_cache *cache,
					     const struct oci_digest *diff_id);
void oci_cache_free(struct oci_cache *cache);

#define AUTO_OCI_CACHE CLEAN(oci_cache_free)
