/* SPDX-License-Identifier: MIT */
#include "layer/compress-internal.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "tests/tap.h"

enum { SIZE = 512, TRIES = 40000, COMPRESSORS = 32 };

/* Other content for each number, and full of what is worth a reference. */
static void fill(uint8_t *data, uint32_t number)
{
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)((number + i % 8) * 2654435761U >> 24);
}

static bool is_inverse(const uint8_t *data, const uint8_t *out, size_t size)
{
	uint8_t back[SIZE + 1];
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)out,
		      .avail_in = (unsigned)size,
		      .next_out = back,
		      .avail_out = sizeof back};

	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return false;
	(void)inflate(&z, Z_SYNC_FLUSH);
	(void)inflateEnd(&z);
	return z.total_out == SIZE && memcmp(back, data, SIZE) == 0;
}

/* Each compressor lies elsewhere in memory. */
static void test_same(int level)
{
	size_t bound = layer_compress_bound(SIZE), changed = 0, wrong = 0;
	struct layer_compressor *all[COMPRESSORS];
	AUTO_FREE uint8_t *a = xrealloc(NULL, bound, 1);
	AUTO_FREE uint8_t *b = xrealloc(NULL, bound, 1);
	uint8_t data[SIZE];

	for (int i = 0; i < COMPRESSORS; i++)
		all[i] = layer_compressor_new(LAYER_GZIP, level);
	for (uint32_t i = 0; i < TRIES; i++) {
		size_t n, m;

		fill(data, i);
		n = layer_compress_block(all[0], data, SIZE, a);
		m = layer_compress_block(all[1 + i % (COMPRESSORS - 1)], data, SIZE, b);
		changed += n != m || memcmp(a, b, n) != 0;
		wrong += !is_inverse(data, a, n);
	}
	for (int i = 0; i < COMPRESSORS; i++)
		layer_compressor_free(all[i]);
	is_int((long)changed, 0, "a block is the same for every compressor");
	is_int((long)wrong, 0, "and is what it was");
}

int main(void)
{
	int min, max, usual;

	layer_compression_levels(LAYER_GZIP, &min, &max, &usual);
	for (int level = min; level <= 3; level++)
		test_same(level);
	return tap_done();
}
