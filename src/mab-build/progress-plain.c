/* SPDX-License-Identifier: MIT */
/* Lines, for logs. What takes long tells of itself from time to time. */
#include "mab-build/progress-view.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cli/output.h"
#include "mab-build/command.h"

enum { TRANSFER_SECONDS = 10 };

struct plain {
	double told; /* when of a transfer the last time */
};

static void *begin(void)
{
	return xcalloc(1, sizeof(struct plain));
}

static void tell_transfer(struct plain *p, const struct build_event *event)
{
	char digest[OCI_DIGEST_TEXT];

	if (event->time - p->told < TRANSFER_SECONDS)
		return;
	if (event->done < event->total)
		cli_message(PROGRAM, "%s %.19s: %.1f of %.1f MB",
			    event->upload ? "pushing" : "pulling",
			    oci_digest_format(event->blob, digest),
			    (double)event->done / 1e6, (double)event->total / 1e6);
	p->told = event->time;
}

static void tell(void *view, const struct build_event *event)
{
	const char *label = event->step ? event->step->label : "";

	switch (event->kind) {
	case BUILD_STEP_BEGINS:
	case BUILD_STEP_OUTPUT:
		fprintf(stderr, "[%s] %s\n", label, event->text);
		break;
	case BUILD_STEP_CACHED:
		fprintf(stderr, "[%s] CACHED\n", label);
		break;
	case BUILD_STEP_DONE:
		fprintf(stderr, "[%s] DONE %.1f s\n", label, event->took);
		break;
	case BUILD_STEP_FAILED:
		fprintf(stderr, "[%s] FAILED: %s\n", label, event->text);
		break;
	case BUILD_STEP_TAIL:
		progress_lines(stderr, event->step, event->text);
		break;
	case BUILD_NOTE:
		cli_message(PROGRAM, "%s", event->text);
		break;
	case BUILD_TRANSFER:
		tell_transfer(view, event);
		break;
	case BUILD_STEPS:
		break;
	}
}

static void tell_failure(void *view, const struct build_event *event)
{
	if (event->kind == BUILD_STEP_FAILED || event->kind == BUILD_STEP_TAIL)
		tell(view, event);
}

const struct progress_view progress_plain = {begin, tell, free, NULL};
const struct progress_view progress_quiet = {begin, tell_failure, free, NULL};
