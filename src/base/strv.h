/* SPDX-License-Identifier: MIT */
#pragma once

/* A list of owned strings. `v` is NULL-terminated once it holds anything. */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct strv {
	char **v;
	size_t n;
};

#define STRV_INIT                                                                        \
	{                                                                                \
		NULL, 0                                                                  \
	}

/* Adds a copy. */
void strv_add(struct strv *l, const char *s);
void strv_addf(struct strv *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds s itself, which the list then owns. */
void strv_own(struct strv *l, char *s);

/* Adds the non-empty parts of s between any of the separators. */
void strv_split(struct strv *l, const char *s, const char *separators);

bool strv_has(const struct strv *l, const char *s);

/* By byte value. */
void strv_sort(struct strv *l);

/*
 * The candidate nearest to a misspelt word, for "did you mean …?": at most a third of the
 * word's letters changed, added, left out or swapped with their neighbour. NULL when none
 * is near; points into the list.
 */
const char *strv_nearest(const struct strv *l, const char *word);

void strv_free(struct strv *l);

#define AUTO_STRV CLEAN(strv_free)
