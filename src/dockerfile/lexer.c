/* SPDX-License-Identifier: MIT */
#include "dockerfile/lexer-internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

bool dockerfile_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool dockerfile_lexer_physical(struct dockerfile_lexer *x, struct dockerfile_physical *p)
{
	const char *end = memchr(x->p, '\n', x->left);

	if (x->left == 0)
		return false;
	p->text = x->p;
	p->full = end ? (size_t)(end - x->p) + 1 : x->left;
	p->len = p->full;
	while (p->len && (p->text[p->len - 1] == '\n' || p->text[p->len - 1] == '\r'))
		p->len--;
	x->p += p->full;
	x->left -= p->full;
	x->number++;
	return true;
}

static size_t leading_blanks(const struct dockerfile_physical *p)
{
	size_t n = 0;

	while (n < p->len && dockerfile_is_blank(p->text[n]))
		n++;
	return n;
}

/* The length without a continuation mark, or the whole length when there is none. */
static size_t before_continuation(const char *text, size_t len, char escape)
{
	size_t n = len;

	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (n == 0 || text[n - 1] != escape)
		return len;
	if (n > 1 && text[n - 2] == escape)
		return len;
	return n - 1;
}

/* True when the line goes on. */
static bool add_physical(struct dockerfile_lexer *x, struct dockerfile_line *line,
			 const struct dockerfile_physical *p, size_t skip)
{
	size_t len = before_continuation(p->text + skip, p->len - skip, x->d->escape);

	GROW(line->segments, line->nsegments);
	line->segments[line->nsegments++] = (struct dockerfile_segment){
		line->text.len, {x->number, (unsigned)skip + 1}};
	strbuf_add(&line->text, p->text + skip, len);
	return len < p->len - skip;
}

static int comment(struct dockerfile_lexer *x, const struct dockerfile_physical *p,
		   size_t skip, struct err *e)
{
	const char *text = p->text + skip + 1;
	size_t len = p->len - skip - 1;
	int r = dockerfile_directive(x, text, len, (unsigned)skip + 2, e);

	if (r != 0)
		return r;
	while (len && dockerfile_is_blank(*text)) {
		text++;
		len--;
	}
	while (len && dockerfile_is_blank(text[len - 1]))
		len--;
	if (len)
		strv_own(&x->comments, xstrndup(text, len));
	else
		strv_free(&x->comments);
	return 0;
}

static void gap(struct dockerfile_lexer *x)
{
	struct dockerfile *d = x->d;

	GROW(d->gaps, d->ngaps);
	d->gaps[d->ngaps++] = (struct dockerfile_pos){x->number, 1};
}

static void join(struct dockerfile_lexer *x, struct dockerfile_line *line)
{
	struct dockerfile_physical p;
	bool more = true;

	while (more && dockerfile_lexer_physical(x, &p)) {
		size_t skip = leading_blanks(&p);

		if (skip == p.len)
			gap(x);
		else if (p.text[skip] != '#')
			more = add_physical(x, line, &p, 0);
	}
}

static bool all_blank(const struct strbuf *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (!dockerfile_is_blank(s->data[i]))
			return false;
	return true;
}

int dockerfile_lexer_next(struct dockerfile_lexer *x, struct dockerfile_line *line,
			  struct err *e)
{
	struct dockerfile_physical p;

	strbuf_trim(&line->text, 0);
	line->nsegments = 0;
	while (dockerfile_lexer_physical(x, &p)) {
		size_t skip = leading_blanks(&p);
		int r;

		if (skip == p.len) {
			x->directives_over = true;
			strv_free(&x->comments);
			continue;
		}
		if (p.text[skip] == '#') {
			r = comment(x, &p, skip, e);
			if (r < 0)
				return r;
			continue;
		}
		x->directives_over = true;
		if (add_physical(x, line, &p, skip))
			join(x, line);
		if (!all_blank(&line->text))
			return 1;
		strbuf_trim(&line->text, 0);
		line->nsegments = 0;
	}
	return 0;
}

struct dockerfile_pos dockerfile_line_pos(const struct dockerfile_line *line,
					  size_t offset)
{
	size_t low = 0, high = line->nsegments;
	struct dockerfile_pos pos;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (line->segments[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	pos = line->segments[low].pos;
	pos.column += (unsigned)(offset - line->segments[low].offset);
	return pos;
}

void dockerfile_line_free(struct dockerfile_line *line)
{
	strbuf_free(&line->text);
	free(line->segments);
}

void dockerfile_lexer_free(struct dockerfile_lexer *x)
{
	strv_free(&x->comments);
}
