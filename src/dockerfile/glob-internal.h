/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Path patterns: `?` and `*` match anything but `/`, `[a-z]` and `[^a-z]` one character
 * but `/`, `\` escapes, and `**` any number of directories.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct dockerfile_glob_token;

struct dockerfile_glob {
	struct dockerfile_glob_token *tokens;
	size_t n;
	uint32_t *ranges; /* of all classes: pairs of first and last */
	size_t nranges;
	char *exact; /* the path that it matches when it has no wildcard */
};

/* -EINVAL, with words, for a pattern that is not well-formed. */
int dockerfile_glob_compile(struct dockerfile_glob *g, const char *pattern,
			    struct err *e);
bool dockerfile_glob_match(const struct dockerfile_glob *g, const char *path);
void dockerfile_glob_free(struct dockerfile_glob *g);
