/* SPDX-License-Identifier: MIT */
#include "layer/compress.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "layer/compress-internal.h"

#ifdef HAVE_ISAL
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#endif

/*
 * gzip levels 1 and 2 are ISA-L's where it is built in: about five times as fast as zlib
 * at level 1 for as small a result. Its levels 1 and 2 give the same bytes on every
 * x86-64 CPU with SSE 4.2; level 3 does not, and is not used. Levels from 3 on are
 * zlib's.
 */
#ifdef HAVE_ISAL
enum { ISAL_LEVELS = 2, GZIP_USUAL = 2 };
#else
enum { ISAL_LEVELS = 0, GZIP_USUAL = 1 };
#endif

static const struct {
	const char *suffix;
	uint8_t magic[6];
	size_t n;
	int min, max, usual;
} forms[] = {
	[LAYER_GZIP] = {"+gzip", {0x1f, 0x8b}, 2, 1, 9, GZIP_USUAL},
	[LAYER_ZSTD] = {"+zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, 1, 19, 3},
	[LAYER_PLAIN] = {"", {0}, 0, 0, 0, 0},
	[LAYER_BZIP2] = {NULL, {'B', 'Z', 'h'}, 3, 0, 0, 0},
	[LAYER_XZ] = {NULL, {0xfd, '7', 'z', 'X', 'Z', 0}, 6, 0, 0, 0},
};

const char *layer_compression_suffix(enum layer_compression c)
{
	return forms[c].suffix;
}

void layer_compression_levels(enum layer_compression c, int *min, int *max, int *usual)
{
	*min = forms[c].min;
	*max = forms[c].max;
	*usual = forms[c].usual;
}

enum layer_compression layer_compression_guess(const void *data, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (forms[i].n && n >= forms[i].n &&
		    memcmp(data, forms[i].magic, forms[i].n) == 0)
			return (enum layer_compression)i;
	return LAYER_PLAIN;
}

/* --- One block at a time --- */

struct layer_compressor {
	enum layer_compression form;
	int level;
	z_stream zlib;
	ZSTD_CCtx *zstd;
#ifdef HAVE_ISAL
	struct isal_zstream isal;
	uint8_t *isal_buffer;
#endif
};

/* Memory and wrong parameters are all that can fail here. */
static void checked(bool good)
{
	if (!good)
		abort();
}

struct layer_compressor *layer_compressor_new(enum layer_compression form, int level)
{
	/* Not zeroed, and its buffers neither: most layers touch little of them. */
	struct layer_compressor *c = xrealloc(NULL, 1, sizeof *c);

	c->zlib = (z_stream){0};
	c->zstd = NULL;
	c->form = form;
	c->level = level ? level : forms[form].usual;
	if (form == LAYER_ZSTD) {
		c->zstd = ZSTD_createCCtx();
		checked(c->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(
					   c->zstd, ZSTD_c_compressionLevel, c->level)));
	} else if (form == LAYER_GZIP && c->level > ISAL_LEVELS) {
		/* Negative window bits: deflate without a header. */
		checked(deflateInit2(&c->zlib, c->level, Z_DEFLATED, -MAX_WBITS, 8,
				     Z_DEFAULT_STRATEGY) == Z_OK);
	}
#ifdef HAVE_ISAL
	c->isal_buffer = NULL;
	if (form == LAYER_GZIP && c->level <= ISAL_LEVELS)
		c->isal_buffer = xrealloc(NULL, ISAL_DEF_LVL2_EXTRA_LARGE, 1);
#endif
	return c;
}

void layer_compressor_free(struct layer_compressor *c)
{
	if (!c)
		return;
	if (c->form == LAYER_GZIP && c->level > ISAL_LEVELS)
		(void)deflateEnd(
			&c->zlib); /* Z_DATA_ERROR only tells that it is not ended */
	ZSTD_freeCCtx(c->zstd);
#ifdef HAVE_ISAL
	free(c->isal_buffer);
#endif
	free(c);
}

enum { STORED_MAX = 65535, STORED_HEADER = 5 };

size_t layer_compress_bound(size_t n)
{
	return ZSTD_compressBound(n) + (n / STORED_MAX + 2) * STORED_HEADER + 64;
}

