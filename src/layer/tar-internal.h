/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The tar format: ustar and pax (IEEE 1003.1), with what GNU tar adds on reading. Names
 * are bytes, whatever the locale.
 */

#include "base/err.h"
#include "base/strbuf.h"
#include "layer/entry.h"

enum {
	TAR_BLOCK = 512,
	TAR_MAX_PATH = 4095,	    /* PATH_MAX without the NUL */
	TAR_MAX_EXTENDED = 1 << 20, /* bytes of pax records, or of a GNU long name */
	TAR_MAX_XATTRS = 1000,
	TAR_MAX_EXTENTS = 1 << 20,
};

/* Blocks before an entry's content; for one with extents, its map is among them. */
int tar_header(const struct layer_entry *entry, struct strbuf *out, struct err *e);

/* Bytes of content that the tar has, without those up to a whole block. */
uint64_t tar_content_size(const struct layer_entry *entry);

/* Gives the next bytes, as many as it likes: 1, 0 at the end, or a negative errno. */
typedef int (*tar_source)(void *context, const uint8_t **data, size_t *n, struct err *e);

struct tar_reader {
	tar_source source;
	/* Passes over the next n bytes of the source; NULL: they are read. */
	int (*skip)(void *context, uint64_t n, struct err *e);
	void *context;
	const uint8_t *p; /* bytes that are there, but not yet read */
	size_t n;
	uint64_t offset; /* of p in the tar */
	/* of the entry */
	uint64_t left;	   /* bytes of its content in the tar */
	size_t padding;	   /* after them */
	size_t extent;	   /* that is being read */
	uint64_t position; /* in it */
	bool sparse;
	struct layer_entry *entry;
};

/*
 * The next entry: 1, 0 at the end, or a negative errno. Its path is clean and is not a
 * whiteout yet. The entry is cleared first, and is needed until the content is read.
 */
int tar_next(struct tar_reader *t, struct layer_entry *entry, struct err *e);

/*
 * The next bytes of content, and where in the file they belong: 1, 0 at the end, or a
 * negative errno. What is not read is passed over by tar_next().
 */
int tar_content(struct tar_reader *t, const uint8_t **data, size_t *n, uint64_t *at,
		struct err *e);
