/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Register strings, `:name:type:offset:magic:mask:interpreter:flags`, and files of them:
 * binfmt.d(5) has one a line, blank lines, and comments that start with `#` or `;`.
 */

#include <stddef.h>

#include "base/err.h"
#include "binfmt/entry.h"

/* Where the reading is; start with file (for messages), text and len. */
struct binfmt_lines {
	const char *file;
	const char *text;
	size_t len;
	unsigned line; /* of the entry or failure returned last */
};

/*
 * The next entry, which the caller owns: 1, or 0 at the end. A negative errno is about
 * this line only, with its place in e: the next call goes on after it. An entry returned
 * is valid (binfmt_entry_validate).
 */
int binfmt_lines_next(struct binfmt_lines *lines, struct binfmt_entry *entry,
		      struct err *e);
