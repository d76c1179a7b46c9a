/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a build's files are: the context, the Dockerfile, ignore files, named contexts.
 */

#include "base/err.h"
#include "build/build.h"
#include "build/context.h"
#include "dockerfile/ignore.h"
#include "mab-build/build-settings.h"

struct source {
	char *name; /* of the Dockerfile, for messages */
	char *text;
	size_t len;
	struct build_context context; /* its folder is there for as long as this is */
	struct dockerfile_ignore ignore;
	struct build_named *named; /* of --build-context */
	size_t nnamed;
	/* private */
	struct source_named {
		char *name, *where, *image;
		struct dockerfile_ignore ignore;
	} * owned;
	struct registry *client; /* these two only where something is to be fetched */
	struct build_contexts *contexts;
};

/*
 * Fetches and unpacks what has to be, and reads the rest. -f is a path, "-" for stdin, an
 * address, or NULL for Containerfile and then Dockerfile in the context. In a context
 * that is no folder of this machine it is a path there, and nothing outside is read. Of
 * the ignore files NAME.dockerignore beside the Dockerfile, .containerignore and
 * .dockerignore in the context, the first that there is counts; none is fine.
 */
int source_read(struct source *s, struct settings *settings, struct err *e);
void source_free(struct source *s);

/* What concerns named contexts: source-named.c. */
bool source_named_foreign(const struct settings *settings);
int source_named_read(struct source *s, const struct settings *settings, struct err *e);
void source_named_free(struct source *s);

/* 1 when there is such a file in a folder, 0 when there is none. */
int source_read_file(int root, const char *path, size_t max, char **text, size_t *len,
		     struct err *e);

/*
 * The ignore file of a folder: of these names the first that is there. root is the
 * folder's fd when nothing outside of it may be read, else -1, and names are paths.
 */
int source_read_ignore(struct dockerfile_ignore *ignore, int root,
		       const char *const *names, size_t n, struct err *e);
