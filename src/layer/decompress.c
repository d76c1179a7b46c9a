/* SPDX-License-Identifier: MIT */
#include "layer/decompress-internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

enum { INPUT = 256 << 10 };

struct layer_decompressor {
	layer_source source;
	void *context;
	uint8_t input[INPUT];
	size_t at, n;	   /* what of it is not used yet */
	bool begun, ended; /* the source is known, is at its end */
	bool between;	   /* members or frames; the next one may follow, or the end */
	enum layer_compression form;
	ZSTD_DCtx *zstd;
#ifdef HAVE_ISAL
	struct inflate_state isal;
#else
	z_stream zlib;
#endif
	struct archive *archive; /* for forms that libarchive reads */
	struct err *e;		 /* of the call that libarchive's callback is in */
	int failed;
};

struct layer_decompressor *layer_decompressor_new(layer_source source, void *context)
{
	struct layer_decompressor *d = xcalloc(1, sizeof *d);

	d->source = source;
	d->context = context;
	return d;
}

void layer_decompressor_free(struct layer_decompressor *d)
{
	if (!d)
		return;
	ZSTD_freeDCtx(d->zstd);
#ifndef HAVE_ISAL
	if (d->begun && d->form == LAYER_GZIP)
		(void)inflateEnd(
			&d->zlib); /* it cannot fail on a stream that was begun */
#endif
	archive_read_free(d->archive);
	free(d);
}

/* Has at least one byte of input then: 1, or 0 at the end. */
static int fill(struct layer_decompressor *d, struct err *e)
{
	ssize_t n;

	if (d->n)
		return 1;
	if (d->ended)
		return 0;
	n = d->source(d->context, d->input, sizeof d->input, e);
	if (n < 0)
		return (int)n;
	d->at = 0;
	d->n = (size_t)n;
	d->ended = n == 0;
	return n > 0;
}

static int damaged(struct err *e)
{
	return err_set(e, -EBADMSG, "the compressed data is damaged");
}

/* --- The forms: *done bytes into data, maybe none; between is set at an end --- */

#ifdef HAVE_ISAL
static int gzip_begin(struct layer_decompressor *d)
{
	isal_inflate_init(&d->isal);
	d->isal.crc_flag = ISAL_GZIP;
	return 0;
}

static int gzip_read(struct layer_decompressor *d, void *data, size_t n, size_t *done,
		     struct err *e)
{
	struct inflate_state *s = &d->isal;

	if (d->between) {
		isal_inflate_reset(s);
		s->crc_flag = ISAL_GZIP;
	}
	s->next_in = d->input + d->at;
	s->avail_in = (uint32_t)d->n;
	s->next_out = data;
	s->avail_out = (uint32_t)n;
	if (isal_inflate(s) < 0)
		return damaged(e);
	*done = n - s->avail_out;
	d->at += d->n - s->avail_in;
	d->n = s->avail_in;
	d->between = s->block_state == ISAL_BLOCK_FINISH;
	return 0;
}

