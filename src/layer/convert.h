/* SPDX-License-Identifier: MIT */
#pragma once

/* A layer's bytes in another compressed form, or in none; nobody looks at its files. */

#include "layer/compress.h"
#include "layer/read.h"
#include "layer/result.h"

/* Decompresses, verified as the options say, whatever it is that comes out. */
int layer_decompress(layer_source source, void *context,
		     const struct layer_read_options *options, layer_sink sink,
		     void *sink_context, struct layer_result *result, struct err *e);

/*
 * Decompresses and compresses: the bytes that layer_writer_new() gives with the same form
 * and level. result is of what comes out.
 */
int layer_recompress(layer_source source, void *context,
		     const struct layer_read_options *options,
		     enum layer_compression form, int level, layer_sink sink,
		     void *sink_context, struct layer_result *result, struct err *e);
