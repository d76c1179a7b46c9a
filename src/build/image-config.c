/* SPDX-License-Identifier: MIT */
#include "build/image-config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "build/internal.h"
#include "dockerfile/port.h"
#include "dockerfile/print.h"

static void replace(char **field, const char *value)
{
	free(*field);
	*field = value ? xstrdup(value) : NULL;
}

void build_config_scratch(struct oci_config *c, const struct oci_platform *platform)
{
	*c = (struct oci_config){.platform = *platform, .working_dir = xstrdup("/")};
	strv_add(&c->env, BUILD_DEFAULT_PATH);
}

int build_config_copy(struct oci_config *c, const struct oci_config *from, struct err *e)
{
	size_t len;
	AUTO_FREE char *text = oci_config_write(from, &len);

	return oci_config_parse(c, text, len, e);
}

void build_config_shell(const struct oci_config *c, struct strv *shell)
{
	for (size_t i = 0; i < c->shell.n; i++)
		strv_add(shell, c->shell.v[i]);
	if (c->shell.n)
		return;
	strv_add(shell, "/bin/sh");
	strv_add(shell, "-c");
}

/* Where a clean path would go with `..` and `.` taken by their names alone. */
static char *clean_path(const char *path)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;
	size_t depth = 0;

	strv_split(&parts, path, "/");
	for (size_t i = 0; i < parts.n; i++) {
		if (strcmp(parts.v[i], ".") == 0)
			continue;
		if (strcmp(parts.v[i], "..") == 0) {
			depth -= depth > 0;
			continue;
		}
		if (depth != i) {
			free(parts.v[depth]);
			parts.v[depth] = xstrdup(parts.v[i]);
		}
		depth++;
	}
	for (size_t i = 0; i < depth; i++)
		strbuf_addf(&out, "/%s", parts.v[i]);
	return out.len ? strbuf_take(&out) : xstrdup("/");
}

char *build_config_path(const struct oci_config *c, const char *path)
{
	AUTO_FREE char *whole = NULL;

	if (*path == '/')
		return clean_path(path);
	whole = xasprintf("%s/%s", c->working_dir ? c->working_dir : "", path);
	return clean_path(whole);
}

/* In the place of the variable of that name, or at the end. */
static void set_env(struct strv *env, const char *name, const char *value)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=') {
			free(env->v[i]);
			env->v[i] = xasprintf("%s=%s", name, value);
			return;
		}
	strv_addf(env, "%s=%s", name, value);
}

void build_config_env(struct oci_config *c, const char *name, const char *value)
{
	size_t len = strlen(name), kept = 0;

	if (value) {
		set_env(&c->env, name, value);
		return;
	}
	for (size_t i = 0; i < c->env.n; i++) {
		char *text = c->env.v[i];

		if (strncmp(text, name, len) == 0 && text[len] == '=')
			free(text);
		else
			c->env.v[kept++] = text;
	}
	c->env.n = kept;
	if (c->env.v)
		c->env.v[kept] = NULL;
}

static void set_words(struct strv *list, const struct dockerfile_instruction *i)
{
	strv_free(list);
	*list = (struct strv)STRV_INIT;
	for (size_t n = 0; n < i->args.n; n++)
		strv_add(list, i->args.v[n].text);
}

/* CMD and ENTRYPOINT: the shell form goes to the shell. */
static void set_command(const struct oci_config *c, struct strv *list,
			const struct dockerfile_instruction *i)
{
	struct strv words = STRV_INIT;

	if (!i->json)
		build_config_shell(c, &words);
	for (size_t n = 0; n < i->args.n; n++)
		strv_add(&words, i->args.v[n].text);
	strv_free(list);
	*list = words;
}

static void add_once(struct strv *list, const char *word)
{
	if (!strv_has(list, word))
		strv_add(list, word);
}

static int set_ports(struct oci_config *c, const struct dockerfile_instruction *i,
		     struct err *e)
{
	for (size_t n = 0; n < i->args.n; n++) {
		struct dockerfile_port port;
		int r = dockerfile_port_parse(i->args.v[n].text, &port, e);

		if (r < 0)
			return r;
		for (unsigned p = port.first; p <= port.last; p++) {
			AUTO_FREE char *text = xasprintf("%u/%s", p, port.protocol);

			add_once(&c->exposed_ports, text);
		}
	}
	return 0;
}

