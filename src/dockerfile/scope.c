/* SPDX-License-Identifier: MIT */
#include "dockerfile/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/parse-internal.h"

/* The bytes of all values that a stage sees or an instruction gets; and the variables. */
enum { BYTES_MAX = 16 << 20, VARS_MAX = 10000 };

/* Which parts of an instruction are expanded. */
enum {
	ARGS = 1,
	SPLIT = 2, /* args, and what comes out is split at blanks */
	PAIRS = 4,
	FLAGS = 8,
	HEREDOCS = 16,
	MOUNTS = 32,
};

static const unsigned expanded_parts[] = {
	[DOCKERFILE_ADD] = ARGS | FLAGS | HEREDOCS,
	[DOCKERFILE_COPY] = ARGS | FLAGS | HEREDOCS,
	[DOCKERFILE_ENV] = PAIRS,
	[DOCKERFILE_EXPOSE] = SPLIT,
	[DOCKERFILE_FROM] = ARGS | FLAGS,
	[DOCKERFILE_LABEL] = PAIRS,
	[DOCKERFILE_RUN] = MOUNTS,
	[DOCKERFILE_STOPSIGNAL] = ARGS,
	[DOCKERFILE_USER] = ARGS,
	[DOCKERFILE_VOLUME] = ARGS,
	[DOCKERFILE_WORKDIR] = ARGS,
};

/* One instruction being expanded. */
struct job {
	const struct dockerfile *d;
	struct dockerfile_expand x;
	struct err *e;
	size_t bytes; /* that came out */
};

/* Puts the place of the word to an error of the expansion. */
static int at_word(const struct job *j, const struct dockerfile_word *w, int r,
		   const struct err *e)
{
	return err_at(j->e, r, j->d->file, w->pos.line, w->pos.column, "%s", e->text);
}

static int count(struct job *j, const struct dockerfile_word *w, size_t bytes)
{
	j->bytes += bytes;
	if (j->bytes <= BYTES_MAX)
		return 0;
	return err_at(j->e, -E2BIG, j->d->file, w->pos.line, w->pos.column,
		      "this instruction gets longer than 16 MiB");
}

static int expand_word(struct job *j, struct dockerfile_word *w)
{
	AUTO_ERR struct err e = ERR_INIT;
	char *text;
	int r;

	if (!w->text)
		return 0;
	r = dockerfile_expand(&j->x, w->text, &text, &e);
	if (r < 0)
		return at_word(j, w, r, &e);
	free(w->text);
	w->text = text;
	return count(j, w, strlen(text));
}

static int expand_args(struct job *j, struct dockerfile_words *args)
{
	int r = 0;

	for (size_t k = 0; k < args->n && r == 0; k++)
		r = expand_word(j, &args->v[k]);
	return r;
}

static int split_args(struct job *j, struct dockerfile_words *args)
{
	CLEAN(dockerfile_words_free) struct dockerfile_words old = *args;

	*args = (struct dockerfile_words){0};
	for (size_t k = 0; k < old.n; k++) {
		AUTO_ERR struct err e = ERR_INIT;
		AUTO_STRV struct strv words = STRV_INIT;
		int r = dockerfile_expand_split(&j->x, old.v[k].text, &words, &e);

		if (r < 0)
			return at_word(j, &old.v[k], r, &e);
		for (size_t n = 0; n < words.n; n++) {
			r = count(j, &old.v[k], strlen(words.v[n]));
			if (r < 0)
				return r;
			dockerfile_words_add(args, TAKE_PTR(words.v[n]), old.v[k].pos);
		}
	}
	return 0;
}

static int expand_pairs(struct job *j, struct dockerfile_pair *pairs, size_t n)
{
	int r = 0;

	for (size_t k = 0; k < n && r == 0; k++) {
		r = expand_word(j, &pairs[k].key);
		if (r == 0)
			r = expand_word(j, &pairs[k].value);
	}
	return r;
}

