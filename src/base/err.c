/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

static char *vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static char *vformat(const char *fmt, va_list ap)
{
	struct strbuf s = STRBUF_INIT;

	strbuf_vaddf(&s, fmt, ap);
	return strbuf_take(&s);
}

static void replace(struct err *e, int code, char *text)
{
	err_free(e);
	e->code = code;
	e->text = text;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	replace(e, code, vformat(fmt, ap));
	va_end(ap);
	return code;
}

int err_sys(struct err *e, int code, const char *fmt, ...)
{
	AUTO_FREE char *what = NULL;
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	what = vformat(fmt, ap);
	va_end(ap);
	replace(e, code, xasprintf("%s: %s", what, strerror(-code)));
	return code;
}

int err_at(struct err *e, int code, const char *file, unsigned line, unsigned column,
	   const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	replace(e, code, vformat(fmt, ap));
	va_end(ap);
	e->file = xstrdup(file);
	e->line = line;
	e->column = column;
	return code;
}

int err_wrap(struct err *e, int code, const char *fmt, ...)
{
	AUTO_FREE char *context = NULL;
	AUTO_FREE char *message = NULL;
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	context = vformat(fmt, ap);
	va_end(ap);
	if (!e->code)
		e->code = code;
	message = err_message(e);
	replace(e, code, xasprintf("%s: %s", context, message));
	return code;
}

char *err_message(const struct err *e)
{
	const char *text = e->text ? e->text : strerror(-e->code);

	if (!e->file)
		return xstrdup(text);
	if (!e->line)
		return xasprintf("%s: %s", e->file, text);
	if (!e->column)
		return xasprintf("%s:%u: %s", e->file, e->line, text);
	return xasprintf("%s:%u:%u: %s", e->file, e->line, e->column, text);
}

void err_free(struct err *e)
{
	if (!e)
		return;
	free(e->text);
	free(e->file);
	*e = (struct err)ERR_INIT;
}
