/* SPDX-License-Identifier: MIT */
#pragma once

#include "layer/read.h"

/*
 * A source, hashed, decompressed, and hashed again, in a thread of its own. Gives what
 * tar_reader takes. The source is called in that thread.
 */
struct layer_stream;

int layer_stream_new(struct layer_stream **s, layer_source source, void *context,
		     const struct layer_read_options *options, struct err *e);

/* A tar_source; context is the stream. */
int layer_stream_next(void *context, const uint8_t **data, size_t *n, struct err *e);

/* Reads what is left, then compares the digests, and tells them. */
int layer_stream_finish(struct layer_stream *s, struct layer_result *result,
			struct err *e);
void layer_stream_free(struct layer_stream *s);
