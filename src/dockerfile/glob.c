/* SPDX-License-Identifier: MIT */
#include "dockerfile/glob-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

enum token_type {
	CHAR,  /* one character, `value` */
	ANY,   /* `?` */
	STAR,  /* `*` */
	CLASS, /* `[…]`: `count` ranges from `value` on */
	SKIP,  /* the way around DEEP that follows */
	DEEP,  /* whole directories, the last one with its slash */
	REST,  /* anything at all */
};

/*
 * The pattern as an automaton: a state before each token, and one at the end. The states
 * that are possible go through the path together, so that no pattern is slow.
 */
struct dockerfile_glob_token {
	enum token_type type;
	bool negated;
	uint32_t value;
	uint32_t count;
};

/* Reads one character; a byte that is not UTF-8 stands for itself, out of Unicode. */
static uint32_t next_char(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	unsigned extra = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc2 ? 1 : 0;
	uint32_t c = p[0];

	*s += 1;
	if (p[0] < 0x80 || extra == 0)
		return p[0] < 0x80 ? c : 0x110000 + c;
	c &= 0x3f >> extra;
	for (unsigned k = 1; k <= extra; k++) {
		if ((p[k] & 0xc0) != 0x80)
			return 0x110000 + p[0];
		c = c << 6 | (p[k] & 0x3f);
	}
	*s += extra;
	return c;
}

static struct dockerfile_glob_token *add(struct dockerfile_glob *g, enum token_type type)
{
	GROW(g->tokens, g->n);
	g->tokens[g->n] = (struct dockerfile_glob_token){.type = type};
	return &g->tokens[g->n++];
}

static int bad(const char *pattern, const char *why, struct err *e)
{
	return err_set(e, -EINVAL, "the pattern `%s` %s", pattern, why);
}

/* One end of a range; false when there is none. */
static bool class_char(const char **s, uint32_t *c)
{
	if (!**s || **s == '-' || **s == ']')
		return false;
	*s += **s == '\\';
	if (!**s)
		return false;
	*c = next_char(s);
	return true;
}

/* *s is behind the bracket. */
static int compile_class(struct dockerfile_glob *g, const char *pattern, const char **s,
			 struct err *e)
{
	struct dockerfile_glob_token *t = add(g, CLASS);

	t->value = (uint32_t)g->nranges;
	t->negated = **s == '^';
	*s += t->negated;
	do {
		uint32_t first, last;

		if (!class_char(s, &first))
			return bad(pattern, "has a `[` that is not closed properly", e);
		last = first;
		if (**s == '-' && (++*s, !class_char(s, &last)))
			return bad(pattern, "has a range without an end", e);
		for (uint32_t *end = &first; end; end = end == &first ? &last : NULL) {
			GROW(g->ranges, g->nranges);
			g->ranges[g->nranges++] = *end;
		}
		t->count++;
	} while (**s != ']');
	++*s;
	return 0;
}

/* *s is behind the two stars. */
static void compile_deep(struct dockerfile_glob *g, const char **s)
{
	bool slash = **s == '/';

	*s += slash;
	if (!**s) {
		add(g, REST);
		return;
	}
	add(g, SKIP);
	add(g, DEEP);
}

static int compile(struct dockerfile_glob *g, const char *pattern, struct err *e)
{
	const char *s = pattern;

	/* `**.o`, with nothing else special, matches what ends so in any directory. */
	if (strncmp(s, "**", 2) == 0 && s[2] != '/' && !strpbrk(s + 2, "*?[]\\")) {
		add(g, REST);
		s += 2;
	}
	while (*s) {
		int r;

		if (strncmp(s, "**", 2) == 0) {
			s += 2;
			compile_deep(g, &s);
		} else if (*s == '*' || *s == '?') {
			add(g, *s++ == '*' ? STAR : ANY);
		} else if (*s == '[') {
			s++;
			r = compile_class(g, pattern, &s, e);
			if (r < 0)
				return r;
		} else {
			s += *s == '\\';
			if (!*s)
				return bad(pattern, "ends with an escape", e);
			add(g, CHAR)->value = next_char(&s);
		}
	}
	return 0;
}

int dockerfile_glob_compile(struct dockerfile_glob *g, const char *pattern, struct err *e)
{
	int r;

	*g = (struct dockerfile_glob){0};
	if (!strpbrk(pattern, "*?[\\")) {
		g->exact = xstrdup(pattern);
		return 0;
	}
	r = compile(g, pattern, e);
	if (r < 0)
		dockerfile_glob_free(g);
	return r;
}

static bool in_class(const struct dockerfile_glob *g,
		     const struct dockerfile_glob_token *t, uint32_t c)
{
	const uint32_t *range = g->ranges + t->value;
	bool in = false;

	for (uint32_t k = 0; k < t->count && !in; k++)
		in = c >= range[2 * k] && c <= range[2 * k + 1];
	return in != t->negated;
}

/* Adds the states that are reached without reading anything. */
static void follow(const struct dockerfile_glob *g, bool *states)
{
	for (size_t k = 0; k < g->n; k++) {
		enum token_type type = g->tokens[k].type;

		if (!states[k])
			continue;
		if (type == STAR || type == REST || type == SKIP)
			states[k + 1] = true;
		if (type == SKIP)
			states[k + 2] = true;
	}
}

/*
 * Reads one character. From the last state to the first, in place: a state gives only to
 * itself and to the next one, which has been dealt with. False when none is left.
 */
static bool step(const struct dockerfile_glob *g, bool *states, uint32_t c)
{
	bool some = false;

	states[g->n] = false;
	for (size_t k = g->n; k-- > 0;) {
		const struct dockerfile_glob_token *t = &g->tokens[k];
		bool stay = false, go = false;

		if (!states[k])
			continue;
		switch (t->type) {
		case CHAR:
			go = c == t->value;
			break;
		case ANY:
			go = c != '/';
			break;
		case CLASS:
			go = c != '/' && in_class(g, t, c);
			break;
		case STAR:
			stay = c != '/';
			break;
		case DEEP:
			stay = true;
			go = c == '/';
			break;
		case REST:
			stay = true;
			break;
		case SKIP:
			break;
		}
		states[k] = stay;
		states[k + 1] |= go;
		some |= stay || go;
	}
	return some;
}

bool dockerfile_glob_match(const struct dockerfile_glob *g, const char *path)
{
	AUTO_FREE bool *states = NULL;

	if (g->exact)
		return strcmp(g->exact, path) == 0;
	/* Most paths fail at the first character. */
	if (g->n && g->tokens[0].type == CHAR && (unsigned char)*path < 0x80 &&
	    g->tokens[0].value != (uint32_t)(unsigned char)*path)
		return false;
	states = xcalloc(g->n + 1, sizeof *states);
	states[0] = true;
	follow(g, states);
	while (*path) {
		if (!step(g, states, next_char(&path)))
			return false;
		follow(g, states);
	}
	return states[g->n];
}

void dockerfile_glob_free(struct dockerfile_glob *g)
{
	free(g->tokens);
	free(g->ranges);
	free(g->exact);
	*g = (struct dockerfile_glob){0};
}
