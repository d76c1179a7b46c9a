/* SPDX-License-Identifier: MIT */
#include "registry/toml.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"

enum { DEPTH_MAX = 16 };

struct parser {
	const char *file;
	const char *p, *end;
	const char *line_start;
	unsigned line;
	unsigned depth; /* of arrays and inline tables */
	struct err *e;
};

static int fail_at(struct parser *s, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* at is on the present line. */
static int fail_at(struct parser *s, const char *at, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	return err_at(s->e, -EINVAL, s->file, s->line, (unsigned)(at - s->line_start) + 1,
		      "%s", text.data);
}

/* The next character, -1 at the end. */
static int peek(const struct parser *s)
{
	return s->p < s->end ? (unsigned char)*s->p : -1;
}

static bool take(struct parser *s, char c)
{
	if (peek(s) != (unsigned char)c)
		return false;
	s->p++;
	return true;
}

/* "what" was expected, something else is there. */
static int expected(struct parser *s, const char *what)
{
	int c = peek(s);

	if (c < 0 || c == '\n' || c == '\r')
		return fail_at(s, s->p, "expected %s before the end of the %s", what,
			       c < 0 ? "file" : "line");
	if (!isprint(c))
		return fail_at(s, s->p, "expected %s, not a byte 0x%02x", what,
			       (unsigned)c);
	return fail_at(s, s->p, "expected %s, not '%c'", what, c);
}

/* ---- space ---- */

static void skip_blanks(struct parser *s)
{
	while (peek(s) == ' ' || peek(s) == '\t')
		s->p++;
}

static bool take_newline(struct parser *s)
{
	if (s->end - s->p >= 2 && s->p[0] == '\r' && s->p[1] == '\n')
		s->p++;
	if (!take(s, '\n'))
		return false;
	s->line++;
	s->line_start = s->p;
	return true;
}

static void skip_comment(struct parser *s)
{
	if (peek(s) != '#')
		return;
	while (peek(s) >= 0 && peek(s) != '\n')
		s->p++;
}

/* Blanks, comments and lines' ends. */
static void skip_space(struct parser *s)
{
	do {
		skip_blanks(s);
		skip_comment(s);
	} while (take_newline(s));
}

static int end_line(struct parser *s)
{
	skip_blanks(s);
	skip_comment(s);
	return peek(s) < 0 || take_newline(s) ? 0 : expected(s, "the end of the line");
}

/* ---- strings ---- */

static void add_utf8(struct strbuf *s, uint32_t c)
{
	if (c < 0x80) {
		strbuf_addc(s, (char)c);
		return;
	}
	if (c < 0x800) {
		strbuf_addc(s, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		strbuf_addc(s, (char)(0xe0 | c >> 12));
		strbuf_addc(s, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		strbuf_addc(s, (char)(0xf0 | c >> 18));
		strbuf_addc(s, (char)(0x80 | (c >> 12 & 0x3f)));
		strbuf_addc(s, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	strbuf_addc(s, (char)(0x80 | (c & 0x3f)));
}

/* The digits of \uXXXX and \UXXXXXXXX. */
static int read_code(struct parser *s, struct strbuf *text, int digits)
{
	const char *at = s->p;
	uint32_t c = 0;

	for (int i = 0; i < digits; i++) {
		int h = peek(s);

		if (h < 0 || !isxdigit(h))
			return expected(s, "a hexadecimal digit");
		c = c << 4 | (uint32_t)(isdigit(h) ? h - '0' : (h | 32) - 'a' + 10);
		s->p++;
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return fail_at(s, at, "no such character");
	add_utf8(text, c);
	return 0;
}

static int read_escape(struct parser *s, struct strbuf *text)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	int c = peek(s);
	const char *known = c > 0 ? strchr(from, c) : NULL;

	if (known && *known) {
		strbuf_addc(text, to[known - from]);
		s->p++;
		return 0;
	}
	if (c != 'u' && c != 'U')
		return expected(s, "one of b t n f r u U \" and \\ after a backslash");
	s->p++;
	return read_code(s, text, c == 'u' ? 4 : 8);
}

/* In "quotes" with escapes, or in 'quotes' without. */
static int read_string(struct parser *s, char **string)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	const char *at = s->p;
	char quote = *s->p++;
	int r = 0;

	if (s->end - s->p >= 2 && s->p[0] == quote && s->p[1] == quote)
		return fail_at(s, at, "strings over several lines are not read here");
	while (r == 0 && peek(s) != quote) {
		int c = peek(s);

		if (c < 0 || (c < ' ' && c != '\t') || c == 0x7f)
			return expected(s, "a closing quote");
		s->p++;
		if (c == '\\' && quote == '"')
			r = read_escape(s, &text);
		else
			strbuf_addc(&text, (char)c);
	}
	if (r < 0)
		return r;
	s->p++;
	*string = text.len ? strbuf_take(&text) : xstrdup("");
	return 0;
}

/* ---- keys ---- */

static bool is_bare(int c)
{
	return c > 0 && (isalnum(c) || c == '_' || c == '-');
}

static int read_part(struct parser *s, struct strv *key)
{
	const char *begin = s->p;
	char *part;
	int r;

	if (peek(s) == '"' || peek(s) == '\'') {
		r = read_string(s, &part);
		if (r == 0)
			strv_own(key, part);
		return r;
	}
	while (is_bare(peek(s)))
		s->p++;
	if (s->p == begin)
		return expected(s, "a name");
	strv_own(key, xstrndup(begin, (size_t)(s->p - begin)));
	return 0;
}

/* `a."b c".d` */
static int read_key(struct parser *s, struct strv *key)
{
	int r;

	do {
		skip_blanks(s);
		r = read_part(s, key);
		skip_blanks(s);
		if (key->n > DEPTH_MAX)
			return fail_at(s, s->p, "more than %d names in one", DEPTH_MAX);
	} while (r == 0 && take(s, '.'));
	return r;
}

/* ---- tables ---- */

static struct toml *find(struct toml *table, const char *key)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->items[i].key, key) == 0)
			return &table->items[i];
	return NULL;
}

/* Valid until something is added to the same array or table. */
static struct toml *add(struct toml *to, enum toml_kind kind, const char *key)
{
	struct toml *item;

	GROW(to->items, to->n);
	item = &to->items[to->n++];
	*item = (struct toml){.kind = kind, .key = key ? xstrdup(key) : NULL};
	return item;
}

static void set_place(struct toml *value, const struct parser *s, const char *at)
{
	value->line = s->line;
	value->column = (unsigned)(at - s->line_start) + 1;
}

/* The table of a name in another, made if need be; of an array of tables the last. */
static int descend(struct parser *s, const char *at, struct toml **table, const char *key)
{
	struct toml *next = find(*table, key);

	if (!next) {
		next = add(*table, TOML_TABLE, key);
		set_place(next, s, at);
	}
	if (next->kind == TOML_ARRAY && !next->closed)
		next = &next->items[next->n - 1];
	if (next->kind != TOML_TABLE || next->closed)
		return fail_at(s, at, "'%s' is %s already, nothing can be added to it",
			       key, toml_kind_name(next->kind));
	*table = next;
	return 0;
}

/* [a.b], or [[a.b]] for one more of an array. */
static int read_heading(struct parser *s, struct toml *root, struct toml **table)
{
	const char *at = s->p++;
	bool many = take(s, '[');
	AUTO_STRV struct strv key = STRV_INIT;
	struct toml *item;
	const char *last;
	int r = read_key(s, &key);

	if (r == 0 && (!take(s, ']') || (many && !take(s, ']'))))
		return expected(s, many ? "']]'" : "']'");
	*table = root;
	for (size_t i = 0; r == 0 && i + 1 < key.n; i++)
		r = descend(s, at, table, key.v[i]);
	if (r < 0)
		return r;
	last = key.v[key.n - 1];
	item = find(*table, last);
	if (many ? item && (item->kind != TOML_ARRAY || item->closed)
		 : item && (item->kind != TOML_TABLE || item->defined || item->closed))
		return fail_at(s, at, "'%s' is there already, in line %u", last,
			       item->line);
	if (!item) {
		item = add(*table, many ? TOML_ARRAY : TOML_TABLE, last);
		set_place(item, s, at);
	}
	*table = many ? add(item, TOML_TABLE, NULL) : item;
	set_place(*table, s, at);
	(*table)->defined = true;
	return end_line(s);
}

/* ---- values ---- */

static int read_value(struct parser *s, struct toml *value);

/* `key = value` in a table. */
static int read_pair(struct parser *s, struct toml *table)
{
	AUTO_STRV struct strv key = STRV_INIT;
	const char *at = s->p;
	struct toml *value;
	int r = read_key(s, &key);

	if (r == 0 && !take(s, '='))
		return expected(s, "'='");
	for (size_t i = 0; r == 0 && i + 1 < key.n; i++)
		r = descend(s, at, &table, key.v[i]);
	if (r < 0)
		return r;
	if (key.n > 1)
		table->defined = true;
	value = find(table, key.v[key.n - 1]);
	if (value)
		return fail_at(s, at, "'%s' is there already, in line %u", value->key,
			       value->line);
	value = add(table, TOML_TABLE, key.v[key.n - 1]);
	skip_blanks(s);
	return read_value(s, value);
}

static int read_integer(struct parser *s, struct toml *value)
{
	const char *at = s->p;
	bool minus = peek(s) == '-';
	long long n = 0;

	if (minus || peek(s) == '+')
		s->p++;
	if (peek(s) < 0 || !isdigit(peek(s)))
		return expected(s, "a digit");
	while (peek(s) >= 0 && isdigit(peek(s))) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, *s->p - '0', &n))
			return fail_at(s, at, "the number is too large");
		s->p++;
	}
	if (is_bare(peek(s)) || peek(s) == '.' || peek(s) == ':')
		return fail_at(s, at, "only whole decimal numbers are read here");
	if (!minus && __builtin_sub_overflow(0, n, &n))
		return fail_at(s, at, "the number is too large");
	value->kind = TOML_INTEGER;
	value->integer = n;
	return 0;
}

