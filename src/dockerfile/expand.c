/* SPDX-License-Identifier: MIT */
#include "dockerfile/expand.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/lexer-internal.h"
#include "dockerfile/pattern-internal.h"

/*
 * `${a:-${b:-…}}` may be nested this deep, so many names are noted, and a message shows
 * so many bytes.
 */
enum { DEPTH_MAX = 32, NAMES_MAX = 1000, SHOWN_MAX = 60 };

struct reader {
	const struct dockerfile_expand *x;
	const char *s; /* what is left */
	bool keep_escapes;
	unsigned depth;
	struct err *e;
};

/* The expanded text, and the same in words when somebody wants them. */
struct writer {
	struct strbuf text;
	struct strv *words;
	struct strbuf word;
};

static void writer_free(struct writer *w)
{
	strbuf_free(&w->text);
	strbuf_free(&w->word);
}

static void end_word(struct writer *w)
{
	if (w->word.len)
		strv_add(w->words, w->word.data);
	strbuf_trim(&w->word, 0);
}

/* Text that blanks do not split. */
static void put_raw(struct writer *w, const char *s, size_t n)
{
	strbuf_add(&w->text, s, n);
	if (w->words)
		strbuf_add(&w->word, s, n);
}

static void put(struct writer *w, const char *s, size_t n)
{
	strbuf_add(&w->text, s, n);
	for (size_t i = 0; w->words && i < n; i++) {
		if (dockerfile_is_blank(s[i]))
			end_word(w);
		else
			strbuf_addc(&w->word, s[i]);
	}
}

/* How much of it a message shows: the text of a heredoc has more lines. */
static int shown(const char *text)
{
	size_t n = strcspn(text, "\r\n");

	return n < SHOWN_MAX ? (int)n : SHOWN_MAX;
}

static int fail(struct reader *r, const char *what, const char *of)
{
	return err_set(r->e, -EINVAL, "%s `%.*s`", what, shown(of), of);
}

static void note(struct strv *names, const char *name)
{
	if (names && names->n < NAMES_MAX && !strv_has(names, name))
		strv_add(names, name);
}

static const char *value_of(struct reader *r, const char *name)
{
	const char *value = r->x->vars ? dockerfile_vars_get(r->x->vars, name) : NULL;

	note(value ? r->x->used : r->x->missing, name);
	return value;
}

/* A name, a number or one of the shell's special parameters; "" when there is none. */
static char *read_name(struct reader *r)
{
	const char *start = r->s;

	if (isdigit((unsigned char)*r->s)) {
		while (isdigit((unsigned char)*r->s))
			r->s++;
	} else if (*r->s && strchr("@*#?-$!", *r->s)) {
		r->s++;
	} else {
		while (isalnum((unsigned char)*r->s) || *r->s == '_')
			r->s++;
	}
	return xstrndup(start, (size_t)(r->s - start));
}

static int dollar(struct reader *r, struct strbuf *out);

static int single_quotes(struct reader *r, struct strbuf *out)
{
	const char *start = r->s, *end = strchr(start + 1, '\'');

	if (!end)
		return fail(r, "the single quote is not closed:", start);
	if (r->x->keep_quotes)
		strbuf_add(out, start, (size_t)(end - start) + 1);
	else
		strbuf_add(out, start + 1, (size_t)(end - start) - 1);
	r->s = end + 1;
	return 0;
}

static int double_quotes(struct reader *r, struct strbuf *out)
{
	const char *start = r->s++;
	int rc = 0;

	if (r->x->keep_quotes)
		strbuf_addc(out, '"');
	while (rc == 0) {
		char c = *r->s;

		if (!c)
			return fail(r, "the double quote is not closed:", start);
		if (c == '$') {
			rc = dollar(r, out);
			continue;
		}
		r->s++;
		if (c == '"')
			break;
		if (c == r->x->escape) {
			if (r->keep_escapes)
				strbuf_addc(out, c);
			if (!*r->s)
				continue;
			if (*r->s == '"' || *r->s == '$' || *r->s == c)
				c = *r->s++;
		}
		strbuf_addc(out, c);
	}
	if (rc == 0 && r->x->keep_quotes)
		strbuf_addc(out, '"');
	return rc;
}