static int expand_flags(struct job *j, struct dockerfile_instruction *i)
{
	int r = 0;

	for (size_t k = 0; k < i->nflags && r == 0; k++)
		r = expand_word(j, &i->flags[k].value);
	return r;
}

static int expand_heredocs(struct job *j, struct dockerfile_instruction *i)
{
	struct dockerfile_expand x = j->x;

	/* As in a shell, whatever the escape directive says. */
	x.escape = '\\';
	x.ignore_quotes = true;
	for (size_t k = 0; k < i->nheredocs; k++) {
		struct dockerfile_heredoc *h = &i->heredocs[k];
		struct dockerfile_word w = {h->name, h->pos};
		AUTO_ERR struct err e = ERR_INIT;
		AUTO_FREE char *text = dockerfile_heredoc_text(h);
		int r;

		h->strip_tabs = false;
		free(h->content);
		h->content = NULL;
		if (!h->expand) {
			h->content = TAKE_PTR(text);
			continue;
		}
		r = dockerfile_expand(&x, text, &h->content, &e);
		if (r < 0) {
			h->content = NULL;
			return at_word(j, &w, r, &e);
		}
	}
	return 0;
}

static int expand_mounts(struct job *j, struct dockerfile_instruction *i)
{
	int r = 0;

	for (size_t k = 0; k < i->nmounts && r == 0; k++) {
		struct dockerfile_mount *m = &i->mounts[k];

		for (size_t n = 0; n < m->nfields && r == 0; n++)
			r = expand_word(j, &m->fields[n].value);
		if (r == 0)
			r = dockerfile_mount_resolve(m, j->d->file, j->e);
	}
	return r;
}

static int expand_parts(struct job *j, struct dockerfile_instruction *i)
{
	unsigned parts =
		i->kind < ARRAY_SIZE(expanded_parts) ? expanded_parts[i->kind] : 0;
	int r = 0;

	if (parts & ARGS)
		r = expand_args(j, &i->args);
	if (r == 0 && parts & SPLIT)
		r = split_args(j, &i->args);
	if (r == 0 && parts & PAIRS)
		r = expand_pairs(j, i->pairs, i->npairs);
	if (r == 0 && parts & FLAGS)
		r = expand_flags(j, i);
	if (r == 0 && parts & HEREDOCS)
		r = expand_heredocs(j, i);
	if (r == 0 && parts & MOUNTS)
		r = expand_mounts(j, i);
	return r < 0 ? r : dockerfile_check_values(j->d, i, true, j->e);
}

static void set_platform(struct dockerfile_vars *vars, const char *prefix,
			 const struct dockerfile_platform *p)
{
	const char *os = p->os ? p->os : "", *arch = p->arch ? p->arch : "";
	const char *variant = p->variant ? p->variant : "";
	AUTO_FREE char *all =
		xasprintf("%s/%s%s%s", os, arch, *variant ? "/" : "", variant);
	const struct {
		const char *name, *value;
	} rows[] = {
		{"PLATFORM", all},
		{"OS", os},
		{"ARCH", arch},
		{"VARIANT", variant},
		{"OSVERSION", p->os_version ? p->os_version : ""},
	};

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		AUTO_FREE char *name = xasprintf("%s%s", prefix, rows[k].name);

		dockerfile_vars_set(vars, name, rows[k].value);
	}
}

static const char *build_arg(const struct dockerfile_given *given, const char *name)
{
	return given->build_args ? dockerfile_vars_get(given->build_args, name) : NULL;
}

static void set_predefined(struct dockerfile_vars *globals,
			   const struct dockerfile_given *given)
{
	set_platform(globals, "BUILD", &given->build);
	set_platform(globals, "TARGET", &given->target);
	dockerfile_vars_set(globals, "TARGETSTAGE",
			    given->target_stage ? given->target_stage : "default");
	for (size_t k = 0; k < globals->n; k++) {
		const char *value = build_arg(given, globals->v[k].name);

		if (value)
			dockerfile_vars_set(globals, globals->v[k].name, value);
	}
}

