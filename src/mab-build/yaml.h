/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writing YAML (yaml.org/spec/1.2.2) in block style for people and for every version of
 * the language: a value is quoted unless it can be nothing but a string. CI systems
 * replace expressions in what they read; a value is protected from that, too.
 */

#include <stdbool.h>

#include "base/strbuf.h"
#include "base/strv.h"

/* What the reader replaces. */
enum yaml_expansion {
	YAML_NOTHING,
	/* `${NAME}` anywhere in the text, before it is parsed; `$$` is `$` and `\` may be
	   doubled (github.com/drone/envsubst) */
	YAML_DRONE,
	YAML_GITHUB, /* `${{ … }}` in values */
};

struct yaml {
	struct strbuf text;
	enum yaml_expansion expansion;
	unsigned depth;
	bool begins; /* the next line is the first of an element of a list */
};

#define YAML_INIT(kind)                                                                  \
	{                                                                                \
		STRBUF_INIT, (kind), 0, false                                            \
	}

/* `# text`, folded at 80 columns; what is not printable becomes `?`. */
void yaml_comment(struct yaml *y, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* An empty line, and one that begins another document. */
void yaml_blank(struct yaml *y);
void yaml_document(struct yaml *y);

/* `key:` and what follows, one level deeper, until the yaml_close(). */
void yaml_open(struct yaml *y, const char *key);

/* The same for an element of a list, which is a map. */
void yaml_open_element(struct yaml *y);
void yaml_close(struct yaml *y);

/* Values are UTF-8. */
void yaml_set(struct yaml *y, const char *key, const char *value);
void yaml_add(struct yaml *y, const char *value);

/* The value as it is: expressions, numbers, true; the caller knows that it is one. */
void yaml_set_raw(struct yaml *y, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void yaml_add_raw(struct yaml *y, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Lines as they are, in a `|` block; the text ends with a newline. */
void yaml_set_lines(struct yaml *y, const char *key, const char *lines);

void yaml_free(struct yaml *y);

#define AUTO_YAML CLEAN(yaml_free)