static int read_word(struct parser *s, struct toml *value)
{
	const char *begin = s->p;
	size_t n;

	while (is_bare(peek(s)))
		s->p++;
	n = (size_t)(s->p - begin);
	value->kind = TOML_BOOLEAN;
	value->boolean = n == 4 && strncmp(begin, "true", 4) == 0;
	if (value->boolean || (n == 5 && strncmp(begin, "false", 5) == 0))
		return 0;
	s->p = begin;
	return n ? fail_at(s, begin, "'%.*s' is no value (a string has quotes)",
			   (int)(n < 100 ? n : 100), begin)
		 : expected(s, "a value");
}

static int read_array(struct parser *s, struct toml *value)
{
	int r = 0;

	value->kind = TOML_ARRAY;
	value->closed = true;
	for (s->p++, skip_space(s); r == 0 && !take(s, ']'); skip_space(s)) {
		if (value->n && !take(s, ','))
			return expected(s, "',' or ']'");
		skip_space(s);
		if (value->n && take(s, ']')) /* the last may have a comma, too */
			break;
		r = read_value(s, add(value, TOML_TABLE, NULL));
	}
	return r;
}

static int read_inline_table(struct parser *s, struct toml *value)
{
	int r = 0;

	value->kind = TOML_TABLE;
	for (s->p++, skip_blanks(s); r == 0 && !take(s, '}'); skip_blanks(s)) {
		if (value->n && !take(s, ','))
			return expected(s, "',' or '}'");
		skip_blanks(s);
		r = read_pair(s, value);
	}
	value->closed = true;
	return r;
}

