/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * TOML 1.0, as far as configuration files of container tools use it: tables and arrays of
 * them, dotted keys, strings on one line, whole decimal numbers, booleans, arrays, inline
 * tables. Fractions, dates and strings over several lines are refused by name.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum toml_kind { TOML_STRING, TOML_BOOLEAN, TOML_INTEGER, TOML_ARRAY, TOML_TABLE };

struct toml {
	enum toml_kind kind;
	char *key;	       /* in a table; else NULL */
	unsigned line, column; /* of the value, or of a table's heading */
	char *string;	       /* without NUL inside */
	bool boolean;
	long long integer;
	struct toml *items; /* of an array or a table, in order */
	size_t n;
	bool defined; /* a table with a heading of its own, which may not come again */
	bool closed;  /* written as a value: nothing is added later */
};

/*
 * file names the text in messages. On failure the position is set in e; root is to be
 * released in any case.
 */
int toml_parse(struct toml *root, const char *file, const char *text, size_t len,
	       struct err *e);

/* What a kind is called in messages: "a string". */
const char *toml_kind_name(enum toml_kind kind);

void toml_free(struct toml *root);

#define AUTO_TOML CLEAN(toml_free)
