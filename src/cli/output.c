/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

void cli_message(const char *program, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_addf(&s, "%s: ", program);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	strbuf_addc(&s, '\n');
	/* One write, so that lines of several processes do not mix. */
	fwrite(s.data, 1, s.len, stderr);
}

void cli_line(FILE *out, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < s.len; i++)
		if (iscntrl((unsigned char)s.data[i]))
			s.data[i] = '?';
	fprintf(out, "%s\n", s.data);
}

/* struct cli_json is jansson's json_t under a name that does not tie callers to it. */
static struct cli_json *wrap(json_t *j)
{
	if (!j)
		abort();
	return (struct cli_json *)j;
}

static json_t *unwrap(struct cli_json *j)
{
	return (json_t *)j;
}

/* jansson's getters take what they do not change as not const. */
static json_t *look_into(const struct cli_json *j)
{
	return (json_t *)(uintptr_t)j;
}

/* Every byte as the character of that number. */
static char *from_latin(const char *s)
{
	struct strbuf utf8 = STRBUF_INIT;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x80) {
			strbuf_addc(&utf8, *s);
		} else {
			strbuf_addc(&utf8, (char)(0xc0 | c >> 6));
			strbuf_addc(&utf8, (char)(0x80 | (c & 0x3f)));
		}
	}
	return strbuf_take(&utf8);
}

/* Names of files and entries may be any bytes; JSON text must be UTF-8. */
static json_t *string(const char *s)
{
	AUTO_FREE char *latin = NULL;
	json_t *j = json_string(s);

	if (j)
		return j;
	latin = from_latin(s);
	return json_string(latin);
}

char *cli_utf8(const char *s)
{
	json_t *j = json_string(s);
	bool valid = j;

	json_decref(j);
	return valid ? xstrdup(s) : from_latin(s);
}

struct cli_json *cli_json_object(void)
{
	return wrap(json_object());
}

struct cli_json *cli_json_array(void)
{
	return wrap(json_array());
}

void cli_json_set(struct cli_json *object, const char *key, struct cli_json *value)
{
	if (json_object_set_new(unwrap(object), key, unwrap(value)) < 0)
		abort();
}

void cli_json_set_string(struct cli_json *object, const char *key, const char *value)
{
	cli_json_set(object, key, wrap(string(value)));
}

void cli_json_set_bool(struct cli_json *object, const char *key, bool value)
{
	cli_json_set(object, key, wrap(json_boolean(value)));
}

void cli_json_set_number(struct cli_json *object, const char *key, long long value)
{
	cli_json_set(object, key, wrap(json_integer(value)));
}

void cli_json_set_strings(struct cli_json *object, const char *key,
			  const struct strv *values)
{
	struct cli_json *array = cli_json_array();

	for (size_t i = 0; i < values->n; i++)
		cli_json_add(array, wrap(string(values->v[i])));
	cli_json_set(object, key, array);
}

void cli_json_add(struct cli_json *array, struct cli_json *value)
{
	if (json_array_append_new(unwrap(array), unwrap(value)) < 0)
		abort();
}

void cli_json_add_number(struct cli_json *array, long long value)
{
	cli_json_add(array, wrap(json_integer(value)));
}

const struct cli_json *cli_json_get(const struct cli_json *object, const char *key)
{
	return (const struct cli_json *)json_object_get(look_into(object), key);
}

bool cli_json_is_object(const struct cli_json *value)
{
	return json_is_object(look_into(value));
}

void cli_json_names(const struct cli_json *object, struct strv *names)
{
	const char *name;
	json_t *value;

	json_object_foreach(look_into(object), name, value) strv_add(names, name);
}

static void append_go(const struct cli_json *value, struct strbuf *out)
{
	AUTO_STRV struct strv names = STRV_INIT;
	json_t *j = look_into(value), *item;
	AUTO_FREE char *text = NULL;
	size_t i;

	if (json_is_string(j)) {
		strbuf_adds(out, json_string_value(j));
	} else if (json_is_array(j)) {
		strbuf_addc(out, '[');
		json_array_foreach(j, i, item)
		{
			strbuf_adds(out, i ? " " : "");
			append_go((struct cli_json *)item, out);
		}
		strbuf_addc(out, ']');
	} else if (json_is_object(j)) {
		cli_json_names(value, &names);
		strv_sort(&names);
		strbuf_adds(out, "map[");
		for (i = 0; i < names.n; i++) {
			strbuf_addf(out, "%s%s:", i ? " " : "", names.v[i]);
			append_go(cli_json_get(value, names.v[i]), out);
		}
		strbuf_addc(out, ']');
	} else {
		text = json_dumps(j, JSON_ENCODE_ANY);
		strbuf_adds(out, text ? text : "");
	}
}

void cli_json_append(const struct cli_json *value, enum cli_json_form form,
		     struct strbuf *out)
{
	AUTO_FREE char *text = NULL;

	if (form == CLI_JSON_GO) {
		append_go(value, out);
		return;
	}
	text = json_dumps(look_into(value), JSON_ENCODE_ANY | JSON_COMPACT);
	if (!text)
		abort();
	strbuf_adds(out, text);
}

int cli_json_read_strings(const char *text, struct strv *out, struct err *e)
{
	json_error_t why;
	json_t *array = json_loads(text, 0, &why), *value;
	size_t i;

	if (!array)
		return err_set(e, -EINVAL, "not JSON, at column %d: %s", why.column,
			       why.text);
	json_array_foreach(array, i, value)
	{
		if (!json_is_string(value)) {
			json_decref(array);
			return err_set(e, -EINVAL, "item %zu of the list is no string",
				       i + 1);
		}
		strv_add(out, json_string_value(value));
	}
	json_decref(array);
	return 0;
}

void cli_json_print(struct cli_json *value, FILE *out)
{
	(void)json_dumpf(unwrap(value), out, JSON_INDENT(2)); /* ferror() keeps it */
	fputc('\n', out);
	json_decref(unwrap(value));
}

void cli_json_print_line(struct cli_json *value, FILE *out)
{
	(void)json_dumpf(unwrap(value), out, JSON_COMPACT); /* ferror() keeps it */
	fputc('\n', out);
	json_decref(unwrap(value));
}

void cli_json_free(struct cli_json *value)
{
	json_decref(unwrap(value));
}

static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

void cli_table_row(struct cli_table *t, const char *const *cells)
{
	for (size_t i = 0; i < t->columns; i++)
		strv_add(&t->cells, cells[i] ? cells[i] : "");
}

void cli_table_print(const struct cli_table *t, FILE *out)
{
	bool bold = isatty(fileno(out)) && !getenv("NO_COLOR");

	for (size_t row = 0; row < t->cells.n; row += t->columns) {
		if (row == 0 && bold)
			fputs("\033[1m", out);
		for (size_t i = 0; i < t->columns; i++) {
			const char *cell = t->cells.v[row + i];
			size_t widest = 0;

			for (size_t k = i; k < t->cells.n; k += t->columns)
				if (width(t->cells.v[k]) > widest)
					widest = width(t->cells.v[k]);
			fputs(cell, out);
			if (i + 1 < t->columns)
				fprintf(out, "%*s", (int)(widest - width(cell) + 2), "");
		}
		if (row == 0 && bold)
			fputs("\033[0m", out);
		fputc('\n', out);
	}
}

void cli_table_free(struct cli_table *t)
{
	strv_free(&t->cells);
}
