/* SPDX-License-Identifier: MIT */

/* ENV, LABEL and ARG: names and values. */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dockerfile/parse-internal.h"

static void add(struct dockerfile_instruction *i, struct dockerfile_pair pair)
{
	GROW(i->pairs, i->npairs);
	i->pairs[i->npairs++] = pair;
}

/* `key=value`; the value's text is NULL when there is no `=`. */
static struct dockerfile_pair split(const struct dockerfile_word *w)
{
	const char *equals = strchr(w->text, '=');
	size_t n = equals ? (size_t)(equals - w->text) : strlen(w->text);
	struct dockerfile_pair pair = {
		{xstrndup(w->text, n), w->pos}, {NULL, w->pos}, false};

	if (equals) {
		pair.value.text = xstrdup(equals + 1);
		pair.value.pos.column += (unsigned)n + 1;
	}
	return pair;
}

/* The old form: everything behind the first blanks is one value. */
static int spaced(struct dockerfile_parse *p, struct dockerfile_pos pos)
{
	const char *text = p->line->text.data;
	size_t key_end = p->from, value;

	while (key_end < p->to && !dockerfile_is_blank(text[key_end]))
		key_end++;
	for (value = key_end; value < p->to && dockerfile_is_blank(text[value]);)
		value++;
	if (value == p->to)
		return dockerfile_parse_error_at(p, pos, "%s needs a value: %.*s=…",
						 dockerfile_kind_name(p->i->kind),
						 (int)(key_end - p->from),
						 text + p->from);
	add(p->i,
	    (struct dockerfile_pair){{xstrndup(text + p->from, key_end - p->from), pos},
				     {xstrndup(text + value, p->to - value),
				      dockerfile_line_pos(p->line, value)},
				     true});
	return 0;
}

static int add_words(struct dockerfile_parse *p, const struct dockerfile_words *words)
{
	const char *name = dockerfile_kind_name(p->i->kind);

	for (size_t k = 0; k < words->n; k++) {
		const struct dockerfile_word *w = &words->v[k];
		struct dockerfile_pair pair = split(w);

		add(p->i, pair);
		if (!*pair.key.text)
			return dockerfile_parse_error_at(
				p, w->pos, "the name is missing before `=`");
		if (!pair.value.text && p->i->kind != DOCKERFILE_ARG)
			return dockerfile_parse_error_at(
				p, w->pos,
				"`%s` has no `=`: %s takes name=value, with quotes "
				"around a value that has blanks",
				w->text, name);
	}
	return 0;
}

int dockerfile_parse_pairs(struct dockerfile_parse *p)
{
	CLEAN(dockerfile_words_free) struct dockerfile_words words = {0};

	dockerfile_split_quoted(p, &words);
	if (words.n == 0)
		return dockerfile_parse_error(p, p->from, "%s needs name=value",
					      dockerfile_kind_name(p->i->kind));
	if (!strchr(words.v[0].text, '='))
		return spaced(p, words.v[0].pos);
	return add_words(p, &words);
}

int dockerfile_parse_arg(struct dockerfile_parse *p)
{
	CLEAN(dockerfile_words_free) struct dockerfile_words words = {0};

	dockerfile_split_quoted(p, &words);
	if (words.n == 0)
		return dockerfile_parse_error(p, p->from, "ARG needs a name");
	return add_words(p, &words);
}
