/* SPDX-License-Identifier: MIT */
#pragma once

/* What a program says: values and tables on stdout, messages on stderr. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "base/strv.h"

/* `program: text` and a newline on stderr. */
void cli_message(const char *program, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A line of text, the newline added. Control characters, which the contents and names of
 * files may bring to a terminal, become `?`.
 */
void cli_line(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The text if it is UTF-8, else its bytes read as Latin-1; the caller's. */
char *cli_utf8(const char *s);

/* A value that is printed as JSON (RFC 8259); the holder owns it. */
struct cli_json;

struct cli_json *cli_json_object(void);
struct cli_json *cli_json_array(void);

/* Set a member of an object. What is put in becomes part of the object. */
void cli_json_set(struct cli_json *object, const char *key, struct cli_json *value);
void cli_json_set_string(struct cli_json *object, const char *key, const char *value);
void cli_json_set_bool(struct cli_json *object, const char *key, bool value);
void cli_json_set_number(struct cli_json *object, const char *key, long long value);
void cli_json_set_strings(struct cli_json *object, const char *key,
			  const struct strv *values);

/* Adds to an array. */
void cli_json_add(struct cli_json *array, struct cli_json *value);
void cli_json_add_number(struct cli_json *array, long long value);

/* A member, part of the object; NULL where there is none, or the value is no object. */
const struct cli_json *cli_json_get(const struct cli_json *object, const char *key);

bool cli_json_is_object(const struct cli_json *value);

/* The names of an object's members; none for other values. */
void cli_json_names(const struct cli_json *object, struct strv *names);

/*
 * Appends it to a text: as JSON without blanks, or as Go's %v, which has strings bare,
 * lists as [a b] and objects, sorted, as map[a:1 b:2].
 */
enum cli_json_form { CLI_JSON_COMPACT, CLI_JSON_GO };

void cli_json_append(const struct cli_json *value, enum cli_json_form form,
		     struct strbuf *out);

/* Reads a JSON list of strings and adds them. */
int cli_json_read_strings(const char *text, struct strv *out, struct err *e);

/* Indented, in order of insertion, with a final newline; then releases it. */
void cli_json_print(struct cli_json *value, FILE *out);

/* The same on one line. */
void cli_json_print_line(struct cli_json *value, FILE *out);

/* Releases one that is not printed. */
void cli_json_free(struct cli_json *value);

/*
 * A table of text columns. The cells of a row are copied; NULL is an empty cell. Widths
 * are those of the longest cell, counted in characters of UTF-8; the last column is not
 * padded. On a terminal the heading is bold.
 */
struct cli_table {
	size_t columns;
	struct strv cells;
};

void cli_table_row(struct cli_table *t, const char *const *cells);
void cli_table_print(const struct cli_table *t, FILE *out);
void cli_table_free(struct cli_table *t);

#define AUTO_TABLE CLEAN(cli_table_free)
