/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The patterns of `${v#p}` and its relatives: `*` and `?` match anything but a newline,
 * `\` escapes `*`, `?`, `\`, `/` and `}`.
 */

#include "base/err.h"
#include "base/strbuf.h"

/* Adds value without its shortest or longest beginning or end that matches. */
int dockerfile_pattern_trim(const char *pattern, const char *value, bool suffix,
			    bool longest, struct strbuf *out, struct err *e);

/* Adds value with the first match, or all of them, replaced; each as long as it gets. */
int dockerfile_pattern_replace(const char *pattern, const char *value,
			       const char *replacement, bool all, struct strbuf *out,
			       struct err *e);
