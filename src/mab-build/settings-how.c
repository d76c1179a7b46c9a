/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mab-build/build-options.h"

/* --pull alone is --pull=always. */
static int set_pull(struct settings *s, const char *value, struct err *e)
{
	int r = value_choose("pull", value ? value : "always",
			     "missing always newer never true false ifnewer", "", e);

	if (r < 0)
		return r;
	s->build.pull = r == 4	 ? BUILD_PULL_ALWAYS
			: r == 5 ? BUILD_PULL_MISSING
			: r == 6 ? BUILD_PULL_NEWER
				 : (enum build_pull)r;
	return 0;
}

int settings_how(struct settings *s, const struct cli_option *option, const char *value,
		 struct err *e)
{
	long long n = 0;
	int r = 0;

	switch ((enum build_option)option->id) {
	case OPT_JOBS:
		r = value_number(option->name, value, 256, &n, e);
		s->build.jobs = (unsigned)n;
		return r;
	case OPT_KEEP_GOING:
		s->build.keep_going = true;
		return 0;
	case OPT_MAX_CACHE:
		s->has_max_cache = true;
		return value_size(option->name, value, &s->max_cache, e);
	case OPT_PARTIAL:
		r = value_choose(option->name, value, "fail publish", "", e);
		s->build.partial = r == 1;
		s->build.keep_going = s->build.keep_going || r == 1;
		return r < 0 ? r : 0;
	case OPT_PULL:
		return set_pull(s, value, e);
	case OPT_CACHE_FROM:
		return settings_cache(option->name, value, false, &s->build.cache_from,
				      &s->build.ncache_from, e);
	case OPT_CACHE_TO:
		return settings_cache(option->name, value, true, &s->cache_to,
				      &s->ncache_to, e);
	case OPT_NO_CACHE:
		s->build.no_cache = true;
		return 0;
	case OPT_NO_CACHE_FILTER:
		strv_split(&s->build.no_cache_stages, value, ",");
		return 0;
	case OPT_ROOT:
		s->build.root = value;
		return 0;
	case OPT_PROGRESS:
		r = value_choose(option->name, value, "auto tty plain json quiet",
				 "rawjson", e);
		s->progress = (enum progress_mode)(r < 0 ? 0 : r);
		return r < 0 ? r : 0;
	case OPT_QUIET:
		s->progress = PROGRESS_QUIET;
		return 0;
	case OPT_TRACE:
		s->trace = value;
		return 0;
	case OPT_TIMELINE:
		s->timeline = value;
		return 0;
	case OPT_CHECK:
		s->check = true;
		return 0;
	case OPT_DRY_RUN:
		s->dry_run = true;
		return 0;
	default:
		return 1;
	}
}
