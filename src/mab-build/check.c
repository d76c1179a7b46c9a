/* SPDX-License-Identifier: MIT */
#include "mab-build/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "binfmt/arch.h"
#include "cli/output.h"
#include "dockerfile/lint.h"
#include "dockerfile/parser.h"
#include "mab-build/command.h"

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

int check_fail(const struct source *source, const struct progress *p, struct err *e)
{
	/* An ONBUILD of a base stands in no file of the user's. */
	bool here = e->file && source->text && strcmp(e->file, source->name) == 0;
	AUTO_FREE char *shown = here ? dockerfile_error_show(e, source->text, source->len)
				     : err_message(e);

	if (!progress_error(p, e))
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

int check(const struct settings *s, struct source *source, struct progress *p)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	struct dockerfile_platform platform;
	AUTO_DOCKERFILE struct dockerfile d = {0};
	AUTO_WARNINGS struct dockerfile_warnings w = {0};
	AUTO_ERR struct err e = ERR_INIT;
	struct dockerfile_given given = {.build_args = &s->build.build_args};
	struct dockerfile_lint_options o = {
		.given = &given, .ignored = ignored, .data = source};

	if (native_platform(&platform, &parts, &e) < 0)
		return check_fail(source, p, &e);
	given.build = given.target = platform;
	if (dockerfile_parse(&d, source->name, source->text, source->len, &e) < 0 ||
	    dockerfile_lint(&d, &o, &w, &e) < 0)
		return check_fail(source, p, &e);
	for (size_t k = 0; k < w.n; k++)
		print_warning(source, &w.v[k]);
	/* The summary comes last, also when both go to one place. */
	(void)fflush(stdout);
	progress_message(p, "%s: %zu warning%s", source->name, w.n, w.n == 1 ? "" : "s");
	return w.n ? STATUS_FAILED : 0;
}
