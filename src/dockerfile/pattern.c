/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "dockerfile/expand.h"
#include "dockerfile/pattern-internal.h"

/* Bounds the work of one match: pattern length times value length. */
enum { WORK_MAX = 4 << 20 };

enum { ANY = 256, STAR = 257, NO_MATCH = -1 };

/* A pattern as literal bytes, ANY and STAR. */
struct tokens {
	short *v;
	size_t n;
};

static void tokens_free(struct tokens *t)
{
	free(t->v);
}

static int tokenize(struct tokens *t, const char *pattern, const char *value,
		    struct err *e)
{
	size_t len = strlen(pattern);

	if (len && strlen(value) > WORK_MAX / len)
		return err_set(e, -E2BIG, "the pattern and the value are too long");
	t->v = xcalloc(len + 1, sizeof *t->v);
	for (const char *p = pattern; *p; p++) {
		short token = (unsigned char)*p;

		if (*p == '*')
			token = STAR;
		else if (*p == '?')
			token = ANY;
		else if (*p == '\\') {
			if (!p[1] || !strchr("*?\\/}", p[1]))
				return err_set(e, -EINVAL,
					       "the pattern `%.*s` has an escape before "
					       "something that needs none",
					       (int)strcspn(pattern, "\r\n"), pattern);
			token = (unsigned char)*++p;
		}
		t->v[t->n++] = token;
	}
	return 0;
}

/* Bytes of the character at s. */
static size_t char_length(const char *s)
{
	size_t n = 1;

	if (!*s)
		return 0;
	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/*
 * For every start in value, where a match that begins there ends, or NO_MATCH. The
 * tokens are taken from the last to the first, each turning the ends of what follows it
 * into its own. at_end: only matches that reach the end of value count.
 */
static int32_t *match_ends(const struct tokens *t, const char *value, bool at_end,
			   bool longest)
{
	size_t n = strlen(value);
	int32_t *ends = xcalloc(n + 1, sizeof *ends);

	for (size_t i = 0; i <= n; i++)
		ends[i] = at_end && i < n ? NO_MATCH : (int32_t)i;
	for (size_t k = t->n; k-- > 0;) {
		short token = t->v[k];

		if (token == STAR) {
			for (size_t i = n; i-- > 0;) {
				bool better = longest ? ends[i + 1] > ends[i]
						      : ends[i] == NO_MATCH;

				if (value[i] != '\n' && better)
					ends[i] = ends[i + 1];
			}
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			size_t step = token == ANY ? char_length(value + i) : 1;
			bool ok = token == ANY ? value[i] != '\n'
					       : (unsigned char)value[i] == token;

			ends[i] = ok ? ends[i + step] : NO_MATCH;
		}
		ends[n] = NO_MATCH;
	}
	return ends;
}

int dockerfile_pattern_trim(const char *pattern, const char *value, bool suffix,
			    bool longest, struct strbuf *out, struct err *e)
{
	CLEAN(tokens_free) struct tokens t = {0};
	AUTO_FREE int32_t *ends = NULL;
	size_t n = strlen(value), cut = n;
	int r = tokenize(&t, pattern, value, e);

	if (r < 0)
		return r;
	ends = match_ends(&t, value, suffix, longest);
	if (!suffix) {
		strbuf_adds(out, value + (ends[0] == NO_MATCH ? 0 : ends[0]));
		return 0;
	}
	for (size_t k = 0; k <= n; k++) {
		size_t i = longest ? k : n - k;

		/* Not in the middle of a character. */
		if (ends[i] == NO_MATCH || ((unsigned char)value[i] & 0xc0) == 0x80)
			continue;
		cut = i;
		break;
	}
	strbuf_add(out, value, cut);
	return 0;
}

int dockerfile_pattern_replace(const char *pattern, const char *value,
			       const char *replacement, bool all, struct strbuf *out,
			       struct err *e)
{
	CLEAN(tokens_free) struct tokens t = {0};
	AUTO_FREE int32_t *ends = NULL;
	int r = tokenize(&t, pattern, value, e);
	size_t i = 0, n = strlen(value);

	if (r < 0)
		return r;
	ends = match_ends(&t, value, false, true);
	while (i < n) {
		size_t end = ends[i] == NO_MATCH ? i : (size_t)ends[i];

		/* An empty match replaces nothing. */
		if (end == i) {
			strbuf_addc(out, value[i++]);
			continue;
		}
		strbuf_adds(out, replacement);
		if (out->len > DOCKERFILE_VALUE_MAX)
			return err_set(e, -E2BIG, "the value gets longer than 1 MiB");
		i = end;
		if (!all)
			break;
	}
	strbuf_adds(out, value + i);
	return 0;
}
