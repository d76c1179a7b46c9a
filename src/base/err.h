/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A failure in words. A function that can fail returns 0 or a negative errno and, where
 * that number alone does not tell a person what to do, takes a last `struct err *e`. The
 * caller owns it, starts it as ERR_INIT and releases it with err_free(); NULL is allowed
 * everywhere and means "the number is enough". It is untouched on success.
 *
 * Every setter returns the code it was given, so that `return err_set(e, -EINVAL, …)`
 * reads as one step.
 */

#include "base/cleanup.h"

struct err {
	int code;	 /* negative errno; 0 while nothing failed */
	char *text;	 /* owned; one line, no final full stop or newline */
	char *file;	 /* owned; NULL when the failure is not in a file */
	unsigned line;	 /* 1-based; 0 when not known */
	unsigned column; /* 1-based, in bytes; 0 when not known */
};

#define ERR_INIT                                                                         \
	{                                                                                \
		0, NULL, NULL, 0, 0                                                      \
	}

/* Sets the text, replacing what was there. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, followed by ": " and what the system says of the code. */
int err_sys(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, at a place in a file; line and column may be 0. */
int err_at(struct err *e, int code, const char *file, unsigned line, unsigned column,
	   const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* Puts context and ": " before the text on the way up; code replaces the old code. */
int err_wrap(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The whole message, `file:line:column: text`, owned by the caller. Where no text was
 * set, what the system says of the code.
 */
char *err_message(const struct err *e);

/* Releases and empties; NULL is allowed. */
void err_free(struct err *e);

#define AUTO_ERR CLEAN(err_free)
