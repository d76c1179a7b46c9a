/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Contexts that are no folder of this machine: archives (also on stdin), files of web
 * servers and repositories. They become folders in the store, before a build begins; what
 * is in them all belongs to one user there, as a context's owners mean nothing.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "registry/client.h"

struct build_contexts;

struct build_context {
	char *folder; /* its path */
	/* What was given is not a context but a Dockerfile; the folder is empty then. */
	char *dockerfile;
	size_t len;
};

/* Whether a context has to be opened here: it is not just a folder. */
bool build_context_is_foreign(const char *text);

/* Whether it is an address, of a repository or of a file. */
bool build_context_is_address(const char *text);

/*
 * Opens the store in root (NULL: the usual place), where they go. The client and the
 * settings, which are the client's, must live as long.
 */
int build_contexts_new(const char *root, struct registry *client,
		       const struct registry_settings *settings,
		       struct build_contexts **contexts, struct err *e);

/*
 * Opens a context: "-" (stdin: an archive or a Dockerfile), an archive's path, an http(s)
 * address of an archive or a Dockerfile, a repository (build/git.h; also file://).
 * dockerfile_max: more bytes make no Dockerfile. *context is the caller's, its folder is
 * there until build_contexts_free().
 */
int build_context_open(struct build_contexts *c, const char *text, size_t dockerfile_max,
		       struct build_context *context, struct err *e);

/* The file of an http(s) address, of at most max bytes; owned by the caller. */
int build_context_read(struct build_contexts *c, const char *url, size_t max, char **text,
		       size_t *len, struct err *e);

void build_context_free(struct build_context *context);
void build_contexts_free(struct build_contexts *c);