/* Reads up to stop, which is eaten, or to the end when stop is NUL. */
static int until(struct reader *r, char stop, struct writer *w)
{
	int rc = 0;

	while (rc == 0 && *r->s && *r->s != stop) {
		AUTO_STRBUF struct strbuf part = STRBUF_INIT;
		char c = *r->s;

		if (w->text.len > DOCKERFILE_VALUE_MAX)
			return err_set(r->e, -E2BIG, "the value gets longer than 1 MiB");
		if (c == '$') {
			rc = dollar(r, &part);
			put(w, part.data, part.len);
		} else if ((c == '"' || c == '\'') && !r->x->ignore_quotes) {
			rc = c == '"' ? double_quotes(r, &part) : single_quotes(r, &part);
			put_raw(w, part.data, part.len);
		} else if (c == r->x->escape) {
			if (r->keep_escapes)
				put_raw(w, r->s, 1);
			if (*++r->s)
				put_raw(w, r->s++, 1);
		} else {
			put(w, r->s++, 1);
		}
	}
	if (rc < 0 || !stop)
		return rc;
	if (!*r->s)
		return -ENODATA;
	r->s++;
	return 0;
}

/* The word of a modifier, up to stop. start is where the `${` is, for messages. */
static int modifier_word(struct reader *r, char stop, bool keep_escapes,
			 const char *start, struct strbuf *word)
{
	CLEAN(writer_free) struct writer w = {STRBUF_INIT, NULL, STRBUF_INIT};
	bool saved = r->keep_escapes;
	int rc;

	if (++r->depth > DEPTH_MAX)
		return fail(r, "variables are nested too deeply:", start);
	r->keep_escapes = keep_escapes;
	rc = until(r, stop, &w);
	r->keep_escapes = saved;
	r->depth--;
	if (rc == -ENODATA)
		return err_set(r->e, -EINVAL, "`%c` is missing after `%.*s`", stop,
			       shown(start), start);
	if (rc == 0)
		*word = w.text, w.text = (struct strbuf)STRBUF_INIT;
	return rc;
}

static int must_be_set(struct reader *r, const char *name, const char *value,
		       const char *word)
{
	if (*word)
		return err_set(r->e, -EINVAL, "%s: %s", name, word);
	return err_set(r->e, -EINVAL, "the variable %s is %s, and must not be", name,
		       value ? "empty" : "not set");
}

/* `${name` and, with colon, `:` have been read; r->s is behind the modifier op. */
static int test_modifier(struct reader *r, const char *start, const char *name,
			 bool colon, char op, struct strbuf *out)
{
	AUTO_STRBUF struct strbuf word = STRBUF_INIT;
	int rc = modifier_word(r, '}', false, start, &word);
	const char *value;
	bool set;

	if (rc < 0)
		return rc;
	value = value_of(r, name);
	set = value && (*value || !colon);
	if (!value && r->x->keep_unset)
		strbuf_addf(out, "${%s%s%c%s}", name, colon ? ":" : "", op, word.data);
	else if (op == '-')
		strbuf_adds(out, set ? value : word.data);
	else if (op == '+')
		strbuf_adds(out, set ? word.data : "");
	else if (!set)
		return must_be_set(r, name, value, word.data);
	else
		strbuf_adds(out, value);
	return 0;
}

/* `#`, `##`, `%`, `%%`; r->s is behind the first. */
static int trim_modifier(struct reader *r, const char *start, const char *name, char op,
			 struct strbuf *out)
{
	AUTO_STRBUF struct strbuf word = STRBUF_INIT;
	bool longest = *r->s == op;
	const char *value;
	int rc;

