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
 * `<<`). The words are found as the shell lexer of the reference finds them, so that
 * `"<<EOF"` and `<<<text` are none.
 */

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

int dockerfile_heredocs_find(struct dockerfile_parse *p)
{
	struct dockerfile_expand x = {.escape = '\\',
				      .keep_quotes = true,
				      .keep_escapes = true,
				      .keep_unset = true};
	AUTO_STRV struct strv words = STRV_INIT;
	struct dockerfile_instruction *i = p->i;
	const char *text = p->line->text.data, *from = text + p->from;

	/* Quotes that do not match are the shell's business. */
	if (!strstr(from, "<<") || dockerfile_expand_split(&x, from, &words, NULL) < 0)
		return 0;
	for (size_t k = 0; k < words.n; k++) {
		const char *at = strstr(from, words.v[k]);
		struct dockerfile_heredoc h = {0};

		if (!parse_word(words.v[k], &h))
			continue;
		h.pos = dockerfile_line_pos(p->line, at ? (size_t)(at - text) : p->from);
		if (at)
			from = at + strlen(words.v[k]);
		h.content = xstrdup("");
		GROW(i->heredocs, i->nheredocs);
		i->heredocs[i->nheredocs++] = h;
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
