/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The files of /usr/share/binfmts, which update-binfmts(8) imports: one entry each,
 * called like the file, in lines of a key and a value. They can say less than the kernel,
 * and with a `detector` also more.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "binfmt/entry.h"

/* Whether a text is such a file: its first line starts with one of the keys. */
bool binfmt_debian_recognise(const char *text, size_t len);

/*
 * Reads one, in whole or not at all; the entry, which the caller owns, is valid. file is
 * for messages. -EOPNOTSUPP for an entry that only update-binfmts can serve.
 */
int binfmt_debian_parse(struct binfmt_entry *entry, const char *name, const char *file,
			const char *text, size_t len, struct err *e);

/*
 * Writes one; s is replaced. package is whose entry update-binfmts is to take it for.
 * -EOPNOTSUPP for what the form cannot say, or update-binfmts would garble.
 */
int binfmt_debian_format(const struct binfmt_entry *entry, const char *package,
			 struct strbuf *s, struct err *e);
