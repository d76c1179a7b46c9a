/* SPDX-License-Identifier: MIT */

/* The rules about what stands inside of a stage. */

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/lint-internal.h"
#include "dockerfile/parse-internal.h"
#include "dockerfile/path-internal.h"
#include "dockerfile/port.h"

static void lint_once(struct dockerfile_lint *l, const struct dockerfile_instruction *i,
		      const struct dockerfile_instruction **last)
{
	if (*last)
		dockerfile_lint_warn(l, RULE_MULTIPLE_INSTRUCTIONS_DISALLOWED,
				     (*last)->pos,
				     "this %s has no effect: line %u has another one",
				     dockerfile_kind_name(i->kind), i->pos.line);
	*last = i;
}

static void lint_command(struct dockerfile_lint *l, struct dockerfile_lint_stage *s,
			 const struct dockerfile_instruction *i)
{
	lint_once(l, i, i->kind == DOCKERFILE_CMD ? &s->cmd : &s->entrypoint);
	if (!i->json && !s->shell_set)
		dockerfile_lint_warn(l, RULE_JSON_ARGS_RECOMMENDED, i->pos,
				     "in the JSON form, %s [\"…\"], no shell stands "
				     "between the program and its signals",
				     dockerfile_kind_name(i->kind));
}

/* Is one of the words of a NAME_LIKE_THIS in the list? */
static bool has_word(const char *name, const char *list)
{
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_STRV struct strv wanted = STRV_INIT;

	strv_split(&words, name, "_");
	strv_split(&wanted, list, " ");
	for (size_t k = 0; k < words.n; k++) {
		str_lower(words.v[k]);
		if (strv_has(&wanted, words.v[k]))
			return true;
	}
	return false;
}

static void lint_secrets(struct dockerfile_lint *l,
			 const struct dockerfile_instruction *i)
{
	for (size_t k = 0; k < i->npairs; k++) {
		const struct dockerfile_word *key = &i->pairs[k].key;

		if (has_word(key->text, "apikey auth credential credentials key password "
					"pword passwd secret token") &&
		    !has_word(key->text, "public file version"))
			dockerfile_lint_warn(l, RULE_SECRETS_USED_IN_ARG_OR_ENV, key->pos,
					     "%s %s looks like a secret, and everybody "
					     "who has the image can read it; use RUN "
					     "--mount=type=secret",
					     dockerfile_kind_name(i->kind), key->text);
	}
}

static void lint_spaced(struct dockerfile_lint *l, const struct dockerfile_instruction *i)
{
	const char *name = dockerfile_kind_name(i->kind);

	if (i->npairs && i->pairs[0].spaced)
		dockerfile_lint_warn(l, RULE_LEGACY_KEY_VALUE_FORMAT, i->pos,
				     "`%s key=value` should replace the old form "
				     "`%s key value`",
				     name, name);
}

static void lint_workdir(struct dockerfile_lint *l, struct dockerfile_lint_stage *s,
			 const struct dockerfile_instruction *out)
{
	if (!s->workdir_set && out->args.n && out->args.v[0].text[0] != '/')
		dockerfile_lint_warn(l, RULE_WORKDIR_RELATIVE_PATH, out->args.v[0].pos,
				     "`%s` is relative to a directory that the base "
				     "image may change",
				     out->args.v[0].text);
	s->workdir_set = true;
}

static void lint_ports(struct dockerfile_lint *l,
		       const struct dockerfile_instruction *out)
{
	for (size_t k = 0; k < out->args.n; k++) {
		const struct dockerfile_word *w = &out->args.v[k];
		struct dockerfile_port port;

		if (dockerfile_port_parse(w->text, &port, NULL) < 0)
			continue;
		if (port.upper)
			dockerfile_lint_warn(l, RULE_EXPOSE_PROTO_CASING, w->pos,
					     "the protocol of `%s` should be in lower "
					     "case",
					     w->text);
		if (port.mapped)
			dockerfile_lint_warn(
				l, RULE_EXPOSE_INVALID_FORMAT, w->pos,
				"`%s`: EXPOSE takes a port of the container; "
				"addresses and ports of the host are for "
				"running it",
				w->text);
	}
}

