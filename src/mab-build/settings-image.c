/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mab-build/build-options.h"

int settings_epoch(struct settings *s, const char *option, const char *value,
		   struct err *e)
{
	long long n;
	int r = value_number(option, value, 253402300799LL, &n, e); /* the year 9999 */

	s->build.has_epoch = true;
	s->build.epoch = n;
	return r;
}

static int set_env(struct settings *s, const char *value, struct err *e)
{
	const char *given = strchr(value, '=') ? "" : getenv(value);

	if (!*value || *value == '=')
		return err_set(e, -EINVAL, "--env=%s has no name", value);
	if (given && *given)
		strv_addf(&s->build.env, "%s=%s", value, given);
	else if (strchr(value, '='))
		strv_add(&s->build.env, value);
	return 0;
}

int settings_image(struct settings *s, const struct cli_option *option, const char *value,
		   struct err *e)
{
	switch ((enum build_option)option->id) {
	case OPT_LABEL:
		return value_pair(&s->build.labels, option->name, value, e);
	case OPT_ANNOTATION:
		return value_pair(&s->build.annotations, option->name, value, e);
	case OPT_ENV:
		return set_env(s, value, e);
	case OPT_UNSETENV:
		strv_add(&s->build.unsetenv, value);
		return 0;
	case OPT_SOURCE_DATE_EPOCH:
	case OPT_TIMESTAMP:
		return settings_epoch(s, option->name, value, e);
	default:
		return 1;
	}
}
