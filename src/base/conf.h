/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Configuration files: one `key = value` a line, blank lines, and comments that start
 * with `#` at the start of a line or after white space. Keys are letters, digits and `-`;
 * a key stands once. Values have no quoting; a list is separated by blanks.
 *
 * A set of such files comes from texts built into the program and from folders: a file
 * `NAME.conf` in a later folder replaces the one of the same name as a whole, and an
 * empty one (or a link to /dev/null) masks it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"

struct conf_item {
	char *key;
	char *value;
	unsigned line;
	unsigned column; /* of the value */
};

struct conf {
	char *file; /* for messages */
	struct conf_item *items;
	size_t n;
};

/* file names the text in messages. Positions are set in e. */
int conf_parse(struct conf *c, const char *file, const char *text, size_t len,
	       struct err *e);

/* NULL when the key is not there. Points into c. */
const struct conf_item *conf_get(const struct conf *c, const char *key);

/* The value of a key that must be there. */
int conf_require(const struct conf *c, const char *key, const struct conf_item **item,
		 struct err *e);

/* A number (decimal, or hexadecimal after 0x) from min to max. */
int conf_number(const struct conf *c, const struct conf_item *item, const char *text,
		unsigned long min, unsigned long max, unsigned long *value,
		struct err *e);

/* Fails at the first key that is none of `known` (separated by blanks), with the nearest.
 */
int conf_check_keys(const struct conf *c, const char *known, struct err *e);

/* Fails at an item, with its file, line and column. */
int conf_error(const struct conf *c, const struct conf_item *item, struct err *e,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

void conf_free(struct conf *c);

#define AUTO_CONF CLEAN(conf_free)

/* A text built into the program: name is the file's name without `.conf`. */
struct conf_text {
	const char *name;
	const char *text;
};

/* One file of a set: name is the file's name without `.conf`, owned like the rest. */
struct conf_file {
	char *name;
	struct conf conf;
};

struct conf_set {
	struct conf_file *files; /* sorted by name; masked ones are left out */
	size_t n;
};

/*
 * Reads `*.conf` of folder (NULL or a missing one: none) over the built-in texts. The
 * files may have up to 64 KiB each.
 */
int conf_set_load(struct conf_set *set, const struct conf_text *texts, size_t ntexts,
		  const char *folder, struct err *e);
void conf_set_free(struct conf_set *set);

#define AUTO_CONF_SET CLEAN(conf_set_free)
