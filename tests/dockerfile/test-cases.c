/* SPDX-License-Identifier: MIT */

/*
 * Every folder of valid/ has a Dockerfile and what is expected of it: `ast`, and where
 * they exist `expanded` (all stages with variables replaced) and `lint`. Every folder of
 * invalid/ has a Dockerfile and the `error` that it gives, source line and caret
 * included, when it is parsed or, if that succeeds, expanded.
 *
 * Beside them may stand `args` (build arguments), `env` (the environment of every base
 * image), both NAME=value a line, and `ignore` (an ignore file). Builds are on
 * linux/amd64 for linux/arm/v7.
 *
 * With --update the expectations are written instead of compared.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dockerfile/ignore.h"
#include "dockerfile/lint.h"
#include "dockerfile/parser.h"
#include "dockerfile/print.h"
#include "dockerfile/scope.h"
#include "tests/tap.h"

enum { FILE_MAX = 2 << 20 };

static bool update;

struct test {
	const char *name;
	int dir;
	char *text;
	size_t len;
	struct dockerfile d;
	struct dockerfile_vars args, env;
	struct dockerfile_given given;
	struct dockerfile_ignore ignore;
	bool has_env, has_ignore;
};

static bool read_optional(const struct test *t, const char *name, char **data,
			  size_t *len)
{
	return file_read_at(t->dir, name, FILE_MAX, data, len, NULL) == 0;
}

static bool read_vars(const struct test *t, const char *name,
		      struct dockerfile_vars *vars)
{
	AUTO_STRV struct strv lines = STRV_INIT;
	AUTO_FREE char *data = NULL;
	size_t len;

	if (!read_optional(t, name, &data, &len))
		return false;
	strv_split(&lines, data, "\n");
	for (size_t k = 0; k < lines.n; k++) {
		char *equals = strchr(lines.v[k], '=');

		*equals = '\0';
		dockerfile_vars_set(vars, lines.v[k], equals + 1);
	}
	return true;
}

static bool setup(struct test *t, const char *folder, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
	AUTO_FREE char *ignore = NULL;
	size_t len;

	*t = (struct test){.name = name};
	t->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir < 0 || !read_optional(t, "Dockerfile", &t->text, &t->len))
		return ok(false, "%s has a Dockerfile", path);
	read_vars(t, "args", &t->args);
	t->has_env = read_vars(t, "env", &t->env);
	t->has_ignore = read_optional(t, "ignore", &ignore, &len);
	if (t->has_ignore &&
	    dockerfile_ignore_parse(&t->ignore, "ignore", ignore, len, NULL) < 0)
		return ok(false, "%s/ignore is well-formed", path);
	t->given.build_args = &t->args;
	t->given.build = (struct dockerfile_platform){"linux", "amd64", NULL, NULL};
	t->given.target = (struct dockerfile_platform){"linux", "arm", "v7", NULL};
	return true;
}

static void teardown(struct test *t)
{
	if (t->dir >= 0)
		close(t->dir);
	free(t->text);
	dockerfile_free(&t->d);
	dockerfile_vars_free(&t->args);
	dockerfile_vars_free(&t->env);
	dockerfile_ignore_free(&t->ignore);
}

/* Compares with a file of the case; a missing one is a failure unless optional. */
static void expect(const struct test *t, const char *file, const char *got, bool optional)
{
	AUTO_FREE char *want = NULL;
	AUTO_FREE char *what = xasprintf("%s: %s", t->name, file);
	bool there = read_optional(t, file, &want, NULL);

	if (!there && optional)
		return;
	if (update) {
		ok(file_write_at(t->dir, file, got, strlen(got), 0644, NULL) == 0, "%s",
		   what);
		return;
	}
	is_str(got, want, what);
}

static int expand_stage(struct test *t, const struct dockerfile_vars *globals,
			struct dockerfile_scope *scopes, size_t k, struct strbuf *out,
			struct err *e)
{
	const struct dockerfile_stage *stage = &t->d.stages[k];
	const struct dockerfile_instruction *list = t->d.instructions + stage->first;
	AUTO_INSTRUCTION struct dockerfile_instruction from = {0};
	int r = dockerfile_expand_from(&t->d, list, globals, NULL, &from, e);
	long parent;

