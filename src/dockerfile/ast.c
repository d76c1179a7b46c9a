/* SPDX-License-Identifier: MIT */
#include "dockerfile/ast.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/parse-internal.h"

void dockerfile_words_add(struct dockerfile_words *w, char *text,
			  struct dockerfile_pos pos)
{
	GROW(w->v, w->n);
	w->v[w->n++] = (struct dockerfile_word){text, pos};
}

void dockerfile_words_free(struct dockerfile_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i].text);
	free(w->v);
	*w = (struct dockerfile_words){0};
}

static void pairs_free(struct dockerfile_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(pairs[i].key.text);
		free(pairs[i].value.text);
	}
	free(pairs);
}

void dockerfile_mount_clear(struct dockerfile_mount *m)
{
	free(m->id);
	free(m->from);
	free(m->source);
	free(m->target);
	free(m->env);
	*m = (struct dockerfile_mount){.pos = m->pos,
				       .fields = m->fields,
				       .nfields = m->nfields,
				       .mode = -1,
				       .uid = -1,
				       .gid = -1};
}

void dockerfile_instruction_free(struct dockerfile_instruction *i)
{
	free(i->keyword);
	free(i->source);
	strv_free(&i->comments);
	for (size_t k = 0; k < i->nflags; k++)
		free(i->flags[k].value.text);
	free(i->flags);
	dockerfile_words_free(&i->args);
	pairs_free(i->pairs, i->npairs);
	for (size_t k = 0; k < i->nheredocs; k++) {
		free(i->heredocs[k].name);
		free(i->heredocs[k].content);
	}
	free(i->heredocs);
	for (size_t k = 0; k < i->nmounts; k++) {
		dockerfile_mount_clear(&i->mounts[k]);
		pairs_free(i->mounts[k].fields, i->mounts[k].nfields);
	}
	free(i->mounts);
	if (i->trigger)
		dockerfile_instruction_free(i->trigger);
	free(i->trigger);
	*i = (struct dockerfile_instruction){0};
}

void dockerfile_free(struct dockerfile *d)
{
	for (size_t k = 0; k < d->n; k++)
		dockerfile_instruction_free(&d->instructions[k]);
	for (size_t k = 0; k < d->nstages; k++)
		free(d->stages[k].name);
	free(d->instructions);
	free(d->stages);
	free(d->gaps);
	free(d->file);
	free(d->syntax.text);
	free(d->check.text);
	*d = (struct dockerfile){0};
}

static struct dockerfile_word word_copy(const struct dockerfile_word *w)
{
	return (struct dockerfile_word){w->text ? xstrdup(w->text) : NULL, w->pos};
}

static struct dockerfile_pair *pairs_copy(const struct dockerfile_pair *pairs, size_t n)
{
	struct dockerfile_pair *copy = n ? xcalloc(n, sizeof *copy) : NULL;

