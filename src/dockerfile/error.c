/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/parser.h"

/* What is shown of a long line: so many bytes, the place in the middle. */
enum { SHOWN_MAX = 120 };

static bool inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* A line without its newline; false when there are not so many. */
static bool find_line(const char *text, size_t len, unsigned number, const char **line,
		      size_t *n)
{
	const char *end = text + len, *newline;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while (--number) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			return false;
		text = newline + 1;
	}
	newline = memchr(text, '\n', (size_t)(end - text));
	*line = text;
	*n = (size_t)((newline ? newline : end) - text);
	while (*n && text[*n - 1] == '\r')
		--*n;
	return true;
}

static void add_source(struct strbuf *out, const char *line, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		unsigned char c = (unsigned char)line[i];

		strbuf_addc(out, (c < 0x20 && c != '\t') || c == 0x7f ? '?' : line[i]);
	}
}

/* Blanks under the line up to the column, tabs kept so that the caret lines up. */
static void add_caret(struct strbuf *out, const char *line, size_t from, size_t column)
{
	for (size_t i = from; i < column; i++)
		if (line[i] == '\t')
			strbuf_addc(out, '\t');
		else if (!inside_character(line[i]))
			strbuf_addc(out, ' ');
	strbuf_addc(out, '^');
}

char *dockerfile_error_show(const struct err *e, const char *text, size_t len)
{
	AUTO_FREE char *message = err_message(e);
	struct strbuf out = STRBUF_INIT;
	size_t n, column, from = 0, to;
	const char *line;

	strbuf_adds(&out, message);
	if (!e->line || !find_line(text, len, e->line, &line, &n))
		return strbuf_take(&out);
	column = e->column ? e->column - 1 : 0;
	if (column > n)
		column = n;
	to = n;
	if (n > SHOWN_MAX) {
		from = column > SHOWN_MAX / 2 ? column - SHOWN_MAX / 2 : 0;
		to = from + SHOWN_MAX < n ? from + SHOWN_MAX : n;
		while (from < column && inside_character(line[from]))
			from++;
		while (to > column && to < n && inside_character(line[to]))
			to--;
	}
	strbuf_addf(&out, "\n%5u | ", e->line);
	add_source(&out, line, from, to);
	if (e->column) {
		strbuf_adds(&out, "\n      | ");
		add_caret(&out, line, from, column);
	}
	return strbuf_take(&out);
}
