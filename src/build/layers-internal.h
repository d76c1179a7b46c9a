/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Between layers.c, which has the blobs, indexes.c and snapshots.c. Of the locks of a
 * layer, `lock` may be held while the other two are taken, and nothing is waited for with
 * `knowing`.
 */

#include "build/layers.h"
#include "layer/read.h"

/*
 * Reads a layer from source, of which `from` is the context; once more if need be. The
 * options have its digests already.
 */
typedef int (*build_layer_taker)(void *context, layer_source source, void *from,
				 const struct layer_read_options *options, struct err *e);

/* Has the bytes of a layer taken: from the store, or while they come there. */
int build_layer_pass(struct build *b, struct build_layer *l, build_layer_taker take,
		     void *context, struct err *e);

/*
 * The index, once whoever is reading the layer is done. NULL: nobody knows it, and the
 * caller is to read the layer now, then to give its index to build_layer_keep_index(),
 * or to give up, without waiting for another layer before.
 */
struct layer_index *build_index_claim(struct build *b, struct build_layer *l);
void build_index_give_up(struct build_layer *l);

/* The indexes of the first n layers; view->layers is the caller's also after a failure.
 */
int build_index_view(struct build *b, const struct build_chain *c, size_t n,
		     struct layer_view *view, struct err *e);

void build_index_free(struct build_layer *l);
void build_snapshots_free(struct build_layer *l);
