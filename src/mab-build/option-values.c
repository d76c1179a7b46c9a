/* SPDX-License-Identifier: MIT */
#include "mab-build/option-values.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "oci/reference.h"

int value_number(const char *option, const char *value, long long max, long long *n,
		 struct err *e)
{
	char *end;

	errno = 0;
	*n = strtoll(value, &end, 10);
	if (errno || *end || end == value || *n < 0 || *n > max)
		return err_set(e, -EINVAL, "--%s=%s is not a number from 0 to %lld",
			       option, value, max);
	return 0;
}

int value_size(const char *option, const char *value, uint64_t *bytes, struct err *e)
{
	static const char units[] = "bkmgt";
	const char *unit = units, *rest;
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	rest = end;
	if (*rest)
		unit = strchr(units, tolower((unsigned char)*rest++));
	/* MB and MiB are what M is. */
	if (unit && unit != units && (!strcasecmp(rest, "b") || !strcasecmp(rest, "ib")))
		rest = "";
	if (!isdigit((unsigned char)*value) || errno || !unit || *rest ||
	    n > (uint64_t)INT64_MAX >> (10 * (unit - units)))
		return err_set(e, -EINVAL, "--%s=%s is not a size like 64m or 1g", option,
			       value);
	*bytes = (uint64_t)n << (10 * (unit - units));
	return 0;
}

static long long unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7LL * 86400;
	default:
		return 0;
	}
}

int value_duration(const char *option, const char *value, time_t *seconds, struct err *e)
{
	const long long max = 1000LL * 366 * 86400;
	const char *p = value;
	long long sum = 0;

	while (isdigit((unsigned char)*p) && sum <= max) {
		char *end;
		long long n = strtoll(p, &end, 10), unit = unit_seconds(*end);

		if (!unit || n > max)
			break;
		sum += n * unit;
		p = end + 1;
	}
	if (*p || p == value || sum > max)
		return err_set(e, -EINVAL,
			       "--%s=%s is not a time like 90s, 12h, 1h30m, 7d or 2w",
			       option, value);
	*seconds = (time_t)sum;
	return 0;
}

int value_choose(const char *option, const char *value, const char *words,
		 const char *missing, struct err *e)
{
	AUTO_STRV struct strv known = STRV_INIT, later = STRV_INIT;

	strv_split(&known, words, " ");
	strv_split(&later, missing, " ");
	for (size_t i = 0; i < known.n; i++)
		if (strcmp(known.v[i], value) == 0)
			return (int)i;
	if (strv_has(&later, value))
		return err_set(e, -EINVAL, "this version has no --%s=%s (it has: %s)",
			       option, value, words);
	return err_set(e, -EINVAL, "--%s=%s is none of: %s", option, value, words);
}

int value_bool(const char *option, const char *value, bool *flag, struct err *e)
{
	int r = value_choose(option, value, "false true 0 1", "", e);

	*flag = r == 1 || r == 3;
	return r < 0 ? r : 0;
}

int value_new_name(const char *option, const char *value, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	int r = oci_reference_parse(&ref, value, e);

	if (r < 0)
		return err_wrap(e, r, "--%s", option);
	if (ref.digest)
		return err_set(e, -EINVAL,
			       "--%s=%s: what is to be made has no digest yet", option,
			       value);
	return 0;
}

int value_pair(struct oci_map *map, const char *option, const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');
	AUTO_FREE char *name = xstrndup(value, strcspn(value, "="));

	if (!*name || !equals)
		return err_set(e, -EINVAL, "--%s=%s is not NAME=VALUE", option, value);
	oci_map_set(map, name, equals + 1);
	return 0;
}

int value_format(const char *option, const char *value, enum oci_format *format,
		 struct err *e)
{
	int r = value_choose(option, value, "oci docker v2s2", "v2s1", e);

	*format = r > 0 ? OCI_FORMAT_DOCKER : OCI_FORMAT_OCI;
	return r < 0 ? r : 0;
}
