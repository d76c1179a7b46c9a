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
	default:
		return 1;
	}
}
