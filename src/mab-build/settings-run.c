/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mab-build/build-options.h"

static int set_isolation(struct settings *s, const char *value, struct err *e)
{
	int r;

	if (strncmp(value, "oci:", 4) == 0 && value[4]) {
		s->build.runtime = value + 4;
		return 0;
	}
	r = value_choose("isolation", value, "namespaces oci", "chroot rootless", e);
	s->build.runtime = r == 1 ? "crun" : NULL;
	return r;
}

int settings_run(struct settings *s, const struct cli_option *option, const char *value,
		 struct err *e)
{
	int r;

	switch ((enum build_option)option->id) {
	case OPT_NETWORK:
		r = value_choose(option->name, value, "host none default",
				 "bridge private", e);
		s->build.network = r == 1 ? RUN_NETWORK_NONE : RUN_NETWORK_HOST;
		return r < 0 ? r : 0;
	case OPT_HANDLERS:
		r = value_choose(option->name, value, "auto private host", "", e);
		s->build.handlers = (enum build_handlers)(r < 0 ? 0 : r);
		return r < 0 ? r : 0;
	case OPT_ISOLATION:
		return set_isolation(s, value, e);
	default:
		return 1;
	}
}
