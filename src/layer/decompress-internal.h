/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "layer/compress.h"
#include "layer/read.h"

/*
 * Reads a stream decompressed, in whatever form its first bytes say. The source is read
 * to its end, also after the end of what is compressed; other bytes than another member
 * or frame there are an error.
 */
struct layer_decompressor;

struct layer_decompressor *layer_decompressor_new(layer_source source, void *context);

/* As a layer_source; 0 only at the end. */
ssize_t layer_decompressor_read(struct layer_decompressor *d, void *data, size_t n,
				struct err *e);
void layer_decompressor_free(struct layer_decompressor *d);
