/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/strv.h"
#include "layer/read.h"
#include "layer/stream-internal.h"
#include "layer/tar-internal.h"

/*
 * One entry after the other, with the marker files of layers told from others: they are
 * about what is below, whatever order they come in, and so are kept until the end.
 */
struct layer_scan {
	struct layer_stream *stream;
	struct tar_reader tar;
	struct layer_entry entry;
	bool markers;	       /* look for them */
	struct strv whiteouts; /* paths that are hidden */
	struct strv opaques;   /* folders */
	uint64_t entries;
	struct layer_read_options options;
};

int layer_scan_begin(struct layer_scan *s, layer_source source, void *context,
		     const struct layer_read_options *options, bool markers,
		     struct err *e);

/* 1: s->entry is the next one; 0 at the end; or a negative errno. */
int layer_scan_next(struct layer_scan *s, struct err *e);

/* Completes the index, and compares the digests. */
int layer_scan_finish(struct layer_scan *s, struct layer_result *result, struct err *e);
void layer_scan_free(struct layer_scan *s);
