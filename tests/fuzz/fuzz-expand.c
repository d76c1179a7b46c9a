/* SPDX-License-Identifier: MIT */

/* Any word, expanded in each of the ways there are. The first byte chooses. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dockerfile/expand.h"
#include "tests/fuzz/fuzz.h"

static const char *const values[][2] = {
	{"a", "one"},	       {"b", "two words"}, {"empty", ""},
	{"p", "a/b/c.tar.gz"}, {"u", "\xc3\xa9x"}, {"l", "x\ny"},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_VARS struct dockerfile_vars vars = {0};
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_STRV struct strv missing = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *word = NULL;
	AUTO_FREE char *text = NULL;
	struct dockerfile_expand x = {.vars = &vars, .missing = &missing};
	int r;

	if (size == 0)
		return 0;
	x.escape = *data & 1 ? '`' : '\\';
	x.keep_quotes = *data & 2;
	x.keep_escapes = *data & 4;
	x.ignore_quotes = *data & 8;
	x.keep_unset = *data & 16;
	for (size_t k = 0; k < ARRAY_SIZE(values); k++)
		dockerfile_vars_set(&vars, values[k][0], values[k][1]);
	word = xcalloc(size, 1);
	memcpy(word, data + 1, size - 1);
	r = dockerfile_expand(&x, word, &text, &e);
	if (r < 0 && (!e.text || e.code != r))
		abort();
	if (r < 0)
		text = NULL;
	/* Both ways of asking agree on what is wrong. */
	if (dockerfile_expand_split(&x, word, &words, NULL) != r)
		abort();
	return 0;
}
