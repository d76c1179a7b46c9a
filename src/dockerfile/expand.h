/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Variables in words, as BuildKit's shell lexer understands them: `$v ${v}`, the
 * modifiers `:- - :+ + :? ? # ## % %% / //` with nested words, quotes and escapes.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"

struct dockerfile_var {
	char *name;
	char *value;
};

/* Sorted by name. */
struct dockerfile_vars {
	struct dockerfile_var *v;
	size_t n;
	size_t bytes; /* of all values */
};

/* NULL when not set. */
const char *dockerfile_vars_get(const struct dockerfile_vars *vars, const char *name);
void dockerfile_vars_set(struct dockerfile_vars *vars, const char *name,
			 const char *value);
void dockerfile_vars_copy(struct dockerfile_vars *copy,
			  const struct dockerfile_vars *vars);
void dockerfile_vars_free(struct dockerfile_vars *vars);

#define AUTO_VARS CLEAN(dockerfile_vars_free)

/* An expanded word longer than this is refused with -E2BIG. */
enum { DOCKERFILE_VALUE_MAX = 1 << 20 };

struct dockerfile_expand {
	char escape; /* `\` or a backtick */
	bool keep_quotes;
	bool keep_escapes;
	bool ignore_quotes; /* they are ordinary characters: text of a heredoc */
	bool keep_unset;    /* a variable that is not set stays as it is written */
	const struct dockerfile_vars *vars; /* NULL: none is set */
	struct strv *missing; /* gets the names that were not set, each once, the first
				 1000; or NULL */
	struct strv *used;    /* gets those that were; or NULL */
};

/* The expanded word, owned by the caller. -EINVAL for bad syntax and for `${v:?…}`. */
int dockerfile_expand(const struct dockerfile_expand *x, const char *word, char **text,
		      struct err *e);

/* The same, split at the blanks that neither quotes nor escapes protect. */
int dockerfile_expand_split(const struct dockerfile_expand *x, const char *word,
			    struct strv *words, struct err *e);