static void healthcheck_free(struct oci_healthcheck *h)
{
	if (h)
		strv_free(&h->test);
	free(h);
}

static void set_healthcheck(struct oci_config *c, const struct dockerfile_instruction *i)
{
	struct oci_healthcheck *h = xcalloc(1, sizeof *h);

	healthcheck_free(c->healthcheck);
	c->healthcheck = h;
	strv_add(&h->test, i->health.none ? "NONE" : i->json ? "CMD" : "CMD-SHELL");
	for (size_t n = 0; n < i->args.n; n++)
		strv_add(&h->test, i->args.v[n].text);
	h->interval = i->health.interval;
	h->timeout = i->health.timeout;
	h->start_period = i->health.start_period;
	h->start_interval = i->health.start_interval;
	h->retries = i->health.retries;
}

/* A CMD of the base was meant for another program. */
static void set_entrypoint(struct build_stage *s, const struct dockerfile_instruction *i)
{
	struct oci_config *c = &s->config;

	set_command(c, &c->entrypoint, i);
	if (s->cmd_set)
		return;
	strv_free(&c->cmd);
	c->cmd = (struct strv)STRV_INIT;
}

int build_config_apply(struct build_stage *s, const struct dockerfile_instruction *i,
		       struct err *e)
{
	struct oci_config *c = &s->config;
	char *path;

	switch (i->kind) {
	case DOCKERFILE_ENV:
		for (size_t n = 0; n < i->npairs; n++)
			set_env(&c->env, i->pairs[n].key.text, i->pairs[n].value.text);
		break;
	case DOCKERFILE_LABEL:
		for (size_t n = 0; n < i->npairs; n++)
			oci_map_set(&c->labels, i->pairs[n].key.text,
				    i->pairs[n].value.text);
		break;
	case DOCKERFILE_CMD:
		set_command(c, &c->cmd, i);
		s->cmd_set = true;
		break;
	case DOCKERFILE_ENTRYPOINT:
		set_entrypoint(s, i);
		break;
	case DOCKERFILE_EXPOSE:
		return set_ports(c, i, e);
	case DOCKERFILE_VOLUME:
		for (size_t n = 0; n < i->args.n; n++)
			add_once(&c->volumes, i->args.v[n].text);
		break;
	case DOCKERFILE_WORKDIR:
		path = build_config_path(c, i->args.v[0].text);
		free(c->working_dir);
		c->working_dir = path;
		break;
	case DOCKERFILE_USER:
		replace(&c->user, i->args.v[0].text);
		break;
	case DOCKERFILE_STOPSIGNAL:
		replace(&c->stop_signal, i->args.v[0].text);
		break;
	case DOCKERFILE_MAINTAINER:
		replace(&c->author, i->args.v[0].text);
		break;
	case DOCKERFILE_SHELL:
		set_words(&c->shell, i);
		break;
	case DOCKERFILE_HEALTHCHECK:
		set_healthcheck(c, i);
		break;
	case DOCKERFILE_ONBUILD:
		strv_own(&c->on_build, dockerfile_trigger_text(i));
		break;
	case DOCKERFILE_ADD:
	case DOCKERFILE_ARG:
	case DOCKERFILE_COPY:
	case DOCKERFILE_FROM:
	case DOCKERFILE_RUN:
		break;
	}
	return 0;
}

static void add_args(const struct dockerfile_instruction *i, struct strbuf *out)
{
	if (i->json)
		strbuf_adds(out, " [");
	for (size_t n = 0; n < i->args.n; n++) {
		strbuf_adds(out, i->json && n ? ", " : i->json ? "" : " ");
		if (i->json)
			dockerfile_print_string(i->args.v[n].text, out);
		else
			strbuf_adds(out, i->args.v[n].text);
	}
	if (i->json)
		strbuf_addc(out, ']');
}

