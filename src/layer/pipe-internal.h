/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From a stream of bytes to the blob: diff id, compression, digest, sink. Threads start
 * with the second block; what fits into one is done by the caller's.
 */

#include <stdint.h>

#include "layer/compress.h"
#include "layer/result.h"

struct layer_pipe;

struct layer_pipe *layer_pipe_new(enum layer_compression form, int level,
				  unsigned threads, layer_sink sink, void *context);

/* Where the next bytes go, at least one: the caller writes up to *n, then tells how many.
 */
int layer_pipe_room(struct layer_pipe *p, uint8_t **to, size_t *n, struct err *e);
void layer_pipe_advance(struct layer_pipe *p, size_t n);

/* The same for bytes that are there, and for zeros. */
int layer_pipe_write(struct layer_pipe *p, const void *data, size_t n, struct err *e);
int layer_pipe_zeros(struct layer_pipe *p, uint64_t n, struct err *e);

/* Bytes that went in. */
uint64_t layer_pipe_offset(const struct layer_pipe *p);

/* Sets digests and sizes. */
int layer_pipe_finish(struct layer_pipe *p, struct layer_result *result, struct err *e);
void layer_pipe_free(struct layer_pipe *p);
