/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What steps came to, by key: in this build, and in the store for later ones. A key holds
 * all that a result depends on, the layers below among it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "build/layers.h"

struct build_outcome {
	struct build_layer *layer; /* NULL: nothing was written */
	int64_t created;
};

struct build_outcomes {
	struct build_made {
		struct oci_digest key;
		struct build_outcome result;
	} * v;
	size_t n;
};

/*
 * 1 with *result when the key has one: made in this build, or, unless fresh, earlier,
 * here or where --cache-from says; 0 when it is to be made. A record whose blob is gone
 * does not count.
 */
int build_cache_find(struct build *b, const struct oci_digest *key, bool fresh,
		     struct build_outcome *result, struct err *e);
int build_cache_add(struct build *b, const struct oci_digest *key,
		    const struct build_outcome *result, struct err *e);
