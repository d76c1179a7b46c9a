/* SPDX-License-Identifier: MIT */
#include "mab-build/build-settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mab-build/build-options.h"

int settings_set(void *settings, const struct cli_option *option, const char *value,
		 struct err *e)
{
	static int (*const groups[])(struct settings *, const struct cli_option *,
				     const char *, struct err *) = {
		settings_source, settings_image, settings_output,
		settings_run,	 settings_how,
	};
	struct settings *s = settings;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		int r = groups[i](s, option, value, e);

		if (r != 1)
			return r;
	}
	return remote_set(&s->remote, option, value, e);
}

/* From an option, a build argument or the environment: an ARG gets it in any case. */
static int take_epoch(struct settings *s, struct err *e)
{
	static const char name[] = "SOURCE_DATE_EPOCH";
	const char *given = dockerfile_vars_get(&s->build.build_args, name);
	const char *epoch = given ? given : getenv(name);
	AUTO_FREE char *seconds = NULL;
	int r = 0;

	if (!s->build.has_epoch && epoch && *epoch)
		r = settings_epoch(s, "source-date-epoch", epoch, e);
	if (r < 0 || given || !s->build.has_epoch)
		return r;
	seconds = xasprintf("%lld", (long long)s->build.epoch);
	dockerfile_vars_set(&s->build.build_args, name, seconds);
	return 0;
}

int settings_take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;
	int r;

	if (n > 1)
		return err_set(e, -EINVAL, "there is one context, not also '%s'",
			       words[1]);
	s->context = n ? words[0] : ".";
	if (s->push && !s->tags.n)
		return err_set(e, -EINVAL, "--push needs a name: add --tag");
	s->build.registry = remote_settings(&s->remote);
	r = settings_outputs(s, e);
	if (r == 0)
		r = settings_run_take(s, e);
	if (!s->build.root)
		s->build.root = getenv("MAB_BUILD_ROOT");
	if (r == 0)
		r = take_epoch(s, e);
	return r < 0 ? r : settings_forms(s, e);
}

void settings_free(void *settings)
{
	struct settings *s = settings;

	for (size_t i = 0; i < s->noutputs; i++) {
		free(s->outputs[i].dest);
		free(s->outputs[i].name);
	}
	free(s->outputs);
	settings_cache_free(s->build.cache_from, s->build.ncache_from);
	settings_cache_free(s->cache_to, s->ncache_to);
	strv_free(&s->tags);
	strv_free(&s->contexts);
	strv_free(&s->build.platforms);
	dockerfile_vars_free(&s->build.build_args);
	oci_map_free(&s->build.labels);
	annotations_free(&s->annotations);
	strv_free(&s->build.env);
	strv_free(&s->build.unsetenv);
	strv_free(&s->build.no_cache_stages);
	settings_run_free(s);
	remote_free(&s->remote);
}