	r->s += longest;
	rc = modifier_word(r, '}', true, start, &word);
	if (rc < 0)
		return rc;
	value = value_of(r, name);
	if (!value && r->x->keep_unset) {
		strbuf_addf(out, "${%s%c%s%s}", name, op,
			    longest ? (op == '#' ? "#" : "%") : "", word.data);
		return 0;
	}
	return dockerfile_pattern_trim(word.data, value ? value : "", op == '%', longest,
				       out, r->e);
}

/* `/`, `//`; r->s is behind the first. */
static int replace_modifier(struct reader *r, const char *start, const char *name,
			    struct strbuf *out)
{
	AUTO_STRBUF struct strbuf pattern = STRBUF_INIT;
	AUTO_STRBUF struct strbuf replacement = STRBUF_INIT;
	bool all = *r->s == '/';
	const char *value;
	int rc;

	r->s += all;
	rc = modifier_word(r, '/', true, start, &pattern);
	if (rc == 0)
		rc = modifier_word(r, '}', true, start, &replacement);
	if (rc < 0)
		return rc;
	value = value_of(r, name);
	if (!value && r->x->keep_unset) {
		strbuf_addf(out, "${%s/%s%s/%s}", name, all ? "/" : "", pattern.data,
			    replacement.data);
		return 0;
	}
	return dockerfile_pattern_replace(pattern.data, value ? value : "",
					  replacement.data, all, out, r->e);
}

/* r->s is behind `${`, start at the dollar. */
static int braces(struct reader *r, const char *start, struct strbuf *out)
{
	AUTO_FREE char *name = NULL;
	const char *value;
	bool colon;
	char op;

	if (!*r->s)
		return fail(r, "`}` is missing after", start);
	name = read_name(r);
	if (!*name)
		return fail(r, "a variable's name is missing in", start);
	colon = *r->s == ':';
	r->s += colon;
	op = *r->s;
	if (!op || op == '\r' || op == '\n')
		return fail(r, "`}` is missing after", start);
	r->s++;
	if (op == '}' && !colon) {
		value = value_of(r, name);
		if (!value && r->x->keep_unset)
			strbuf_addf(out, "${%s}", name);
		else if (value)
			strbuf_adds(out, value);
		return 0;
	}
	if (op == '-' || op == '+' || op == '?')
		return test_modifier(r, start, name, colon, op, out);
	if ((op == '#' || op == '%') && !colon)
		return trim_modifier(r, start, name, op, out);
	if (op == '/' && !colon)
		return replace_modifier(r, start, name, out);
	return fail(r, "a modifier that does not exist in", start);
}

static int dollar(struct reader *r, struct strbuf *out)
{
	const char *start = r->s++;
	AUTO_FREE char *name = NULL;
	const char *value;

	if (*r->s == '{') {
		r->s++;
		return braces(r, start, out);
	}
	name = read_name(r);
	if (!*name) {
		strbuf_addc(out, '$');
		return 0;
	}
	value = value_of(r, name);
	if (!value && r->x->keep_unset)
		strbuf_addf(out, "$%s", name);
	else if (value)
		strbuf_adds(out, value);
	return 0;
}

static int expand(const struct dockerfile_expand *x, const char *word, struct writer *w,
		  struct err *e)
{
	struct reader r = {x, word, x->keep_escapes, 0, e};
	int rc = until(&r, '\0', w);

	if (rc == 0 && w->text.len > DOCKERFILE_VALUE_MAX)
		return err_set(e, -E2BIG, "the value gets longer than 1 MiB");
	return rc;
}

int dockerfile_expand(const struct dockerfile_expand *x, const char *word, char **text,
		      struct err *e)
{
	CLEAN(writer_free) struct writer w = {STRBUF_INIT, NULL, STRBUF_INIT};
	int r = expand(x, word, &w, e);

	if (r == 0)
		*text = strbuf_take(&w.text);
	return r;
}

int dockerfile_expand_split(const struct dockerfile_expand *x, const char *word,
			    struct strv *words, struct err *e)
{
	CLEAN(writer_free)
	struct writer w = {STRBUF_INIT, words, STRBUF_INIT};
	int r = expand(x, word, &w, e);

	if (r == 0)
		end_word(&w);
	return r;
}
