/* SPDX-License-Identifier: MIT */
#include "dockerfile/lint.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/lint-internal.h"

/* Nobody reads more; the rest is not told. */
enum { WARNINGS_MAX = 1000 };

static const struct rule {
	const char *name;
	bool experimental; /* only looked for when the file asks for it */
} rules[] = {
	[RULE_CONSISTENT_INSTRUCTION_CASING] = {"ConsistentInstructionCasing"},
	[RULE_COPY_IGNORED_FILE] = {"CopyIgnoredFile"},
	[RULE_DUPLICATE_STAGE_NAME] = {"DuplicateStageName"},
	[RULE_EXPOSE_INVALID_FORMAT] = {"ExposeInvalidFormat"},
	[RULE_EXPOSE_PROTO_CASING] = {"ExposeProtoCasing"},
	[RULE_FROM_AS_CASING] = {"FromAsCasing"},
	[RULE_FROM_PLATFORM_FLAG_CONST_DISALLOWED] = {"FromPlatformFlagConstDisallowed"},
	[RULE_INVALID_DEFAULT_ARG_IN_FROM] = {"InvalidDefaultArgInFrom"},
	[RULE_INVALID_DEFINITION_DESCRIPTION] = {"InvalidDefinitionDescription", true},
	[RULE_JSON_ARGS_RECOMMENDED] = {"JSONArgsRecommended"},
	[RULE_LEGACY_KEY_VALUE_FORMAT] = {"LegacyKeyValueFormat"},
	[RULE_MAINTAINER_DEPRECATED] = {"MaintainerDeprecated"},
	[RULE_MULTIPLE_INSTRUCTIONS_DISALLOWED] = {"MultipleInstructionsDisallowed"},
	[RULE_NO_EMPTY_CONTINUATION] = {"NoEmptyContinuation"},
	[RULE_REDUNDANT_TARGET_PLATFORM] = {"RedundantTargetPlatform"},
	[RULE_RESERVED_STAGE_NAME] = {"ReservedStageName"},
	[RULE_SECRETS_USED_IN_ARG_OR_ENV] = {"SecretsUsedInArgOrEnv"},
	[RULE_STAGE_NAME_CASING] = {"StageNameCasing"},
	[RULE_UNDEFINED_ARG_IN_FROM] = {"UndefinedArgInFrom"},
	[RULE_UNDEFINED_VAR] = {"UndefinedVar"},
	[RULE_WORKDIR_RELATIVE_PATH] = {"WorkdirRelativePath"},
};

void dockerfile_lint_warn(struct dockerfile_lint *l, enum dockerfile_rule rule,
			  struct dockerfile_pos pos, const char *fmt, ...)
{
	struct dockerfile_warnings *w = l->w;
	struct strbuf s = STRBUF_INIT;
	va_list ap;

	if (w->n == WARNINGS_MAX || (l->skip | l->skip_here) & 1u << rule)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	GROW(w->v, w->n);
	w->v[w->n++] =
		(struct dockerfile_warning){rules[rule].name, pos, strbuf_take(&s)};
}

static unsigned all_rules(bool experimental)
{
	unsigned set = 0;

	for (size_t k = 0; k < ARRAY_SIZE(rules); k++)
		if (rules[k].experimental == experimental)
			set |= 1u << k;
	return set;
}

/* "A, B" or "all" as a set. A name that is not known is a rule of somebody else's. */
static unsigned rule_set(const char *list, bool experimental)
{
	AUTO_STRV struct strv names = STRV_INIT;
	unsigned set = 0;

	strv_split(&names, list, ", \t");
	for (size_t k = 0; k < ARRAY_SIZE(rules); k++)
		if (strv_has(&names, rules[k].name))
			set |= 1u << k;
	return strv_has(&names, "all") ? all_rules(experimental) : set;
}

static bool read_bool(const char *s, bool *value)
{
	*value = strcasecmp(s, "true") == 0 || strcasecmp(s, "t") == 0 ||
		 strcmp(s, "1") == 0;
	return *value || strcasecmp(s, "false") == 0 || strcasecmp(s, "f") == 0 ||
	       strcmp(s, "0") == 0;
}

/* One `key=value` of the directive; false when it is none. */
static bool check_option(char *option, unsigned *skip, bool *as_errors)
{
	char *value = strchr(option, '='), *end;

	if (!value)
		return false;
	*value++ = '\0';
	option += strspn(option, " \t");
	option[strcspn(option, " \t")] = '\0';
	value += strspn(value, " \t");
	for (end = value + strlen(value); end > value && isspace((unsigned char)end[-1]);)
		*--end = '\0';
	if (strcmp(option, "skip") == 0)
		*skip |= rule_set(value, false);
	else if (strcmp(option, "experimental") == 0)
		*skip &= ~rule_set(value, true);
	else if (strcmp(option, "error") == 0)
		return read_bool(value, as_errors);
	else
		return false;
	return true;
}

static bool check_options(const char *text, unsigned *skip, bool *as_errors)
{
	AUTO_STRV struct strv options = STRV_INIT;

	strv_split(&options, text, ";");
	for (size_t k = 0; k < options.n; k++)
		if (!check_option(options.v[k], skip, as_errors))
			return false;
	return true;
}

static int read_directive(struct dockerfile_lint *l)
{
	const struct dockerfile_word *check = &l->d->check;

	l->skip = all_rules(true);
	if (!check->text || check_options(check->text, &l->skip, &l->w->as_errors))
		return 0;
	return err_at(l->e, -EINVAL, l->d->file, check->pos.line, check->pos.column,
		      "the check directive takes skip=…, error=true or false and "
		      "experimental=…, separated by `;`");
}

