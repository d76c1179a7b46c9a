/* SPDX-License-Identifier: MIT */
#include "mab-build/option-values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"

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

int value_pair(struct oci_map *map, const char *option, const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');
	AUTO_FREE char *name = xstrndup(value, strcspn(value, "="));

	if (!*name || !equals)
		return err_set(e, -EINVAL, "--%s=%s is not NAME=VALUE", option, value);
	oci_map_set(map, name, equals + 1);
	return 0;
}
