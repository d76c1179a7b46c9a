/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * `inspect --format`: text with values in it, the part of Go's templates that names
 * values: {{.A}}, {{.A.B}}, {{json .A}}, {{json .}} and {{index .A "key"}}. In the text,
 * \n and \t are what they are in C. A label that is not there is empty.
 */

#include "base/strbuf.h"
#include "cli/output.h"

/* Appends what the template makes of an object; the failure names the wrong part. */
int template_fill(const char *template, const struct cli_json *object, struct strbuf *out,
		  struct err *e);
