/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dockerfile/expand.h"
#include "dockerfile/parse-internal.h"

/*
 * A line announces its heredocs in words that begin with `<<` (or a file descriptor and
 * `<<`); the name may be a word of its own. The words are found as the shell lexer of the
 * reference finds them, so that `"<<EOF"` and `<<<text` are none.
 */

/* Parentheses in an arithmetic expression may be nested this deep. */
enum { NESTED_MAX = 32 };

static size_t count_quotes(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '"' || *s == '\'';
	return n;
}

/* The one word that text is, or NULL. */
static char *single_word(const char *text, bool keep_quotes)
{
	struct dockerfile_expand x = {
		.escape = '\\', .keep_quotes = keep_quotes, .keep_unset = true};
	AUTO_STRV struct strv words = STRV_INIT;

	if (dockerfile_expand_split(&x, text, &words, NULL) < 0 || words.n != 1)
		return NULL;
	return TAKE_PTR(words.v[0]);
}

static bool parse_word(const char *word, struct dockerfile_heredoc *h)
{
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *quoted = NULL;

	while (isdigit((unsigned char)*word))
		word++;
	if (strncmp(word, "<<", 2) != 0)
		return false;
	word += 2;
	h->strip_tabs = *word == '-';
	word += h->strip_tabs;
	while (dockerfile_is_blank(*word))
		word++;
	if (strchr(word, '<'))
		return false;
	name = single_word(word, false);
	quoted = single_word(word, true);
	if (!name || !quoted)
		return false;
	h->expand = count_quotes(name) == count_quotes(quoted);
	h->name = TAKE_PTR(name);
	return true;
}

bool dockerfile_is_heredoc(const char *word)
{
	struct dockerfile_heredoc h = {0};
	bool yes = parse_word(word, &h);

	free(h.name);
	return yes;
}

/* `<<`, `3<<-` */
static bool lacks_name(const char *word)
{
	while (isdigit((unsigned char)*word))
		word++;
	return strcmp(word, "<<") == 0 || strcmp(word, "<<-") == 0;
}

char *dockerfile_heredoc_join(const char *word, const char *next)
{
	AUTO_FREE char *both = NULL;

	if (!next || !lacks_name(word))
		return NULL;
	/* The blank stays: in `<< -E` the dash is of the name. */
	both = xasprintf("%s %s", word, next);
	return dockerfile_is_heredoc(both) ? TAKE_PTR(both) : NULL;
}

/* Past the `))` that ends what the `((` at s begins; NULL: subshells, as `((a) | b)`. */
static const char *arithmetic_end(const char *s)
{
	unsigned depth = 0;

	for (; *s; s++) {
		if (*s == '(' && ++depth > NESTED_MAX)
			return NULL;
		if (*s == ')' && --depth == 1)
			return s[1] == ')' ? s + 2 : NULL;
	}
	return NULL;
}

/* How far the arithmetic expressions of a line are known. */
struct arithmetic {
	const char *s;	 /* looked at up to here */
	const char *end; /* of the last one found */
};

/*
 * Is it in `$((…))` or `((…))`, where `1 << 2` is a shift? The reference takes that for a
 * heredoc that never ends. Places are asked about in their order.
 */
static bool in_arithmetic(struct arithmetic *a, const char *at)
{
	while (a->s < at) {
		const char *end =
			strncmp(a->s, "((", 2) == 0 ? arithmetic_end(a->s) : NULL;

		if (end)
			a->end = end;
		a->s = end ? end : a->s + 1;
	}
	return a->end > at;
}

static void add_heredoc(struct dockerfile_parse *p, struct dockerfile_heredoc h,
			const char *at)
{
	struct dockerfile_instruction *i = p->i;

	h.pos = dockerfile_line_pos(p->line,
				    at ? (size_t)(at - p->line->text.data) : p->from);
	h.content = xstrdup("");
	GROW(i->heredocs, i->nheredocs);
	i->heredocs[i->nheredocs++] = h;
}

int dockerfile_heredocs_find(struct dockerfile_parse *p)
{
	struct dockerfile_expand x = {.escape = '\\',
				      .keep_quotes = true,
				      .keep_escapes = true,
				      .keep_unset = true};
	AUTO_STRV struct strv words = STRV_INIT;
	const char *from = p->line->text.data + p->from;
	struct arithmetic a = {from, from};

	/* Quotes that do not match are the shell's business. */
	if (!strstr(from, "<<") || dockerfile_expand_split(&x, from, &words, NULL) < 0)
		return 0;
	for (size_t k = 0; k < words.n; k++) {
		const char *word = words.v[k];
		const char *next = k + 1 < words.n ? words.v[k + 1] : NULL;
		const char *at = strstr(word, "<<") ? strstr(from, word) : NULL;
		AUTO_FREE char *both = dockerfile_heredoc_join(word, next);
		struct dockerfile_heredoc h = {0};

		if (at)
			from = at + strlen(word);
		if (both && at && p->i->kind == DOCKERFILE_RUN && in_arithmetic(&a, at))
			continue;
		if (!parse_word(both ? both : word, &h))
			continue;
		add_heredoc(p, h, at);
		k += both != NULL;
	}
	return 0;
}

static bool ends(const struct dockerfile_heredoc *h, const struct dockerfile_physical *p)
{
	const char *text = p->text;
	size_t len = p->len;

	while (h->strip_tabs && len && *text == '\t') {
		text++;
		len--;
	}
	return len == strlen(h->name) && memcmp(text, h->name, len) == 0;
}

static int read_one(struct dockerfile_lexer *x, struct dockerfile_heredoc *h,
		    struct err *e)
{
	AUTO_STRBUF struct strbuf content = STRBUF_INIT;
	struct dockerfile_physical p;

	while (dockerfile_lexer_physical(x, &p)) {
		if (ends(h, &p)) {
			free(h->content);
			h->content = strbuf_take(&content);
			return 0;
		}
		strbuf_add(&content, p.text, p.full);
	}
	return err_at(e, -EINVAL, x->d->file, h->pos.line, h->pos.column,
		      "no line `%s` ends this heredoc", h->name);
}

int dockerfile_heredocs_read(struct dockerfile_lexer *x, struct dockerfile_instruction *i,
			     struct err *e)
{
	struct dockerfile_instruction *with = i->trigger ? i->trigger : i;
	int r = 0;

	for (size_t k = 0; k < with->nheredocs && r == 0; k++)
		r = read_one(x, &with->heredocs[k], e);
	i->last_line = with->last_line = x->number;
	return r;
}
