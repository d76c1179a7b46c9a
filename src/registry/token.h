/* SPDX-License-Identifier: MIT */
#pragma once

/* The answer of a token server (Docker's token authentication; RFC 6749, 5.1). */

#include <stddef.h>

#include "base/err.h"

enum { TOKEN_ANSWER_MAX = 1 << 20 }; /* bytes */

/* The token, owned by the caller, and how long it is good for. */
int token_parse(const char *text, size_t len, char **token, unsigned *seconds,
		struct err *e);
