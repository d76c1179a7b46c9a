/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Instructions as text in a form that does not change: for tests and for people who want
 * to see how a file was understood. One line per part, each with its place.
 */

#include "base/strbuf.h"
#include "dockerfile/ast.h"

/* The whole file: directives, then stages with their instructions. */
void dockerfile_print(const struct dockerfile *d, struct strbuf *out);

void dockerfile_print_instruction(const struct dockerfile_instruction *i,
				  struct strbuf *out);

/* In double quotes; control characters, quotes and backslashes escaped as in C. */
void dockerfile_print_string(const char *s, struct strbuf *out);
