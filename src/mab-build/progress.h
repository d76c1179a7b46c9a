/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is shown while a build goes on (stderr), and the records of it that are left: a
 * trace, a picture. One view shows; see progress-view.h.
 */

#include <stdbool.h>

#include "base/err.h"
#include "build/event.h"

enum progress_mode {
	PROGRESS_AUTO, /* tty on a terminal, else plain */
	PROGRESS_TTY,
	PROGRESS_PLAIN,
	PROGRESS_JSON,
	PROGRESS_QUIET, /* what fails */
};

struct progress;

struct progress *progress_new(enum progress_mode mode);

/* A build_tell; context is the struct progress. */
void progress_tell(void *context, const struct build_event *event);

/* A line on what becomes of the image. */
void progress_note(struct progress *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* One that is shown in every mode, also before the first event and after the last. */
void progress_message(struct progress *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same of a registry_log; data is the struct progress. */
void progress_log(void *data, const char *line);

/* The view says its last; later events are not shown. While the build is there. */
void progress_end(struct progress *p);

/* Why the build failed, where the mode has a form for it; false: as text, by others. */
bool progress_error(const struct progress *p, const struct err *e);

/* Chrome's trace format (JSON array form), to be opened in any viewer of it. */
int progress_write_trace(const struct progress *p, const char *file, struct err *e);

/* A picture (SVG 1.1): a row per platform, steps by time and by how they were done. */
int progress_write_timeline(const struct progress *p, const char *file, struct err *e);

void progress_free(struct progress *p);
void progress_free_p(struct progress **p);

#define AUTO_PROGRESS CLEAN(progress_free_p)
