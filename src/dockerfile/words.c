/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "dockerfile/parse-internal.h"

static void add(struct dockerfile_parse *p, struct dockerfile_words *words, size_t from,
		size_t to)
{
	dockerfile_words_add(words, xstrndup(p->line->text.data + from, to - from),
			     dockerfile_line_pos(p->line, from));
}

void dockerfile_split_blanks(struct dockerfile_parse *p, struct dockerfile_words *words)
{
	const char *text = p->line->text.data;
	size_t i = p->from;

	while (i < p->to) {
		size_t start = i;

		while (i < p->to && !dockerfile_is_blank(text[i]))
			i++;
		add(p, words, start, i);
		while (i < p->to && dockerfile_is_blank(text[i]))
			i++;
	}
}

/* Past the end of a word whose first byte is at i. */
static size_t quoted_end(const struct dockerfile_parse *p, size_t i)
{
	const char *text = p->line->text.data;
	char quote = '\0';

	for (; i < p->to; i++) {
		char c = text[i];

		if (c == p->d->escape && quote != '\'') {
			/* The byte after it is taken as it is. */
			i++;
		} else if (quote) {
			if (c == quote)
				quote = '\0';
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (dockerfile_is_blank(c)) {
			return i;
		}
	}
	return p->to;
}

void dockerfile_split_quoted(struct dockerfile_parse *p, struct dockerfile_words *words)
{
	const char *text = p->line->text.data;
	size_t i = p->from;

	while (i < p->to) {
		size_t end = quoted_end(p, i), trimmed = end;

		/* A lone escape at the very end escapes nothing. */
		if (end == p->to && text[end - 1] == p->d->escape &&
		    (end - i == 1 || text[end - 2] != p->d->escape))
			trimmed--;
		if (trimmed > i)
			add(p, words, i, trimmed);
		for (i = end; i < p->to && dockerfile_is_blank(text[i]);)
			i++;
	}
}