static int read_value(struct parser *s, struct toml *value)
{
	int c = peek(s), r;

	set_place(value, s, s->p);
	if (s->depth >= DEPTH_MAX)
		return fail_at(s, s->p, "more than %d values in each other", DEPTH_MAX);
	s->depth++;
	if (c == '"' || c == '\'') {
		value->kind = TOML_STRING;
		r = read_string(s, &value->string);
	} else if (c == '[') {
		r = read_array(s, value);
	} else if (c == '{') {
		r = read_inline_table(s, value);
	} else if (c == '-' || c == '+' || (c >= '0' && c <= '9')) {
		r = read_integer(s, value);
	} else {
		r = read_word(s, value);
	}
	s->depth--;
	return r;
}

/* ---- the whole ---- */

int toml_parse(struct toml *root, const char *file, const char *text, size_t len,
	       struct err *e)
{
	struct parser s = {.file = file,
			   .p = text,
			   .end = text + len,
			   .line_start = text,
			   .line = 1,
			   .e = e};
	struct toml *table = root;
	int r = 0;

	*root = (struct toml){.kind = TOML_TABLE};
	for (skip_space(&s); r == 0 && peek(&s) >= 0; skip_space(&s)) {
		if (peek(&s) == '[') {
			r = read_heading(&s, root, &table);
			continue;
		}
		r = read_pair(&s, table);
		if (r == 0)
			r = end_line(&s);
	}
	return r;
}

const char *toml_kind_name(enum toml_kind kind)
{
	static const char *const names[] = {"a string", "true or false", "a number",
					    "an array", "a table"};

	return names[kind];
}

void toml_free(struct toml *root)
{
	for (size_t i = 0; i < root->n; i++)
		toml_free(&root->items[i]);
	free(root->items);
	free(root->key);
	free(root->string);
	*root = (struct toml){0};
}