/* Blocks of deflate that are not compressed (RFC 1951, 3.2.4): what fits in any case. */
static size_t store(const uint8_t *data, size_t n, uint8_t *out)
{
	uint8_t *to = out;

	while (n) {
		uint16_t part = n < STORED_MAX ? (uint16_t)n : STORED_MAX;
		uint8_t header[STORED_HEADER] = {0, part & 0xff, part >> 8, ~part & 0xff,
						 (uint8_t)(~part >> 8)};

		memcpy(to, header, sizeof header);
		memcpy(to + sizeof header, data, part);
		to += sizeof header + part;
		data += part;
		n -= part;
	}
	return (size_t)(to - out);
}

#ifdef HAVE_ISAL
/*
 * Without any history ISA-L (2.30, 2.31) looks for the third byte in a place of its hash
 * table that depends on the address of the stream: one block in thousands becomes another
 * from run to run. So the first byte is stored, and is the history of the others.
 */
static size_t deflate_isal(struct layer_compressor *c, const uint8_t *data, size_t n,
			   uint8_t *out, size_t room)
{
	struct isal_zstream *z = &c->isal;
	uint8_t first = *data;
	size_t head = STORED_HEADER + 1;

	if (room <= head)
		return 0;
	(void)store(&first, 1, out);
	isal_deflate_init(z);
	z->level = (uint32_t)c->level;
	z->level_buf = c->isal_buffer;
	z->level_buf_size =
		c->level == 1 ? ISAL_DEF_LVL1_EXTRA_LARGE : ISAL_DEF_LVL2_EXTRA_LARGE;
	z->flush = SYNC_FLUSH;
	checked(isal_deflate_set_dict(z, &first, 1) == COMP_OK);
	z->next_in = (uint8_t *)(uintptr_t)data + 1; /* it only reads there */
	z->avail_in = (uint32_t)n - 1;
	z->next_out = out + head;
	z->avail_out = (uint32_t)(room - head);
	checked(isal_deflate(z) == COMP_OK);
	return z->avail_in || !z->avail_out ? 0 : head + z->total_out;
}
#endif

static size_t deflate_zlib(struct layer_compressor *c, const uint8_t *data, size_t n,
			   uint8_t *out, size_t room)
{
	z_stream *z = &c->zlib;

	checked(deflateReset(z) == Z_OK);
	z->next_in = (uint8_t *)(uintptr_t)data; /* it only reads there */
	z->avail_in = (unsigned)n;
	z->next_out = out;
	z->avail_out = (unsigned)room;
	checked(deflate(z, Z_SYNC_FLUSH) != Z_STREAM_ERROR);
	return z->avail_in || !z->avail_out ? 0 : z->total_out;
}

/* Ends on a whole byte, so that the next block's bytes may follow. */
static size_t deflate_block(struct layer_compressor *c, const uint8_t *data, size_t n,
			    uint8_t *out)
{
	size_t size;

#ifdef HAVE_ISAL
	if (c->level <= ISAL_LEVELS)
		size = deflate_isal(c, data, n, out, n);
	else
#endif
		size = deflate_zlib(c, data, n, out, n);
	return size ? size : store(data, n, out);
}

size_t layer_compress_block(struct layer_compressor *c, const uint8_t *data, size_t n,
			    uint8_t *out)
{
	size_t size;

	if (c->form == LAYER_GZIP)
		return deflate_block(c, data, n, out);
	size = ZSTD_compress2(c->zstd, out, layer_compress_bound(n), data, n);
	checked(!ZSTD_isError(size));
	return size;
}

size_t layer_compress_head(enum layer_compression form, uint8_t out[LAYER_FRAME_MAX])
{
	/* No name, no time, no operating system (RFC 1952, 2.3). */
	static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};

	if (form != LAYER_GZIP)
		return 0;
	memcpy(out, gzip, sizeof gzip);
	return sizeof gzip;
}

size_t layer_compress_tail(enum layer_compression form, uint32_t crc, uint64_t size,
			   uint8_t out[LAYER_FRAME_MAX])
{
	if (form != LAYER_GZIP)
		return 0;
	/* The last block of deflate, which is empty. */
	out[0] = 3;
	out[1] = 0;
	for (int i = 0; i < 4; i++) {
		out[2 + i] = (uint8_t)(crc >> (8 * i));
		out[6 + i] = (uint8_t)(size >> (8 * i));
	}
	return 10;
}

uint32_t layer_crc(uint32_t crc, const uint8_t *data, size_t n)
{
#ifdef HAVE_ISAL
	return crc32_gzip_refl(crc, data, n);
#else
	return (uint32_t)crc32(crc, data, (unsigned)n);
#endif
}