/* Is there room for what an ARG or ENV adds to these variables? */
static int check_room(const struct dockerfile *d, const struct dockerfile_instruction *i,
		      const struct dockerfile_vars *vars, size_t declared, struct err *e)
{
	size_t n = vars->n > declared ? vars->n : declared;

	if (n + i->npairs <= VARS_MAX && vars->bytes <= BYTES_MAX)
		return 0;
	return err_at(e, -E2BIG, d->file, i->pos.line, i->pos.column,
		      "there are more than %d variables, or more than 16 MiB of them",
		      VARS_MAX);
}

static int set_global(struct job *j, const struct dockerfile_given *given,
		      const struct dockerfile_pair *pair, struct dockerfile_vars *globals)
{
	const char *value = build_arg(given, pair->key.text);
	struct dockerfile_word w = {NULL, pair->value.pos};
	int r = 0;

	if (!value && !pair->value.text)
		return 0;
	w.text = xstrdup(value ? value : pair->value.text);
	if (!value)
		r = expand_word(j, &w);
	if (r == 0)
		dockerfile_vars_set(globals, pair->key.text, w.text);
	free(w.text);
	return r;
}

int dockerfile_globals(const struct dockerfile *d, const struct dockerfile_given *given,
		       struct dockerfile_vars *globals, struct err *e)
{
	*globals = (struct dockerfile_vars){0};
	set_predefined(globals, given);
	for (size_t k = 0; k < d->nglobals; k++) {
		const struct dockerfile_instruction *i = &d->instructions[k];
		struct job j = {d, {.escape = d->escape, .vars = globals}, e, 0};
		int r = check_room(d, i, globals, 0, e);

		for (size_t n = 0; n < i->npairs && r == 0; n++)
			r = set_global(&j, given, &i->pairs[n], globals);
		if (r < 0)
			return r;
	}
	return 0;
}

int dockerfile_expand_from(const struct dockerfile *d,
			   const struct dockerfile_instruction *from,
			   const struct dockerfile_vars *globals, struct strv *missing,
			   struct dockerfile_instruction *out, struct err *e)
{
	struct job j = {
		d, {.escape = d->escape, .vars = globals, .missing = missing}, e, 0};
	int r;

	dockerfile_instruction_copy(out, from);
	/* The stage's own name is not expanded. */
	out->args.n = 1;
	r = expand_parts(&j, out);
	out->args.n = from->args.n;
	if (r < 0)
		dockerfile_instruction_free(out);
	return r;
}

void dockerfile_scope_init(struct dockerfile_scope *s, const struct dockerfile *d,
			   const struct dockerfile_given *given,
			   const struct dockerfile_vars *globals)
{
	*s = (struct dockerfile_scope){.d = d, .given = given, .globals = globals};
}

void dockerfile_scope_env(struct dockerfile_scope *s, const char *name, const char *value)
{
	dockerfile_vars_set(&s->env, name, value);
	dockerfile_vars_set(&s->visible, name, value);
}

void dockerfile_scope_inherit(struct dockerfile_scope *s,
			      const struct dockerfile_scope *base)
{
	dockerfile_vars_free(&s->env);
	dockerfile_vars_free(&s->visible);
	strv_free(&s->declared);
	dockerfile_vars_copy(&s->env, &base->env);
	dockerfile_vars_copy(&s->visible, &base->visible);
	for (size_t k = 0; k < base->declared.n; k++)
		strv_add(&s->declared, base->declared.v[k]);
}

void dockerfile_scope_free(struct dockerfile_scope *s)
{
	dockerfile_vars_free(&s->env);
	dockerfile_vars_free(&s->visible);
	strv_free(&s->declared);
}

/* The value of one ARG: --build-arg, its default, or the ARG before the first FROM. */
static int arg_value(struct job *j, const struct dockerfile_scope *s,
		     struct dockerfile_pair *pair)
{
	const char *name = pair->key.text, *value = build_arg(s->given, name);

