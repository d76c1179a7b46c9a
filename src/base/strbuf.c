/* SPDX-License-Identifier: MIT */
#include "base/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

char strbuf_empty[1];

char *strbuf_grow(struct strbuf *s, size_t n)
{
	size_t need = s->len + n + 1;

	if (need < n)
		abort();
	if (need > s->size) {
		size_t size = s->size ? s->size : 64;

		while (size < need)
			size = size > SIZE_MAX / 2 ? need : size * 2;
		s->data = xrealloc(s->size ? s->data : NULL, size, 1);
		s->size = size;
	}
	s->data[s->len + n] = '\0';
	return s->data + s->len;
}

void strbuf_add(struct strbuf *s, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(strbuf_grow(s, n), bytes, n);
	s->len += n;
}

void strbuf_adds(struct strbuf *s, const char *string)
{
	strbuf_add(s, string, strlen(string));
}

void strbuf_addc(struct strbuf *s, char c)
{
	strbuf_add(s, &c, 1);
}

void strbuf_vaddf(struct strbuf *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		abort();
	(void)vsnprintf(strbuf_grow(s, (size_t)n), (size_t)n + 1, fmt, again);
	va_end(again);
	s->len += (size_t)n;
}

void strbuf_addf(struct strbuf *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(s, fmt, ap);
	va_end(ap);
}

void strbuf_trim(struct strbuf *s, size_t len)
{
	if (len >= s->len)
		return;
	s->len = len;
	s->data[len] = '\0';
}

char *strbuf_take(struct strbuf *s)
{
	char *data = s->size ? s->data : xstrdup("");

	*s = (struct strbuf)STRBUF_INIT;
	return data;
}

void strbuf_free(struct strbuf *s)
{
	if (s->size)
		free(s->data);
	*s = (struct strbuf)STRBUF_INIT;
}

/* Not of <ctype.h>: what it does hangs on the locale. */
void str_upper(char *s)
{
	for (; *s; s++)
		if (*s >= 'a' && *s <= 'z')
			*s = (char)(*s - 'a' + 'A');
}

void str_lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}
