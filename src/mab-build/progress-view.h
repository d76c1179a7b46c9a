/* SPDX-License-Identifier: MIT */
#pragma once

/* What progress.c needs of those who show and write. */

#include <stdio.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "build/event.h"

/* A way to show a build. Functions are called one at a time. */
struct progress_view {
	void *(*begin)(void); /* what the others are given */
	void (*tell)(void *view, const struct build_event *event);
	void (*end)(void *view); /* releases it */
	/*
	 * What is told whatever is shown, before it begins and after it ended: a message
	 * ("note") or why the build failed ("error"). NULL: it is a line of text.
	 */
	void (*say)(const char *event, double time, const struct err *what);
};

extern const struct progress_view progress_tty;
extern const struct progress_view progress_plain;
extern const struct progress_view progress_json;
extern const struct progress_view progress_quiet;

/*
 * At most `width` characters of UTF-8 of the first line of text; more ends in "...".
 * Control characters become `?`. Returns how many were added.
 */
size_t progress_clip(struct strbuf *out, const char *text, size_t width);

/* "[label]   | line", for each line of the text. */
void progress_lines(FILE *out, const struct build_about *step, const char *text);

/* --- What was done, for the records --- */

enum span_state { SPAN_RUNNING, SPAN_CACHED, SPAN_DONE, SPAN_FAILED };

struct span {
	const struct build_about *step;
	char *text;	   /* the instruction */
	double begin, end; /* seconds since the build began */
	enum span_state state;
};

struct spans {
	struct span *v; /* in order of their beginning */
	size_t n;
};

/* "cached", "emulated", "native", "failed", "unfinished" */
const char *span_kind(const struct span *s);

void trace_format(const struct spans *spans, FILE *out);
void timeline_format(const struct spans *spans, FILE *out);
