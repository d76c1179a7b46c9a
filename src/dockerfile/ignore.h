/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Ignore files (.dockerignore, .containerignore): which paths of a build context are left
 * out. One pattern a line; `#` in the first column is a comment, `!` brings back what an
 * earlier pattern took out, the last pattern that matches decides. Patterns are those of
 * Go's filepath.Match, with `**` for any number of directories; a directory that matches
 * takes out all that is beneath it. The reference is moby's patternmatcher.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { DOCKERFILE_IGNORE_SIZE_MAX = 1 << 20 };

struct dockerfile_ignore_pattern;

struct dockerfile_ignore {
	struct dockerfile_ignore_pattern *patterns;
	size_t n;
	bool exceptions; /* there is a `!` */
};

/* file names the text in messages; places are set in e. */
int dockerfile_ignore_parse(struct dockerfile_ignore *ig, const char *file,
			    const char *text, size_t len, struct err *e);

/* Adds one pattern, as --exclude takes them. */
int dockerfile_ignore_add(struct dockerfile_ignore *ig, const char *pattern,
			  struct err *e);

/*
 * Is a path left out? It is relative to the context, without `.`, `..` and slashes at
 * its ends. The directories above it are looked at too.
 */
bool dockerfile_ignore_match(const struct dockerfile_ignore *ig, const char *path);

/*
 * The same for a walk that goes from directories to what is in them: `above` is what the
 * call for the directory left in its `own` (NULL at the top). Both have n elements; own
 * may be NULL when path is not a directory.
 */
bool dockerfile_ignore_match_in(const struct dockerfile_ignore *ig, const bool *above,
				const char *path, bool *own);

/* Can a walk skip a directory that is left out: can nothing beneath it come back? */
bool dockerfile_ignore_prunes(const struct dockerfile_ignore *ig, const char *path);

void dockerfile_ignore_free(struct dockerfile_ignore *ig);

#define AUTO_IGNORE CLEAN(dockerfile_ignore_free)
