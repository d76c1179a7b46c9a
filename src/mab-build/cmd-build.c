/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "binfmt/arch.h"
#include "cli/option.h"
#include "cli/output.h"
#include "dockerfile/lint.h"
#include "dockerfile/parser.h"
#include "mab-build/command.h"
#include "mab-build/source.h"

enum option_id {
	OPT_CHECK = 1,
	OPT_FILE,
	OPT_BUILD_ARG,
	OPT_HELP,
};

static const struct cli_option options[] = {
	{0, "Building", .help = ""},
	{OPT_FILE, "file", .letter = 'f', .arg = "FILE",
	 .help = "the Dockerfile, - for stdin (default Containerfile, then Dockerfile, in "
		 "CONTEXT)"},
	{OPT_BUILD_ARG, "build-arg", .arg = "NAME=VALUE",
	 .help = "a value for an ARG; without =VALUE that of the environment"},
	{0, "Instead of building", .help = ""},
	{OPT_CHECK, "check", .help = "look for mistakes in the Dockerfile"},
	{OPT_HELP, "help", .letter = 'h', .help = "show this text"},
	{0},
};

static const struct cli_program program = {
	.name = PROGRAM " build",
	.usage = PROGRAM " build --check [OPTION…] [CONTEXT]",
	.summary = "Builds an image from a Dockerfile and the folder CONTEXT (default: "
		   "the current one).",
	.options = options,
	.epilogue =
		"Exit status: 0 done, 1 something failed or was found, 2 wrong usage.",
};

struct settings {
	bool check, help;
	const char *file;
	const char *context;
	struct dockerfile_vars build_args;
};

static int set_build_arg(struct settings *s, const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');
	AUTO_FREE char *name = xstrndup(value, strcspn(value, "="));

	if (!*name)
		return err_set(e, -EINVAL, "--build-arg=%s has no name", value);
	value = equals ? equals + 1 : getenv(name);
	if (value)
		dockerfile_vars_set(&s->build_args, name, value);
	return 0;
}

static int set_option(void *context, const struct cli_option *option, const char *value,
		      struct err *e)
{
	struct settings *s = context;

	switch ((enum option_id)option->id) {
	case OPT_CHECK:
		s->check = true;
		break;
	case OPT_FILE:
		s->file = value;
		break;
	case OPT_BUILD_ARG:
		return set_build_arg(s, value, e);
	case OPT_HELP:
		s->help = true;
		break;
	}
	return 0;
}

static int parse_settings(struct settings *s, int argc, char **argv, struct err *e)
{
	int operands, r;

	r = cli_options_parse(&program, argc, argv, set_option, s, &operands, e);
	if (r < 0 || s->help)
		return r;
	if (argc - operands > 1)
		return err_set(e, -EINVAL, "there is one context, not also '%s'",
			       argv[operands + 1]);
	s->context = operands < argc ? argv[operands] : ".";
	if (!s->check)
		return err_set(e, -EINVAL,
			       "this version only checks Dockerfiles: add --check");
	return 0;
}

/* The machine's own platform; its strings are in parts. */
static int native_platform(struct dockerfile_platform *p, struct strv *parts,
			   struct err *e)
{
	AUTO_BINFMT_ARCHS struct binfmt_archs archs = {0};
	const struct binfmt_arch *arch;
	struct utsname u;
	int r = binfmt_archs_load(&archs, NULL, e);

	if (r < 0)
		return r;
	if (uname(&u) < 0)
		return err_sys(e, -errno, "cannot find out what machine this is");
	arch = binfmt_archs_find(&archs, u.machine);
	if (arch && arch->platforms.n)
		strv_split(parts, arch->platforms.v[0], "/");
	if (parts->n < 2)
		return err_set(e, -EINVAL, "this machine, %s, is not known", u.machine);
	*p = (struct dockerfile_platform){parts->v[0], parts->v[1],
					  parts->n > 2 ? parts->v[2] : NULL, NULL};
	return 0;
}

/* A failure at a place in the Dockerfile, with the line. */
static int fail_at(const struct source *source, struct err *e)
{
	AUTO_FREE char *shown = dockerfile_error_show(e, source->text, source->len);

	cli_message(PROGRAM, "%s", shown);
	err_free(e);
	return STATUS_FAILED;
}

static void print_warning(const struct source *source, const struct dockerfile_warning *w)
{
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *shown = NULL;

	err_at(&e, -EINVAL, source->name, w->pos.line, w->pos.column, "%s: %s", w->rule,
	       w->text);
	shown = dockerfile_error_show(&e, source->text, source->len);
	puts(shown);
}

static bool ignored(const char *path, void *data)
{
	const struct source *source = data;

	/* With exceptions a part of what is left out may be there after all. */
	return !source->ignore.exceptions &&
	       dockerfile_ignore_match(&source->ignore, path);
}

static int check(const struct settings *s, struct source *source,
		 const struct dockerfile_platform *platform)
{
	AUTO_DOCKERFILE struct dockerfile d = {0};
	AUTO_WARNINGS struct dockerfile_warnings w = {0};
	AUTO_ERR struct err e = ERR_INIT;
	struct dockerfile_given given = {&s->build_args, *platform, *platform, NULL};
	struct dockerfile_lint_options o = {
		.given = &given, .ignored = ignored, .data = source};

	if (dockerfile_parse(&d, source->name, source->text, source->len, &e) < 0 ||
	    dockerfile_lint(&d, &o, &w, &e) < 0)
		return fail_at(source, &e);
	for (size_t k = 0; k < w.n; k++)
		print_warning(source, &w.v[k]);
	/* The summary comes last, also when both go to one place. */
	(void)fflush(stdout);
	cli_message(PROGRAM, "%s: %zu warning%s", source->name, w.n, w.n == 1 ? "" : "s");
	return w.n ? STATUS_FAILED : 0;
}

static int build(const struct settings *s)
{
	CLEAN(source_free) struct source source = {0};
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	struct dockerfile_platform platform;

	if (native_platform(&platform, &parts, &e) < 0 ||
	    source_read(&source, s->context, s->file, &e) < 0)
		return fail(&e);
	return check(s, &source, &platform);
}

static int run(int argc, char **argv)
{
	AUTO_ERR struct err e = ERR_INIT;
	struct settings s = {0};
	int status = 0;

	if (parse_settings(&s, argc, argv, &e) < 0)
		status = usage_error("build", &e);
	else if (s.help)
		cli_options_help(&program, stdout);
	else
		status = build(&s);
	dockerfile_vars_free(&s.build_args);
	return status;
}

const struct command cmd_build = {
	.name = "build",
	.alias = "bud",
	.summary = "build an image from a Dockerfile",
	.run = run,
};
