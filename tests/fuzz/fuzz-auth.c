/* SPDX-License-Identifier: MIT */

/* An auth file, and the answer of a credential helper. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registry/credentials.h"
#include "registry/helper.h"
#include "tests/fuzz/fuzz.h"

static void check(int r, const struct credentials *c, const struct err *e)
{
	AUTO_SECRET char *basic = NULL;

	if (r > 1 || (r == 1) != !!c->password || (r < 0) != !!e->text)
		abort();
	if (r < 1)
		return;
	if (!c->user)
		abort();
	basic = credentials_basic(c);
	for (const char *p = basic + strlen("Basic "); *p; p++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789+/=",
			    *p))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"h.x/a/b", "h.x:5000/a",
					    "docker.io/library/a"};
	AUTO_CREDENTIALS struct credentials answer = {0};
	AUTO_ERR struct err why = ERR_INIT;
	const char *text = (const char *)data;

	/* The files may name helpers: none is to be found. */
	setenv("PATH", "/nonexistent", 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_CREDENTIALS struct credentials c = {0};
		AUTO_ERR struct err e = ERR_INIT;

		check(credentials_in(&c, names[i], "f", text, size, &e), &c, &e);
	}
	check(helper_parse("h", text, size, &answer, &why), &answer, &why);
	return 0;
}
