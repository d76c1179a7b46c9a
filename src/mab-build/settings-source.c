/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
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
	case OPT_BUILD_ARG:
		return set_build_arg(s, value, e);
	case OPT_BUILD_CONTEXT:
		return add_context(s, value, e);
	default:
		return 1;
	}
}