	if (r < 0)
		return r;
	dockerfile_print_instruction(&from, out);
	dockerfile_scope_init(&scopes[k], &t->d, &t->given, globals);
	parent = dockerfile_stage_named(&t->d, from.args.v[0].text, k);
	if (parent >= 0)
		dockerfile_scope_inherit(&scopes[k], &scopes[parent]);
	for (size_t n = 0; parent < 0 && n < t->env.n; n++)
		dockerfile_scope_env(&scopes[k], t->env.v[n].name, t->env.v[n].value);
	for (size_t n = 1; n < stage->n; n++) {
		AUTO_INSTRUCTION struct dockerfile_instruction i = {0};
		AUTO_FREE char *run = NULL;

		r = dockerfile_scope_next(&scopes[k], &list[n], &i, e);
		if (r < 0)
			return r;
		dockerfile_print_instruction(&i, out);
		if (i.kind != DOCKERFILE_RUN || !i.nheredocs)
			continue;
		strbuf_adds(out, dockerfile_run_text(&i, &run) == DOCKERFILE_RUN_SCRIPT
					 ? "\tscript "
					 : "\tshell ");
		dockerfile_print_string(run, out);
		strbuf_addc(out, '\n');
	}
	return 0;
}

static int expand(struct test *t, struct strbuf *out, struct err *e)
{
	struct dockerfile_scope *scopes = xcalloc(t->d.nstages, sizeof *scopes);
	AUTO_VARS struct dockerfile_vars globals = {0};
	int r = dockerfile_globals(&t->d, &t->given, &globals, e);

	for (size_t k = 0; k < t->d.nstages && r == 0; k++)
		r = expand_stage(t, &globals, scopes, k, out, e);
	for (size_t k = 0; k < t->d.nstages; k++)
		dockerfile_scope_free(&scopes[k]);
	free(scopes);
	return r;
}

static bool ignored(const char *path, void *data)
{
	const struct test *t = data;

	return t->has_ignore && dockerfile_ignore_match(&t->ignore, path);
}

static const struct dockerfile_vars *base_env(const char *image, void *data)
{
	const struct test *t = data;

	(void)image;
	return t->has_env ? &t->env : NULL;
}

static int lint(struct test *t, struct strbuf *out, struct err *e)
{
	struct dockerfile_lint_options o = {&t->given, ignored, base_env, t};
	AUTO_WARNINGS struct dockerfile_warnings w = {0};
	int r = dockerfile_lint(&t->d, &o, &w, e);

	for (size_t k = 0; k < w.n; k++)
		strbuf_addf(out, "%u:%u %s: %s\n", w.v[k].pos.line, w.v[k].pos.column,
			    w.v[k].rule, w.v[k].text);
	if (w.as_errors)
		strbuf_adds(out, "as errors\n");
	return r;
}

static void fails(const struct test *t, const char *what, const struct err *e)
{
	AUTO_FREE char *shown = dockerfile_error_show(e, t->text, t->len);

	ok(false, "%s can be %s", t->name, what);
	printf("# %s\n", shown);
}

static void valid(struct test *t)
{
	AUTO_STRBUF struct strbuf ast = STRBUF_INIT;
	AUTO_STRBUF struct strbuf expanded = STRBUF_INIT;
	AUTO_STRBUF struct strbuf warnings = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;

	if (dockerfile_parse(&t->d, "Dockerfile", t->text, t->len, &e) < 0) {
		fails(t, "parsed", &e);
		return;
	}
	dockerfile_print(&t->d, &ast);
	expect(t, "ast", ast.data, false);
	if (faccessat(t->dir, "expanded", F_OK, 0) == 0) {
		if (expand(t, &expanded, &e) < 0)
			fails(t, "expanded", &e);
		else
			expect(t, "expanded", expanded.data, true);
	}
	if (lint(t, &warnings, &e) < 0)
		fails(t, "checked", &e);
	else
		expect(t, "lint", warnings.data, true);
}

static void invalid(struct test *t)
{
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *shown = NULL;
	int r = dockerfile_parse(&t->d, "Dockerfile", t->text, t->len, &e);

	if (r == 0)
		r = expand(t, &out, &e);
	if (r == 0)
		r = lint(t, &out, &e);
	if (!ok(r < 0 && e.code == r, "%s fails", t->name))
		return;
	shown = dockerfile_error_show(&e, t->text, t->len);
	strbuf_trim(&out, 0);
	strbuf_addf(&out, "%s\n", shown);
	expect(t, "error", out.data, false);
}

static void all_in(const char *root, const char *kind, void (*test)(struct test *t))
{
	AUTO_FREE char *folder = xasprintf("%s/tests/dockerfile/%s", root, kind);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSEDIR DIR *dir = opendir(folder);
	struct dirent *de;

	while (dir && (de = readdir(dir)))
		if (de->d_name[0] != '.')
			strv_add(&names, de->d_name);
	strv_sort(&names);
	ok(names.n > 0, "there are cases in %s", folder);
	for (size_t k = 0; k < names.n; k++) {
		struct test t;

		if (setup(&t, folder, names.v[k]))
			test(&t);
		teardown(&t);
	}
}

int main(int argc, char **argv)
{
	const char *root = getenv("top_srcdir");

	update = argc > 1 && strcmp(argv[1], "--update") == 0;
	all_in(root ? root : ".", "valid", valid);
	all_in(root ? root : ".", "invalid", invalid);
	return tap_done();
}
