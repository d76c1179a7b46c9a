/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is allowed but asks for trouble. The rules have BuildKit's names; those that need
 * the base image are left out or, for UndefinedVar, held back to what is sure: a name
 * that nothing defines where the whole environment is known, a misspelt one where it is
 * not.
 *
 * `# check=skip=A,B;error=true;experimental=all` at the top of the file sets what is
 * looked for; above an instruction, such a comment is for that instruction.
 */

#include "dockerfile/scope.h"

struct dockerfile_lint_options {
	const struct dockerfile_given *given;
	/* Is a path of the context left out by the ignore file? NULL: none is. */
	bool (*ignored)(const char *path, void *data);
	/* The environment of a base image; NULL, or returns NULL: not known. */
	const struct dockerfile_vars *(*base_env)(const char *image, void *data);
	void *data; /* for both */
};

struct dockerfile_warning {
	const char *rule;
	struct dockerfile_pos pos;
	char *text; /* owned */
};

struct dockerfile_warnings {
	struct dockerfile_warning *v; /* by line; at most 1000 */
	size_t n;
	bool as_errors; /* the file wants them to fail the build */
};

/*
 * Fails (-EINVAL, with a place) when the check directive is wrong or an expansion fails;
 * w is to be released in any case.
 */
int dockerfile_lint(const struct dockerfile *d, const struct dockerfile_lint_options *o,
		    struct dockerfile_warnings *w, struct err *e);
void dockerfile_warnings_free(struct dockerfile_warnings *w);

#define AUTO_WARNINGS CLEAN(dockerfile_warnings_free)