	for (size_t i = 0; i < n; i++)
		copy[i] = (struct dockerfile_pair){word_copy(&pairs[i].key),
						   word_copy(&pairs[i].value),
						   pairs[i].spaced};
	return copy;
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void mount_copy(struct dockerfile_mount *copy, const struct dockerfile_mount *m)
{
	*copy = *m;
	copy->fields = pairs_copy(m->fields, m->nfields);
	copy->id = dup_or_null(m->id);
	copy->from = dup_or_null(m->from);
	copy->source = dup_or_null(m->source);
	copy->target = dup_or_null(m->target);
	copy->env = dup_or_null(m->env);
}

#define COPY_ARRAY(field, count, copy_one)                                               \
	do {                                                                             \
		copy->field = i->count ? xcalloc(i->count, sizeof *copy->field) : NULL;  \
		for (size_t k = 0; k < i->count; k++)                                    \
			copy_one(&copy->field[k], &i->field[k]);                         \
	} while (0)

static void flag_copy(struct dockerfile_flag *copy, const struct dockerfile_flag *f)
{
	*copy = (struct dockerfile_flag){f->id, word_copy(&f->value)};
}

static void heredoc_copy(struct dockerfile_heredoc *copy,
			 const struct dockerfile_heredoc *h)
{
	*copy = *h;
	copy->name = xstrdup(h->name);
	copy->content = xstrdup(h->content);
}

void dockerfile_instruction_copy(struct dockerfile_instruction *copy,
				 const struct dockerfile_instruction *i)
{
	*copy = *i;
	copy->keyword = xstrdup(i->keyword);
	copy->source = xstrdup(i->source);
	copy->comments = (struct strv)STRV_INIT;
	for (size_t k = 0; k < i->comments.n; k++)
		strv_add(&copy->comments, i->comments.v[k]);
	copy->args = (struct dockerfile_words){0};
	for (size_t k = 0; k < i->args.n; k++)
		dockerfile_words_add(&copy->args, xstrdup(i->args.v[k].text),
				     i->args.v[k].pos);
	copy->pairs = pairs_copy(i->pairs, i->npairs);
	COPY_ARRAY(flags, nflags, flag_copy);
	COPY_ARRAY(heredocs, nheredocs, heredoc_copy);
	COPY_ARRAY(mounts, nmounts, mount_copy);
	if (i->trigger) {
		copy->trigger = xcalloc(1, sizeof *copy->trigger);
		dockerfile_instruction_copy(copy->trigger, i->trigger);
	}
}

const struct dockerfile_word *dockerfile_flag(const struct dockerfile_instruction *i,
					      enum dockerfile_flag_id id)
{
	for (size_t k = 0; k < i->nflags; k++)
		if (i->flags[k].id == id)
			return &i->flags[k].value;
	return NULL;
}

long dockerfile_stage_named(const struct dockerfile *d, const char *name, size_t before)
{
	for (size_t k = before < d->nstages ? before : d->nstages; k-- > 0;)
		if (d->stages[k].name && strcasecmp(d->stages[k].name, name) == 0)
			return (long)k;
	return -1;
}

long dockerfile_stage_find(const struct dockerfile *d, const char *name, size_t before)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)name[0]))
		return dockerfile_stage_named(d, name, before);
	number = strtoul(name, &end, 10);
	return *end || number >= before || number >= d->nstages ? -1 : (long)number;
}

char *dockerfile_heredoc_text(const struct dockerfile_heredoc *h)
{
	struct strbuf s = STRBUF_INIT;
	const char *p = h->content;

	if (!h->strip_tabs)
		return xstrdup(h->content);
	while (*p) {
		size_t n;

		p += strspn(p, "\t");
		n = strcspn(p, "\n");
		n += p[n] == '\n';
		strbuf_add(&s, p, n);
		p += n;
	}
	return strbuf_take(&s);
}

/* `<<EOF` and nothing else. */
static bool only_a_heredoc(const struct dockerfile_instruction *i)
{
	const char *text = i->args.v[0].text;

	return i->nheredocs == 1 && dockerfile_is_heredoc(text);
}

enum dockerfile_run_form dockerfile_run_text(const struct dockerfile_instruction *i,
					     char **text)
{
	struct strbuf s = STRBUF_INIT;

	*text = NULL;
	if (i->json)
		return DOCKERFILE_RUN_EXEC;
	if (only_a_heredoc(i)) {
		*text = dockerfile_heredoc_text(&i->heredocs[0]);
		return strncmp(*text, "#!", 2) == 0 ? DOCKERFILE_RUN_SCRIPT
						    : DOCKERFILE_RUN_SHELL;
	}
	strbuf_adds(&s, i->args.v[0].text);
	for (size_t k = 0; k < i->nheredocs; k++)
		strbuf_addf(&s, "\n%s%s", i->heredocs[k].content, i->heredocs[k].name);
	*text = strbuf_take(&s);
	return DOCKERFILE_RUN_SHELL;
}

char *dockerfile_trigger_text(const struct dockerfile_instruction *onbuild)
{
	const struct dockerfile_instruction *i = onbuild->trigger;
	struct strbuf s = STRBUF_INIT;

	strbuf_adds(&s, i->source);
	for (size_t k = 0; k < i->nheredocs; k++)
		strbuf_addf(&s, "\n%s%s", i->heredocs[k].content, i->heredocs[k].name);
	return strbuf_take(&s);
}
