/* SPDX-License-Identifier: MIT */

/* The rules about FROM. */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "dockerfile/lint-internal.h"
#include "dockerfile/parse-internal.h"

static const struct dockerfile_word *stage_word(const struct dockerfile_instruction *from)
{
	return from->args.n == 3 ? &from->args.v[2] : NULL;
}

static bool has_upper(const char *s)
{
	return strpbrk(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
}

static bool has_lower(const char *s)
{
	return strpbrk(s, "abcdefghijklmnopqrstuvwxyz") != NULL;
}

static void lint_as(struct dockerfile_lint *l, const struct dockerfile_instruction *from)
{
	const struct dockerfile_word *as = &from->args.v[1];
	bool lower = !has_upper(from->keyword), upper = !has_lower(from->keyword);

	/* A FROM in mixed case is another rule's. */
	if ((lower && has_upper(as->text)) || (upper && has_lower(as->text)))
		dockerfile_lint_warn(l, RULE_FROM_AS_CASING, as->pos,
				     "`%s` should be in the case of `%s`", as->text,
				     from->keyword);
}

static void lint_name(struct dockerfile_lint *l, size_t stage,
		      const struct dockerfile_instruction *from)
{
	const struct dockerfile_word *w = stage_word(from);
	const char *name = l->d->stages[stage].name;
	AUTO_STRV struct strv names = STRV_INIT;

	if (!w)
		return;
	lint_as(l, from);
	if (strcmp(w->text, name) != 0)
		dockerfile_lint_warn(l, RULE_STAGE_NAME_CASING, w->pos,
				     "the stage's name `%s` should be in lower case",
				     w->text);
	if (strcmp(name, "scratch") == 0 || strcmp(name, "context") == 0)
		dockerfile_lint_warn(l, RULE_RESERVED_STAGE_NAME, w->pos,
				     "`%s` has a meaning of its own and should not be "
				     "a stage's name",
				     name);
	if (dockerfile_stage_named(l->d, name, stage) >= 0)
		dockerfile_lint_warn(l, RULE_DUPLICATE_STAGE_NAME, w->pos,
				     "an earlier stage has the name `%s` too", name);
	strv_add(&names, name);
	dockerfile_lint_description(l, from, &names);
}

/* One part of a repository's name: letters, digits, and separators between them. */
static bool valid_component(const char *s, size_t n)
{
	if (n == 0 || strchr("._-", s[0]) || strchr("._-", s[n - 1]))
		return false;
	for (size_t k = 0; k < n; k++)
		if (!islower((unsigned char)s[k]) && !isdigit((unsigned char)s[k]) &&
		    !strchr("._-", s[k]))
			return false;
	return true;
}

/* The first part names a registry when it looks like a host. */
static bool is_host(const char *s, size_t n)
{
	return memchr(s, '.', n) || memchr(s, ':', n) || memchr(s, '[', n) ||
	       (n == 9 && strncmp(s, "localhost", 9) == 0);
}

/* Could this be the name of an image? [host/]name[:tag][@digest] */
static bool valid_reference(const char *s)
{
	size_t end = strcspn(s, "@"), n = strcspn(s, "/");
	const char *tag;

	if (s[end] == '@' && !strchr(s + end, ':'))
		return false;
	if (n < end && s[n] == '/' && is_host(s, n)) {
		s += n + 1;
		end -= n + 1;
	}
	for (;;) {
		n = strcspn(s, "/@");
		tag = memchr(s, ':', n);
		if (s[n] == '/' && tag)
			return false;
		if (!valid_component(s, tag ? (size_t)(tag - s) : n))
			return false;
		if (s[n] != '/')
			break;
		s += n + 1;
	}
	if (!tag)
		return true;
	n -= (size_t)(tag + 1 - s);
	for (size_t k = 0; k < n; k++)
		if (!isalnum((unsigned char)tag[1 + k]) && !strchr("_.-", tag[1 + k]))
			return false;
	return n > 0 && n <= 128 && !strchr(".-", tag[1]);
}

static void lint_default(struct dockerfile_lint *l, const struct dockerfile_word *base)
{
	struct dockerfile_expand x = {.escape = l->d->escape, .vars = &l->defaults};
	AUTO_FREE char *name = NULL;

	if (dockerfile_expand(&x, base->text, &name, NULL) < 0) {
		name = NULL;
		return;
	}
	if (!valid_reference(name) && dockerfile_stage_named(l->d, name, SIZE_MAX) < 0)
		dockerfile_lint_warn(l, RULE_INVALID_DEFAULT_ARG_IN_FROM, base->pos,
				     "without build arguments `%s` is `%s`, which cannot "
				     "be an image's name",
				     base->text, name);
}

static bool is_target_platform(const char *s)
{
	return strcmp(s, "$TARGETPLATFORM") == 0 || strcmp(s, "${TARGETPLATFORM}") == 0;
}

/* A stage that is named after its platform means it. */
static bool named_after(const char *name, const char *platform)
{
	AUTO_STRV struct strv parts = STRV_INIT;

	strv_split(&parts, platform, "/");
	for (size_t k = 0; name && k < parts.n && k < 2; k++)
		if (strstr(name, parts.v[k]))
			return true;
	return false;
}

static void lint_platform(struct dockerfile_lint *l, size_t stage,
			  const struct dockerfile_word *w)
{
	if (!w)
		return;
	if (is_target_platform(w->text))
		dockerfile_lint_warn(l, RULE_REDUNDANT_TARGET_PLATFORM, w->pos,
				     "--platform=%s says nothing: it is the default",
				     w->text);
	else if (!strchr(w->text, '$') && !named_after(l->d->stages[stage].name, w->text))
		dockerfile_lint_warn(l, RULE_FROM_PLATFORM_FLAG_CONST_DISALLOWED, w->pos,
				     "--platform=%s makes every build use that platform; "
				     "a variable like $BUILDPLATFORM leaves the choice",
				     w->text);
}

static void lint_missing(struct dockerfile_lint *l,
			 const struct dockerfile_instruction *from,
			 const struct strv *missing)
{
	AUTO_STRV struct strv known = STRV_INIT;

	if (missing->n == 0)
		return;
	for (size_t k = 0; k < l->globals.n; k++)
		strv_add(&known, l->globals.v[k].name);
	for (size_t k = 0; k < l->d->nglobals; k++)
		for (size_t n = 0; n < l->d->instructions[k].npairs; n++)
			strv_add(&known, l->d->instructions[k].pairs[n].key.text);
	for (size_t k = 0; k < missing->n; k++) {
		AUTO_FREE char *hint = NULL;

		if (strv_has(&known, missing->v[k]))
			continue;
		hint = dockerfile_suggest(&known, missing->v[k]);
		dockerfile_lint_warn(l, RULE_UNDEFINED_ARG_IN_FROM, from->args.v[0].pos,
				     "no ARG before the first FROM declares `%s`%s",
				     missing->v[k], hint);
	}
}

/* What the stage begins with: another stage, an image's environment, or nothing. */
static void begin(struct dockerfile_lint *l, size_t stage, const char *base)
{
	struct dockerfile_lint_stage *s = &l->stages[stage];
	long parent = dockerfile_stage_named(l->d, base, stage);
	const struct dockerfile_vars *env = NULL;

	dockerfile_scope_init(&s->scope, l->d, l->o->given, &l->globals);
	if (parent >= 0) {
		const struct dockerfile_lint_stage *p = &l->stages[parent];

		dockerfile_scope_inherit(&s->scope, &p->scope);
		s->env_known = p->env_known;
		s->shell_set = p->shell_set;
		s->workdir_set = p->workdir_set;
		return;
	}
	if (l->o->base_env)
		env = l->o->base_env(base, l->o->data);
	s->env_known = env || strcmp(base, "scratch") == 0;
	dockerfile_scope_env(&s->scope, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
	for (size_t k = 0; env && k < env->n; k++)
		dockerfile_scope_env(&s->scope, env->v[k].name, env->v[k].value);
}

int dockerfile_lint_from(struct dockerfile_lint *l, size_t stage)
{
	const struct dockerfile_instruction *from =
		&l->d->instructions[l->d->stages[stage].first];
	AUTO_INSTRUCTION struct dockerfile_instruction out = {0};
	AUTO_STRV struct strv missing = STRV_INIT;
	int r;

	lint_name(l, stage, from);
	lint_platform(l, stage, dockerfile_flag(from, DOCKERFILE_FLAG_PLATFORM));
	lint_default(l, &from->args.v[0]);
	r = dockerfile_expand_from(l->d, from, &l->globals, &missing, &out, l->e);
	lint_missing(l, from, &missing);
	if (r == 0)
		begin(l, stage, out.args.v[0].text);
	return r;
}