	if (!value && pair->value.text)
		return expand_word(j, &pair->value);
	if (!value)
		value = dockerfile_vars_get(s->globals, name);
	free(pair->value.text);
	pair->value.text = value ? xstrdup(value) : NULL;
	return 0;
}

static int apply_arg(struct job *j, struct dockerfile_scope *s,
		     struct dockerfile_instruction *i)
{
	for (size_t k = 0; k < i->npairs; k++) {
		struct dockerfile_pair *pair = &i->pairs[k];
		const char *name = pair->key.text;
		int r = arg_value(j, s, pair);

		if (r < 0)
			return r;
		if (!strv_has(&s->declared, name))
			strv_add(&s->declared, name);
		if (pair->value.text && !dockerfile_vars_get(&s->env, name))
			dockerfile_vars_set(&s->visible, name, pair->value.text);
	}
	return 0;
}

static void apply_env(struct dockerfile_scope *s, const struct dockerfile_instruction *i)
{
	for (size_t k = 0; k < i->npairs; k++)
		dockerfile_scope_env(s, i->pairs[k].key.text, i->pairs[k].value.text);
}

int dockerfile_scope_next(struct dockerfile_scope *s,
			  const struct dockerfile_instruction *i,
			  struct dockerfile_instruction *out, struct err *e)
{
	struct job j = {
		.d = s->d,
		.x = {.escape = s->d->escape, .vars = &s->visible, .missing = s->missing},
		.e = e};
	int r = check_room(s->d, i, &s->visible, s->declared.n, e);

	*out = (struct dockerfile_instruction){0};
	if (r < 0)
		return r;
	dockerfile_instruction_copy(out, i);
	r = i->kind == DOCKERFILE_ARG ? apply_arg(&j, s, out) : expand_parts(&j, out);
	if (r == 0 && i->kind == DOCKERFILE_ENV)
		apply_env(s, out);
	if (r < 0)
		dockerfile_instruction_free(out);
	return r;
}

static bool is_proxy(const char *name)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "ftp_proxy",
					    "no_proxy", "all_proxy"};

	for (size_t k = 0; k < ARRAY_SIZE(names); k++)
		if (strcasecmp(names[k], name) == 0)
			return true;
	return false;
}

void dockerfile_proxy_env(const struct dockerfile_vars *build_args,
			  struct dockerfile_vars *env)
{
	for (size_t k = 0; build_args && k < build_args->n; k++) {
		const struct dockerfile_var *v = &build_args->v[k];
		AUTO_FREE char *name = xstrdup(v->name);

		if (!is_proxy(name))
			continue;
		str_upper(name);
		dockerfile_vars_set(env, name, v->value);
		str_lower(name);
		dockerfile_vars_set(env, name, v->value);
	}
}

static bool is_declared(const struct dockerfile *d, const char *name)
{
	for (size_t k = 0; k < d->n; k++) {
		const struct dockerfile_instruction *i = &d->instructions[k];

		for (size_t n = 0; i->kind == DOCKERFILE_ARG && n < i->npairs; n++)
			if (strcmp(i->pairs[n].key.text, name) == 0)
				return true;
	}
	return false;
}

void dockerfile_unused_args(const struct dockerfile *d,
			    const struct dockerfile_vars *build_args, struct strv *unused)
{
	CLEAN(dockerfile_vars_free) struct dockerfile_vars predefined = {0};

	set_predefined(&predefined, &(struct dockerfile_given){0});
	for (size_t k = 0; k < build_args->n; k++) {
		const char *name = build_args->v[k].name;

		if (!is_declared(d, name) && !is_proxy(name) &&
		    !dockerfile_vars_get(&predefined, name) &&
		    strcmp(name, "SOURCE_DATE_EPOCH") != 0)
			strv_add(unused, name);
	}
}
