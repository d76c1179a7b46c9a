/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The compressed forms of layers. Data is cut into blocks of LAYER_BLOCK_SIZE, each
 * compressed by itself in any thread: the bytes do not depend on the number of threads.
 * Nor on the machine, for one version of the libraries, where gzip is of level 3 or more;
 * at levels 1 and 2 all x86-64 CPUs since 2008 agree.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum layer_compression {
	LAYER_GZIP, /* RFC 1952; the one that every client reads */
	LAYER_ZSTD, /* RFC 8878 */
	LAYER_PLAIN,
	LAYER_BZIP2, /* these two for reading only: archives that ADD unpacks */
	LAYER_XZ,
};

/* The part of a media type after "tar": "+gzip", "+zstd" or "". */
const char *layer_compression_suffix(enum layer_compression c);

/* By the first bytes of a stream, at most 6 are needed; LAYER_PLAIN where none fits. */
enum layer_compression layer_compression_guess(const void *data, size_t n);

/* The least and the greatest level, and the default one. */
void layer_compression_levels(enum layer_compression c, int *min, int *max, int *usual);

enum { LAYER_BLOCK_SIZE = 512 << 10 };

/* Fills data with up to n bytes: how many, 0 at the end, or a negative errno. */
typedef ssize_t (*layer_source)(void *context, void *data, size_t n, struct err *e);

/* Takes bytes on their way; 0 or a negative errno. Called from one thread at a time. */
typedef int (*layer_sink)(void *context, const void *data, size_t n, struct err *e);