char *build_config_history(const struct build_stage *s,
			   const struct dockerfile_instruction *i)
{
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;
	AUTO_STRV struct strv shell = STRV_INIT;
	AUTO_FREE char *text = NULL;

	strbuf_adds(&out, dockerfile_kind_name(i->kind));
	if (i->kind == DOCKERFILE_ONBUILD) {
		text = dockerfile_trigger_text(i);
		strbuf_addf(&out, " %s", text);
		return strbuf_take(&out);
	}
	if (i->kind == DOCKERFILE_RUN &&
	    dockerfile_run_text(i, &text) != DOCKERFILE_RUN_EXEC) {
		build_config_shell(&s->config, &shell);
		for (size_t n = 0; n < shell.n; n++)
			strbuf_addf(&out, " %s", shell.v[n]);
		strbuf_addf(&out, " %s", text);
		return strbuf_take(&out);
	}
	for (size_t n = 0; n < i->nflags; n++)
		strbuf_addf(&out, " --%s=%s", dockerfile_flag_name(i->flags[n].id),
			    i->flags[n].value.text);
	if (i->kind == DOCKERFILE_HEALTHCHECK)
		strbuf_adds(&out, i->health.none ? " NONE" : " CMD");
	for (size_t n = 0; n < i->nheredocs; n++)
		strbuf_addf(&out, " <<%s", i->heredocs[n].name);
	for (size_t n = 0; n < i->npairs; n++) {
		strbuf_addf(&out, " %s", i->pairs[n].key.text);
		if (i->pairs[n].value.text)
			strbuf_addf(&out, "=%s", i->pairs[n].value.text);
	}
	add_args(i, &out);
	return strbuf_take(&out);
}

/* --- Once the steps are done --- */

static char *time_text(int64_t seconds)
{
	char text[32];
	time_t t = (time_t)seconds;
	struct tm tm;

	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	return xstrdup(text);
}

/* An instruction that only sets something is as old as the step before it, or after. */
static int64_t finish_history(struct build_stage *s, int64_t now)
{
	int64_t created = now;

	for (size_t i = s->nhistory; i-- > 0;)
		if (s->history[i])
			created = s->history[i]->created;
	for (size_t i = 0; i < s->nhistory; i++) {
		struct oci_history *h = &s->config.history[s->base_history + i];
		const struct build_step *step = s->history[i];

		if (step)
			created = step->created;
		h->created = time_text(created);
		h->empty_layer = !step || !step->wrote;
	}
	return created;
}

static void set_variables(struct oci_config *c, const struct build_settings *s)
{
	for (size_t i = 0; i < s->env.n; i++) {
		const char *text = s->env.v[i];
		AUTO_FREE char *name = xstrndup(text, strcspn(text, "="));

		build_config_env(c, name, text + strlen(name) + 1);
	}
	for (size_t i = 0; i < s->unsetenv.n; i++)
		build_config_env(c, s->unsetenv.v[i], NULL);
}

/* One layer for all of them: they are told as steps that wrote nothing. */
static void squash_history(struct oci_config *c, size_t from, size_t steps, bool wrote)
{
	struct oci_history *h;

	for (size_t i = from; i < c->n_history; i++)
		c->history[i].empty_layer = true;
	h = oci_config_add_history(c);
	h->created = xstrdup(c->created);
	h->comment = xasprintf("squashed from %zu layers", steps);
	h->empty_layer = !wrote;
}

void build_stage_finish(struct build *b, struct build_stage *s,
			const struct build_chain *layers)
{
	const struct oci_map *labels = &b->settings->labels;
	struct oci_config *c = &s->config;
	int64_t created = finish_history(s, b->now);

	free(c->created);
	c->created = time_text(created);
	if (layers->n < s->last->layers.n)
		squash_history(c, s->base_history, s->last->layers.n - c->n_diff_ids,
			       layers->n > c->n_diff_ids);
	for (size_t i = c->n_diff_ids; i < layers->n; i++)
		oci_config_add_diff_id(c, &layers->v[i]->diff_id);
	for (size_t i = 0; i < labels->n; i++)
		oci_map_set(&c->labels, labels->v[i].name, labels->v[i].value);
	set_variables(c, b->settings);
}