/* A comment `check=skip=…` directly above. */
static void read_comments(struct dockerfile_lint *l,
			  const struct dockerfile_instruction *i)
{
	bool ignored;

	l->skip_here = 0;
	for (size_t k = 0; k < i->comments.n; k++)
		if (strncmp(i->comments.v[k], "check=", 6) == 0)
			(void)check_options(i->comments.v[k] + 6, &l->skip_here,
					    &ignored);
}

static bool is_lower(const char *s)
{
	return s[strcspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static bool is_upper(const char *s)
{
	return s[strcspn(s, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

static void lint_casing(struct dockerfile_lint *l)
{
	size_t lower = 0, upper = 0;
	bool want_lower;

	for (size_t k = l->d->nglobals; k < l->d->n; k++) {
		lower += is_lower(l->d->instructions[k].keyword);
		upper += is_upper(l->d->instructions[k].keyword);
	}
	want_lower = lower > upper;
	for (size_t k = l->d->nglobals; k < l->d->n; k++) {
		const struct dockerfile_instruction *i = &l->d->instructions[k];

		read_comments(l, i);
		if (!(want_lower ? is_lower(i->keyword) : is_upper(i->keyword)))
			dockerfile_lint_warn(
				l, RULE_CONSISTENT_INSTRUCTION_CASING, i->pos,
				"`%s` should be in %s, as most instructions "
				"of this file are",
				i->keyword, want_lower ? "lower case" : "capitals");
	}
}

static void lint_gaps(struct dockerfile_lint *l)
{
	const struct dockerfile *d = l->d;
	size_t gap = 0;

	for (size_t k = 0; k < d->n; k++) {
		const struct dockerfile_instruction *i = &d->instructions[k];
		bool told = false;

		read_comments(l, i);
		for (; gap < d->ngaps && d->gaps[gap].line <= i->last_line; gap++) {
			if (!told)
				dockerfile_lint_warn(
					l, RULE_NO_EMPTY_CONTINUATION, d->gaps[gap],
					"an empty line inside of %s, which a later "
					"version may not allow",
					dockerfile_kind_name(i->kind));
			told = true;
		}
	}
}

void dockerfile_lint_description(struct dockerfile_lint *l,
				 const struct dockerfile_instruction *i,
				 const struct strv *names)
{
	AUTO_FREE char *word = NULL;
	const char *comment;

	if (i->comments.n == 0 || names->n == 0)
		return;
	comment = i->comments.v[i->comments.n - 1];
	word = xstrndup(comment, strcspn(comment, " "));
	if (!strv_has(names, word))
		dockerfile_lint_warn(l, RULE_INVALID_DEFINITION_DESCRIPTION, i->pos,
				     "a comment directly above %s should begin with the "
				     "name that it describes: `# %s …`",
				     dockerfile_kind_name(i->kind), names->v[0]);
}

static void lint_global(struct dockerfile_lint *l, const struct dockerfile_instruction *i)
{
	AUTO_STRV struct strv names = STRV_INIT;

	read_comments(l, i);
	for (size_t k = 0; k < i->npairs; k++)
		strv_add(&names, i->pairs[k].key.text);
	dockerfile_lint_description(l, i, &names);
}

static int lint_stage(struct dockerfile_lint *l, size_t stage)
{
	const struct dockerfile_stage *s = &l->d->stages[stage];
	int r;

	read_comments(l, &l->d->instructions[s->first]);
	r = dockerfile_lint_from(l, stage);
	for (size_t k = 1; k < s->n && r == 0; k++) {
		const struct dockerfile_instruction *i =
			&l->d->instructions[s->first + k];

		read_comments(l, i);
		r = dockerfile_lint_instruction(l, &l->stages[stage], i);
	}
	return r;
}

static int lint(struct dockerfile_lint *l)
{
	struct dockerfile_given unset = *l->o->given;
	int r = read_directive(l);

	unset.build_args = NULL;
	if (r == 0)
		r = dockerfile_globals(l->d, l->o->given, &l->globals, l->e);
	if (r == 0)
		r = dockerfile_globals(l->d, &unset, &l->defaults, l->e);
	if (r < 0)
		return r;
	lint_casing(l);
	lint_gaps(l);
	for (size_t k = 0; k < l->d->nglobals; k++)
		lint_global(l, &l->d->instructions[k]);
	for (size_t k = 0; k < l->d->nstages && r == 0; k++)
		r = lint_stage(l, k);
	return r;
}

static int by_place(const void *a, const void *b)
{
	const struct dockerfile_warning *x = a, *y = b;

	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	if (x->pos.column != y->pos.column)
		return x->pos.column < y->pos.column ? -1 : 1;
	return strcmp(x->rule, y->rule);
}

int dockerfile_lint(const struct dockerfile *d, const struct dockerfile_lint_options *o,
		    struct dockerfile_warnings *w, struct err *e)
{
	struct dockerfile_lint l = {.d = d, .o = o, .w = w, .e = e};
	int r;

	*w = (struct dockerfile_warnings){0};
	l.stages = xcalloc(d->nstages ? d->nstages : 1, sizeof *l.stages);
	r = lint(&l);
	for (size_t k = 0; k < d->nstages; k++)
		dockerfile_scope_free(&l.stages[k].scope);
	free(l.stages);
	dockerfile_vars_free(&l.globals);
	dockerfile_vars_free(&l.defaults);
	if (w->n)
		qsort(w->v, w->n, sizeof *w->v, by_place);
	return r;
}

void dockerfile_warnings_free(struct dockerfile_warnings *w)
{
	for (size_t k = 0; k < w->n; k++)
		free(w->v[k].text);
	free(w->v);
	*w = (struct dockerfile_warnings){0};
}
