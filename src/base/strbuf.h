/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A string that grows. `data` is always NUL-terminated, also when empty (then it may be a
 * constant: never write through it before adding something). Bytes may include NUL.
 */

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct strbuf {
	char *data;
	size_t len;  /* bytes without the final NUL */
	size_t size; /* bytes allocated; 0 while data is the constant */
};

extern char strbuf_empty[1];

#define STRBUF_INIT                                                                      \
	{                                                                                \
		strbuf_empty, 0, 0                                                       \
	}

void strbuf_add(struct strbuf *s, const void *bytes, size_t n);
void strbuf_adds(struct strbuf *s, const char *string);
void strbuf_addc(struct strbuf *s, char c);
void strbuf_addf(struct strbuf *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *s, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Room for n more bytes; returns where they go. The caller then adds n to len. */
char *strbuf_grow(struct strbuf *s, size_t n);

/* Shortens to len bytes, which must not be more than there are. */
void strbuf_trim(struct strbuf *s, size_t len);

/* The string, now owned by the caller; the buffer is empty again. */
char *strbuf_take(struct strbuf *s);

void strbuf_free(struct strbuf *s);

/* Makes the ASCII letters of any string large or small, in place. */
void str_upper(char *s);
void str_lower(char *s);

#define AUTO_STRBUF CLEAN(strbuf_free)
