/* SPDX-License-Identifier: MIT */
#include "mab-build/yaml.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

enum { WIDTH = 80 }; /* of comments */

/* --- Values --- */

/* What YAML 1.1 or 1.2 takes for a boolean or nothing. */
static bool is_reserved(const char *s)
{
	static const char *const words[] = {"true", "false", "yes", "no",  "on",
					    "off",  "y",     "n",   "null"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

/* Begins with a letter or `/`, and has nothing that means something to YAML. */
static bool is_plain(const char *s)
{
	static const char inner[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@+-=: ";
	size_t n = strlen(s);

	return n && (isalpha((unsigned char)*s) || *s == '/') && !s[strspn(s, inner)] &&
	       !strchr(": ", s[n - 1]) && !strstr(s, ": ") && !is_reserved(s);
}

/* The next character of UTF-8, U+FFFD for what is none; moves *s. */
static uint32_t next_character(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	unsigned n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? *p : *p & (0x7fU >> n);

	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*s += i;
			return 0xfffd;
		}
		c = c << 6 | (p[i] & 0x3f);
	}
	*s += n;
	return c;
}

/* YAML's c-printable without line breaks and the byte order mark. */
static bool is_printable(uint32_t c)
{
	return (c >= 0x20 && c <= 0x7e) ||
	       (c >= 0xa0 && c <= 0xd7ff && c != 0x2028 && c != 0x2029) ||
	       (c >= 0xe000 && c <= 0xfffd && c != 0xfeff) || c >= 0x10000;
}

static bool all_printable(const char *s)
{
	while (*s)
		if (!is_printable(next_character(&s)))
			return false;
	return true;
}

static void add_single_quoted(struct strbuf *out, const char *s)
{
	strbuf_addc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			strbuf_addc(out, '\'');
		strbuf_addc(out, *s);
	}
	strbuf_addc(out, '\'');
}

/*
 * Never writes two backslashes: Woodpecker looks for a matrix in a file before it has
 * replaced anything, too, and `"\\\"` has no end.
 */
static void add_double_quoted(struct strbuf *out, const char *s)
{
	strbuf_addc(out, '"');
	while (*s) {
		const char *from = s;
		uint32_t c = next_character(&s);

		if (c == '\n')
			strbuf_adds(out, "\\n");
		else if (c == '\t')
			strbuf_adds(out, "\\t");
		else if (c == '"')
			strbuf_adds(out, "\\\"");
		else if (!is_printable(c) || c == '\\')
			strbuf_addf(out, "\\u%04x", (unsigned)c);
		else
			strbuf_add(out, from, (size_t)(s - from));
	}
	strbuf_addc(out, '"');
}

/* --- What would be replaced --- */

/* Of the written text: the reader sees nothing else. */
static void add_for_drone(struct strbuf *out, const char *written)
{
	for (const char *p = written; *p; p++) {
		if ((*p == '$' && (p[1] == '$' || p[1] == '{')) ||
		    (*p == '\\' && (p[1] == '\\' || p[1] == '/')))
			strbuf_addc(out, *p);
		strbuf_addc(out, *p);
	}
}

/* Of the value: an expression that is the beginning of an expression. */
static char *for_github(const char *value)
{
	struct strbuf out = STRBUF_INIT;
	const char *p;

	while ((p = strstr(value, "${{"))) {
		strbuf_add(&out, value, (size_t)(p - value));
		strbuf_adds(&out, "${{ '${{' }}");
		value = p + 3;
	}
	strbuf_adds(&out, value);
	return strbuf_take(&out);
}

static void add_value(struct yaml *y, const char *value)
{
	AUTO_FREE char *safe =
		y->expansion == YAML_GITHUB ? for_github(value) : xstrdup(value);
	AUTO_STRBUF struct strbuf written = STRBUF_INIT;

	if (is_plain(safe))
		strbuf_adds(&written, safe);
	else if (all_printable(safe))
		add_single_quoted(&written, safe);
	else
		add_double_quoted(&written, safe);
	if (y->expansion == YAML_DRONE)
		add_for_drone(&y->text, written.data);
	else
		strbuf_adds(&y->text, written.data);
}

/* --- Lines --- */

static void begin_line(struct yaml *y)
{
	unsigned blanks = 2 * y->depth;

	strbuf_addf(&y->text, "%*s%s", (int)(y->begins ? blanks - 2 : blanks), "",
		    y->begins ? "- " : "");
	y->begins = false;
}

static void add_word(struct yaml *y, const char *word, size_t n, size_t *column)
{
	if (!*column || *column + 1 + n > WIDTH) {
		strbuf_adds(&y->text, *column ? "\n" : "");
		begin_line(y);
		strbuf_addc(&y->text, '#');
		*column = 2 * y->depth + 1;
	}
	strbuf_addc(&y->text, ' ');
	for (size_t i = 0; i < n; i++)
		strbuf_addc(&y->text, isprint((unsigned char)word[i]) ? word[i] : '?');
	*column += 1 + n;
}

void yaml_comment(struct yaml *y, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	size_t column = 0;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	for (const char *p = text.data; *p;) {
		size_t n = strcspn(p, " ");

		if (n)
			add_word(y, p, n, &column);
		p += n + (p[n] == ' ');
	}
	strbuf_addc(&y->text, '\n');
}

void yaml_blank(struct yaml *y)
{
	strbuf_addc(&y->text, '\n');
}

void yaml_document(struct yaml *y)
{
	strbuf_adds(&y->text, "---\n");
}

void yaml_open(struct yaml *y, const char *key)
{
	begin_line(y);
	strbuf_addf(&y->text, "%s:\n", key);
	y->depth++;
}

void yaml_open_element(struct yaml *y)
{
	y->depth++;
	y->begins = true;
}

void yaml_close(struct yaml *y)
{
	y->depth--;
}

void yaml_set(struct yaml *y, const char *key, const char *value)
{
	begin_line(y);
	strbuf_addf(&y->text, "%s: ", key);
	add_value(y, value);
	strbuf_addc(&y->text, '\n');
}

void yaml_add(struct yaml *y, const char *value)
{
	begin_line(y);
	strbuf_adds(&y->text, "- ");
	add_value(y, value);
	strbuf_addc(&y->text, '\n');
}

void yaml_set_raw(struct yaml *y, const char *key, const char *fmt, ...)
{
	va_list ap;

	begin_line(y);
	strbuf_addf(&y->text, "%s: ", key);
	va_start(ap, fmt);
	strbuf_vaddf(&y->text, fmt, ap);
	va_end(ap);
	strbuf_addc(&y->text, '\n');
}

void yaml_add_raw(struct yaml *y, const char *fmt, ...)
{
	va_list ap;

	begin_line(y);
	strbuf_adds(&y->text, "- ");
	va_start(ap, fmt);
	strbuf_vaddf(&y->text, fmt, ap);
	va_end(ap);
	strbuf_addc(&y->text, '\n');
}

void yaml_set_lines(struct yaml *y, const char *key, const char *lines)
{
	begin_line(y);
	strbuf_addf(&y->text, "%s: |\n", key);
	while (*lines) {
		size_t n = strcspn(lines, "\n");

		strbuf_addf(&y->text, "%*s%.*s\n", (int)(2 * y->depth + 2), "", (int)n,
			    lines);
		lines += n + (lines[n] == '\n');
	}
}

void yaml_free(struct yaml *y)
{
	strbuf_free(&y->text);
}
