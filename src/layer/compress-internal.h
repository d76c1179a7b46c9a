/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Compression block by block: head, blocks, tail, one after the other, are the whole. For
 * LAYER_GZIP that is one member, for LAYER_ZSTD a frame per block. Not for LAYER_PLAIN.
 */

#include <stddef.h>
#include <stdint.h>

#include "layer/compress.h"

enum { LAYER_FRAME_MAX = 16 };

/* What a thread needs to compress; level 0 is the usual one. */
struct layer_compressor;

struct layer_compressor *layer_compressor_new(enum layer_compression form, int level);
void layer_compressor_free(struct layer_compressor *c);

/* Room for the result of a block of n bytes, and the result's size. */
size_t layer_compress_bound(size_t n);
size_t layer_compress_block(struct layer_compressor *c, const uint8_t *data, size_t n,
			    uint8_t *out);

size_t layer_compress_head(enum layer_compression form, uint8_t out[LAYER_FRAME_MAX]);
size_t layer_compress_tail(enum layer_compression form, uint32_t crc, uint64_t size,
			   uint8_t out[LAYER_FRAME_MAX]);

/* CRC-32 of gzip; begins with 0. */
uint32_t layer_crc(uint32_t crc, const uint8_t *data, size_t n);
