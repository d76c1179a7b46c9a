/* SPDX-License-Identifier: MIT */
#include "registry/token.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/alloc.h"

enum {
	SECONDS_DEFAULT = 60,
	SECONDS_MAX = 24 * 3600,
};

/* It becomes part of a header. */
static bool is_usable(const char *token)
{
	if (!token || !*token)
		return false;
	for (; *token; token++)
		if (!isgraph((unsigned char)*token))
			return false;
	return true;
}

int token_parse(const char *text, size_t len, char **token, unsigned *seconds,
		struct err *e)
{
	json_t *root = json_loadb(text, len, 0, NULL);
	const char *value = json_string_value(json_object_get(root, "token"));
	json_int_t expires = json_integer_value(json_object_get(root, "expires_in"));
	int r = 0;

	if (!value || !*value)
		value = json_string_value(json_object_get(root, "access_token"));
	if (is_usable(value))
		*token = xstrdup(value);
	else
		r = err_set(e, -EINVAL, "the answer of the token server has no token");
	*seconds = expires <= 0		   ? SECONDS_DEFAULT
		   : expires > SECONDS_MAX ? SECONDS_MAX
					   : (unsigned)expires;
	json_decref(root);
	return r;
}