#else
static int gzip_begin(struct layer_decompressor *d)
{
	/* 16: with gzip's header and checksum. */
	return inflateInit2(&d->zlib, MAX_WBITS + 16) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_read(struct layer_decompressor *d, void *data, size_t n, size_t *done,
		     struct err *e)
{
	z_stream *z = &d->zlib;
	int r;

	if (d->between)
		(void)inflateReset(z); /* it cannot fail on a stream that was begun */
	z->next_in = d->input + d->at;
	z->avail_in = (unsigned)d->n;
	z->next_out = data;
	z->avail_out = (unsigned)n;
	r = inflate(z, Z_NO_FLUSH);
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return damaged(e);
	*done = n - z->avail_out;
	d->at += d->n - z->avail_in;
	d->n = z->avail_in;
	d->between = r == Z_STREAM_END;
	return 0;
}

#endif

static int zstd_read(struct layer_decompressor *d, void *data, size_t n, size_t *done,
		     struct err *e)
{
	ZSTD_inBuffer in = {d->input + d->at, d->n, 0};
	ZSTD_outBuffer out = {data, n, 0};
	size_t r = ZSTD_decompressStream(d->zstd, &out, &in);

	if (ZSTD_isError(r))
		return damaged(e);
	*done = out.pos;
	d->at += in.pos;
	d->n -= in.pos;
	d->between = r == 0;
	return 0;
}

/* --- Through libarchive --- */

static la_ssize_t give_input(struct archive *a, void *context, const void **data)
{
	struct layer_decompressor *d = context;
	int r = fill(d, d->e);

	if (r < 0) {
		d->failed = r;
		archive_set_error(a, -r, "the source failed");
		return -1;
	}
	*data = d->input + d->at;
	r = (int)d->n;
	d->n = 0;
	return r;
}

static int archive_failure(struct layer_decompressor *d, struct err *e)
{
	if (d->failed)
		return d->failed;
	return err_set(e, -EBADMSG, "the compressed data is damaged: %s",
		       archive_error_string(d->archive));
}

static int archive_begin(struct layer_decompressor *d, struct err *e)
{
	struct archive_entry *entry;

	d->archive = archive_read_new();
	if (!d->archive)
		abort(); /* out of memory */
	d->e = e;
	if (archive_read_support_filter_bzip2(d->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(d->archive) != ARCHIVE_OK ||
	    archive_read_support_format_raw(d->archive) != ARCHIVE_OK ||
	    archive_read_open(d->archive, d, NULL, give_input, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(d->archive, &entry) != ARCHIVE_OK)
		return archive_failure(d, e);
	return 0;
}

static ssize_t archive_read(struct layer_decompressor *d, void *data, size_t n,
			    struct err *e)
{
	la_ssize_t r;

	d->e = e;
	r = archive_read_data(d->archive, data, n);
	return r < 0 ? archive_failure(d, e) : r;
}

/* --- All --- */

static int begin(struct layer_decompressor *d, struct err *e)
{
	/* A source may give its first bytes one by one. */
	while (d->n < 6 && !d->ended) {
		ssize_t n =
			d->source(d->context, d->input + d->n, sizeof d->input - d->n, e);

		if (n < 0)
			return (int)n;
		d->n += (size_t)n;
		d->ended = n == 0;
	}
	d->form = layer_compression_guess(d->input, d->n);
	d->begun = true;
	if (d->form == LAYER_GZIP)
		return gzip_begin(d);
	if (d->form == LAYER_ZSTD) {
		d->zstd = ZSTD_createDCtx();
		return d->zstd ? 0 : -ENOMEM;
	}
	return d->form == LAYER_PLAIN ? 0 : archive_begin(d, e);
}

static ssize_t read_plain(struct layer_decompressor *d, void *data, size_t n,
			  struct err *e)
{
	int r = fill(d, e);

	if (r <= 0)
		return r;
	n = n < d->n ? n : d->n;
	memcpy(data, d->input + d->at, n);
	d->at += n;
	d->n -= n;
	return (ssize_t)n;
}

ssize_t layer_decompressor_read(struct layer_decompressor *d, void *data, size_t n,
				struct err *e)
{
	if (!d->begun) {
		int r = begin(d, e);

		if (r < 0)
			return r;
	}
	if (d->form == LAYER_PLAIN)
		return read_plain(d, data, n, e);
	if (d->archive)
		return archive_read(d, data, n, e);
	for (;;) {
		size_t done = 0;
		int r, input = fill(d, e);

		if (input < 0)
			return input;
		if (input == 0 && d->between)
			return 0;
		r = d->form == LAYER_GZIP ? gzip_read(d, data, n, &done, e)
					  : zstd_read(d, data, n, &done, e);
		if (r < 0)
			return r;
		if (done)
			return (ssize_t)done;
		/* Even without input it could have had something left. */
		if (input == 0 && !d->between)
			return err_set(e, -EBADMSG, "the compressed data ends too early");
	}
}
