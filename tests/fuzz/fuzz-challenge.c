/* SPDX-License-Identifier: MIT */

/* A WWW-Authenticate header, and the answer of a token server. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/error.h"
#include "registry/token.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CHALLENGES struct challenges list = {0};
	AUTO_STRBUF struct strbuf body = STRBUF_INIT;
	AUTO_FREE char *text = xcalloc(size + 1, 1), *message = NULL;
	AUTO_SECRET char *token = NULL;
	unsigned seconds = 0;

	memcpy(text, data, size);
	challenges_parse(&list, text);
	for (size_t i = 0; i < list.n; i++)
		if (!list.v[i].scheme[0])
			abort();
	if (token_parse(text, size, &token, &seconds, NULL) == 0 &&
	    (!*token || !seconds || strpbrk(token, "\r\n ")))
		abort();
	strbuf_add(&body, text, size);
	message = answer_message(&body);
	if (strpbrk(message, "\r\n\x1b"))
		abort();
	return 0;
}