static void lint_copy(struct dockerfile_lint *l, const struct dockerfile_instruction *out)
{
	if (!l->o->ignored || dockerfile_flag(out, DOCKERFILE_FLAG_FROM))
		return;
	for (size_t k = 0; k + 1 < out->args.n; k++) {
		const struct dockerfile_word *w = &out->args.v[k];
		AUTO_FREE char *path = dockerfile_path_clean(w->text);
		const char *relative = path + (path[0] == '/');

		if (strstr(w->text, "://") || !*relative || strcmp(relative, ".") == 0)
			continue;
		if (l->o->ignored(relative, l->o->data))
			dockerfile_lint_warn(l, RULE_COPY_IGNORED_FILE, w->pos,
					     "the ignore file leaves `%s` out of the "
					     "context",
					     w->text);
	}
}

/*
 * Where the base image's variables are not known, a missing name may be one of them. It
 * is a misspelt one for sure only if it is almost one that the file itself defines.
 */
static bool is_misspelt(const char *name, const char *near)
{
	size_t n = strlen(name), m = near ? strlen(near) : 0;

	return near && strcmp(near, "PATH") != 0 && n <= m + 1 && m <= n + 1;
}

static void lint_missing(struct dockerfile_lint *l, const struct dockerfile_lint_stage *s,
			 const struct dockerfile_instruction *i,
			 const struct strv *missing)
{
	AUTO_STRV struct strv known = STRV_INIT;

	if (missing->n == 0)
		return;
	for (size_t k = 0; k < s->scope.visible.n; k++)
		strv_add(&known, s->scope.visible.v[k].name);
	for (size_t k = 0; k < missing->n; k++) {
		const char *name = missing->v[k];
		const char *near = strv_nearest(&known, name);

		if (strv_has(&s->scope.declared, name))
			continue;
		if (s->env_known || is_misspelt(name, near))
			dockerfile_lint_warn(l, RULE_UNDEFINED_VAR, i->pos,
					     "nothing defines the variable `%s`%s%s%s",
					     name, near ? " (did you mean `" : "",
					     near ? near : "", near ? "`?)" : "");
	}
}

/* The rules that need no variables. */
static void lint_written(struct dockerfile_lint *l, struct dockerfile_lint_stage *s,
			 const struct dockerfile_instruction *i)
{
	AUTO_STRV struct strv names = STRV_INIT;

	switch (i->kind) {
	case DOCKERFILE_ARG:
		for (size_t k = 0; k < i->npairs; k++)
			strv_add(&names, i->pairs[k].key.text);
		dockerfile_lint_description(l, i, &names);
		lint_secrets(l, i);
		break;
	case DOCKERFILE_ENV:
		lint_secrets(l, i);
		lint_spaced(l, i);
		break;
	case DOCKERFILE_LABEL:
		lint_spaced(l, i);
		break;
	case DOCKERFILE_CMD:
	case DOCKERFILE_ENTRYPOINT:
		lint_command(l, s, i);
		break;
	case DOCKERFILE_HEALTHCHECK:
		lint_once(l, i, &s->healthcheck);
		break;
	case DOCKERFILE_MAINTAINER:
		dockerfile_lint_warn(l, RULE_MAINTAINER_DEPRECATED, i->pos,
				     "MAINTAINER is deprecated: LABEL "
				     "org.opencontainers.image.authors=… replaces it");
		break;
	case DOCKERFILE_SHELL:
		s->shell_set = true;
		break;
	default:
		break;
	}
}

static void lint_expanded(struct dockerfile_lint *l, struct dockerfile_lint_stage *s,
			  const struct dockerfile_instruction *out)
{
	switch (out->kind) {
	case DOCKERFILE_WORKDIR:
		lint_workdir(l, s, out);
		break;
	case DOCKERFILE_EXPOSE:
		lint_ports(l, out);
		break;
	case DOCKERFILE_COPY:
	case DOCKERFILE_ADD:
		lint_copy(l, out);
		break;
	default:
		break;
	}
}

int dockerfile_lint_instruction(struct dockerfile_lint *l,
				struct dockerfile_lint_stage *s,
				const struct dockerfile_instruction *i)
{
	AUTO_INSTRUCTION struct dockerfile_instruction out = {0};
	AUTO_STRV struct strv missing = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	lint_written(l, s, i);
	s->scope.missing = &missing;
	r = dockerfile_scope_next(&s->scope, i, &out, &e);
	s->scope.missing = NULL;
	lint_missing(l, s, i, &missing);
	/* Values that the base image may define, which is not known here, say nothing. */
	if (missing.n && !s->env_known) {
		s->workdir_set |= i->kind == DOCKERFILE_WORKDIR;
		return 0;
	}
	if (r == 0)
		lint_expanded(l, s, &out);
	if (r == 0)
		return 0;
	return err_at(l->e, r, e.file, e.line, e.column, "%s", e.text);
}
