/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Allocation of small objects. These never return NULL: when memory is out the program
 * aborts, because no caller could do better. A size that comes from input is capped by
 * whoever reads that input, before it gets here.
 */

#include <stddef.h>

void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull, nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull, nonnull));

/* printf into a new string, owned by the caller. */
char *xasprintf(const char *fmt, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/*
 * Room for one more element in an array that grows by doubling: call it when *n elements
 * are in use, then write element (*n)++.
 */
#define GROW(array, n)                                                                   \
	do {                                                                             \
		if (((n) & ((n)-1)) == 0)                                                \
			(array) = xrealloc((array), (n) ? (n)*2 : 1, sizeof *(array));   \
	} while (0)
