/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "dockerfile/lexer-internal.h"

/* Where the parts of `name = value` are; false when the comment is not of that form. */
struct parts {
	const char *name, *value;
	size_t name_len, value_len;
};

static bool split(const char *text, size_t len, struct parts *p)
{
	const char *end = text + len;

	while (text < end && dockerfile_is_blank(*text))
		text++;
	p->name = text;
	if (text == end || !isalpha((unsigned char)*text))
		return false;
	while (text < end && isalnum((unsigned char)*text))
		text++;
	p->name_len = (size_t)(text - p->name);
	while (text < end && dockerfile_is_blank(*text))
		text++;
	if (text == end || *text != '=')
		return false;
	for (text++; text < end && dockerfile_is_blank(*text);)
		text++;
	while (end > text && dockerfile_is_blank(end[-1]))
		end--;
	p->value = text;
	p->value_len = (size_t)(end - text);
	return p->value_len > 0;
}

static bool named(const struct parts *p, const char *name)
{
	return p->name_len == strlen(name) &&
	       strncasecmp(p->name, name, p->name_len) == 0;
}

static int set_escape(struct dockerfile_lexer *x, const struct parts *p,
		      struct dockerfile_pos pos, struct err *e)
{
	if (p->value_len != 1 || (*p->value != '\\' && *p->value != '`'))
		return err_at(e, -EINVAL, x->d->file, pos.line, pos.column,
			      "the escape character can be \\ or `, not %.*s",
			      (int)p->value_len, p->value);
	x->d->escape = *p->value;
	x->escape_seen = true;
	return 1;
}

int dockerfile_directive(struct dockerfile_lexer *x, const char *text, size_t len,
			 unsigned column, struct err *e)
{
	struct dockerfile *d = x->d;
	struct dockerfile_word *word = NULL;
	struct dockerfile_pos pos = {x->number, 0};
	struct parts p;

	if (x->directives_over)
		return 0;
	/* An executable Dockerfile names its interpreter first. */
	if (x->number == 1 && len && *text == '!')
		return 1;
	if (!split(text, len, &p)) {
		x->directives_over = true;
		return 0;
	}
	pos.column = column + (unsigned)(p.value - text);
	if (named(&p, "syntax"))
		word = &d->syntax;
	else if (named(&p, "check"))
		word = &d->check;
	else if (!named(&p, "escape")) {
		x->directives_over = true;
		return 0;
	}
	if (word ? word->text != NULL : x->escape_seen)
		return err_at(e, -EINVAL, d->file, x->number,
			      column + (unsigned)(p.name - text),
			      "the directive %.*s is given a second time",
			      (int)p.name_len, p.name);
	if (!word)
		return set_escape(x, &p, pos, e);
	*word = (struct dockerfile_word){xstrndup(p.value, p.value_len), pos};
	return 1;
}
