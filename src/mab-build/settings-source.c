/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mab-build/build-options.h"

static int set_build_arg(struct settings *s, const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');
	AUTO_FREE char *name = xstrndup(value, strcspn(value, "="));

	if (!*name)
		return err_set(e, -EINVAL, "--build-arg=%s has no name", value);
	value = equals ? equals + 1 : getenv(name);
	if (value)
		dockerfile_vars_set(&s->build.build_args, name, value);
	return 0;
}

/* The name goes into an instruction as it is. */
static int add_context(struct settings *s, const char *value, struct err *e)
{
	size_t n = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789._-/:@");

	if (!n || value[n] != '=' || !value[n + 1])
		return err_set(e, -EINVAL,
			       "--build-context=%s is not NAME=WHERE, with a name like "
			       "those of stages and images",
			       value);
	strv_add(&s->contexts, value);
	return 0;
}

/* Lines as --build-arg has them, comments and empty lines. */
static int set_build_args(struct settings *s, const char *file, struct err *e)
{
	enum { FILE_MAX = 1 << 20 };
	AUTO_STRV struct strv lines = STRV_INIT;
	AUTO_FREE char *text = NULL;
	int r = file_read_at(AT_FDCWD, file, FILE_MAX, &text, NULL, e);

	if (r < 0)
		return err_wrap(e, r, "--build-arg-file");
	strv_split(&lines, text, "\r\n");
	for (size_t i = 0; i < lines.n && r == 0; i++) {
		const char *line = lines.v[i] + strspn(lines.v[i], " \t");

		if (*line && *line != '#')
			r = set_build_arg(s, line, e);
	}
	return r < 0 ? err_wrap(e, r, "%s", file) : 0;
}

int settings_source(struct settings *s, const struct cli_option *option,
		    const char *value, struct err *e)
{
	switch ((enum build_option)option->id) {
	case OPT_FILE:
		s->file = value;
		return 0;
	case OPT_PLATFORM:
		strv_split(&s->build.platforms, value, ",");
		return 0;
	case OPT_TARGET:
		s->build.target = value;
		return 0;
	case OPT_ALL_PLATFORMS:
		s->build.all_platforms = true;
		return 0;
	case OPT_BUILD_ARG_FILE:
		return set_build_args(s, value, e);
	case OPT_BUILD_ARG:
		return set_build_arg(s, value, e);
	case OPT_BUILD_CONTEXT:
		return add_context(s, value, e);
	default:
		return 1;
	}
}
