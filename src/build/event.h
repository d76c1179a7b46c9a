/* SPDX-License-Identifier: MIT */
#pragma once

/* What is told while a build goes on, to whoever shows it. */

#include <stdbool.h>
#include <stdint.h>

#include "oci/digest.h"
#include "oci/platform.h"

enum build_event_kind {
	BUILD_STEPS,	   /* the plan is made; `steps` of them, bases not counted */
	BUILD_STEP_BEGINS, /* text is the instruction */
	BUILD_STEP_CACHED, /* it is done, and was before */
	BUILD_STEP_DONE,
	BUILD_STEP_FAILED, /* text is why */
	BUILD_STEP_OUTPUT, /* text is one line of it, without the newline */
	BUILD_STEP_TAIL,   /* of one that fails: the last lines once more, together */
	BUILD_TRANSFER,	   /* of a blob; `done` bytes of `total` */
	BUILD_NOTE,	   /* of the build as a whole */
};

/* A step, for those who show it. Lives as long as the build. */
struct build_about {
	unsigned id; /* from 1 */
	/* "linux/arm64+2 3/7": three platforms need it; "linux/amd64->arm64 3/7":
	 * another. */
	char *label;
	char platform[OCI_PLATFORM_TEXT]; /* whose programs it runs */
	bool emulated;			  /* it runs them by a handler */
};

struct build_event {
	enum build_event_kind kind;
	double time;			/* seconds since the build began */
	const struct build_about *step; /* NULL: of the build as a whole */
	const char *text;
	double took; /* CACHED, DONE, FAILED: seconds */
	unsigned steps;
	const struct oci_digest *blob;
	bool upload;
	uint64_t done, total; /* bytes */
};

/* Called by any thread, one at a time. The event is gone after it returns. */
typedef void (*build_tell)(void *context, const struct build_event *event);
