/* SPDX-License-Identifier: MIT */
#include "base/strv.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

void strv_own(struct strv *l, char *s)
{
	l->v = xrealloc(l->v, l->n + 2, sizeof *l->v);
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void strv_add(struct strv *l, const char *s)
{
	strv_own(l, xstrdup(s));
}

void strv_addf(struct strv *l, const char *fmt, ...)
{
	struct strbuf s = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	strv_own(l, strbuf_take(&s));
}

void strv_split(struct strv *l, const char *s, const char *separators)
{
	while (*(s += strspn(s, separators))) {
		size_t n = strcspn(s, separators);

		strv_own(l, xstrndup(s, n));
		s += n;
	}
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, compare);
}

/* Damerau-Levenshtein distance (optimal string alignment); words are short. */
enum { WORD_MAX = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *old = rows[0], *prev = rows[1], *row = rows[2];
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		prev[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *free_row = old;

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t change = prev[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = min3(prev[j] + 1, row[j - 1] + 1, change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && old[j - 2] + 1 < row[j])
				row[j] = old[j - 2] + 1;
		}
		old = prev;
		prev = row;
		row = free_row;
	}
	return prev[nb];
}

const char *strv_nearest(const struct strv *l, const char *word)
{
	size_t best = strlen(word) / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < l->n; i++) {
		size_t d = distance(word, l->v[i]);

		if (d < best) {
			best = d;
			found = l->v[i];
		}
	}
	return found;
}

void strv_free(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv)STRV_INIT;
}
