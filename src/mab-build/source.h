/* SPDX-License-Identifier: MIT */
#pragma once

/* Where the Dockerfile and the ignore file of a build are. */

#include "base/err.h"
#include "dockerfile/ignore.h"

struct source {
	char *name; /* of the Dockerfile, for messages */
	char *text;
	size_t len;
	struct dockerfile_ignore ignore;
};

/*
 * Reads them for a context folder. file is what -f was given: a path, "-" for stdin, or
 * NULL for Containerfile and then Dockerfile in the context. Of the ignore files
 * NAME.dockerignore beside the Dockerfile, .containerignore and .dockerignore in the
 * context, the first that there is counts; none is fine.
 */
int source_read(struct source *s, const char *context, const char *file, struct err *e);
void source_free(struct source *s);
