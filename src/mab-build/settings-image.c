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

static int set_compression(struct settings *s, const char *value, struct err *e)
{
	static const enum layer_compression forms[] = {LAYER_GZIP, LAYER_ZSTD,
						       LAYER_PLAIN};
	int r = value_choose("compression", value, "gzip zstd uncompressed",
			     "estargz zstd:chunked", e);

	if (r >= 0)
		s->build.compression = forms[r];
	return r < 0 ? r : 0;
}

/* The usual level is the same as none, so that it gives the same layers. */
static int check_level(struct settings *s, struct err *e)
{
	int min, max, usual;

	if (!s->level)
		return 0;
	layer_compression_levels(s->build.compression, &min, &max, &usual);
	if (!max)
		return err_set(e, -EINVAL,
			       "--compression-level is of no use without compression");
	if (s->level < min || s->level > max)
		return err_set(e, -EINVAL,
			       "--compression-level=%d is not a number from %d to %d",
			       s->level, min, max);
	s->build.level = s->level == usual ? 0 : s->level;
	return 0;
}

static int check_annotations(const struct settings *s, struct err *e)
{
	if (s->annotations.n && s->build.format == OCI_FORMAT_DOCKER)
		return err_set(e, -EINVAL,
			       "Docker's format has no annotations: leave out "
			       "--annotation, or --format");
	if (annotations_have(&s->annotations, BUILD_ANNOTATE_INDEX) &&
	    s->build.platforms.n < 2 && !s->build.all_platforms)
		return err_set(e, -EINVAL,
			       "an image of one platform has no index to annotate");
	return 0;
}

int settings_forms(struct settings *s, struct err *e)
{
	int r = check_level(s, e);

	if (r == 0)
		r = check_annotations(s, e);
	if (r < 0)
		return r;
	if (s->build.format == OCI_FORMAT_DOCKER && s->build.compression == LAYER_ZSTD)
		return err_set(e, -EINVAL,
			       "Docker's format has no layers compressed with zstd: "
			       "leave out --compression, or --format");
	if (s->rewrite_timestamp && !s->build.has_epoch)
		return err_set(e, -EINVAL,
			       "--rewrite-timestamp needs a time: add "
			       "--source-date-epoch");
	s->build.annotations = s->annotations.v;
	s->build.nannotations = s->annotations.n;
	return 0;
}

int settings_image(struct settings *s, const struct cli_option *option, const char *value,
		   struct err *e)
{
	long long n = 0;
	int r;

	switch ((enum build_option)option->id) {
	case OPT_LABEL:
		return value_pair(&s->build.labels, option->name, value, e);
	case OPT_ANNOTATION:
		return annotations_add(&s->annotations, value, e);
	case OPT_ENV:
		return set_env(s, value, e);
	case OPT_UNSETENV:
		strv_add(&s->build.unsetenv, value);
		return 0;
	case OPT_FORMAT:
		return value_format(option->name, value, &s->build.format, e);
	case OPT_COMPRESSION:
		return set_compression(s, value, e);
	case OPT_COMPRESSION_LEVEL:
		r = value_number(option->name, value, 22, &n, e);
		s->level = (int)n;
		return r;
	case OPT_SQUASH:
		s->build.squash = true;
		return 0;
	case OPT_REWRITE_TIMESTAMP:
		s->rewrite_timestamp = true;
		return 0;
	case OPT_SOURCE_DATE_EPOCH:
	case OPT_TIMESTAMP:
		return settings_epoch(s, option->name, value, e);
	default:
		return 1;
	}
}
