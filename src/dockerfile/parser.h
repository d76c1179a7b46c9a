/* SPDX-License-Identifier: MIT */
#pragma once

/* From the text of a Dockerfile to its instructions. */

#include "base/err.h"
#include "dockerfile/ast.h"

/* Longer files are refused. */
enum { DOCKERFILE_SIZE_MAX = 1 << 20 };

/*
 * Parses a whole file; `file` names it in messages. On success d is to be released with
 * dockerfile_free(); on failure (-EINVAL, -EFBIG) it is empty and e has line and column.
 */
int dockerfile_parse(struct dockerfile *d, const char *file, const char *text, size_t len,
		     struct err *e);

/*
 * Parses one instruction that a base image carries in its ONBUILD list. d then holds just
 * that instruction and no stage.
 */
int dockerfile_parse_trigger(struct dockerfile *d, const char *file, const char *text,
			     struct err *e);

/*
 * The message of a failure followed by the line of text it is about and a caret, lines
 * separated by newlines, none at the end; owned by the caller. Just the message when the
 * failure is not at a place in the text. Control characters of the line are shown as `?`.
 */
char *dockerfile_error_show(const struct err *e, const char *text, size_t len);
