/* SPDX-License-Identifier: MIT */
#include "binfmt/register.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/bytes.h"

static const char blanks[] = " \t\r";

/* A part of a line. */
struct span {
	const char *at;
	size_t n;
};

/* One line while it is read. */
struct reader {
	const char *file;
	unsigned line;
	const char *start; /* of the line, for columns */
	struct span rest;
	char separator;
};

/* What is wrong at a place in the line; returns -EINVAL. */
#define WRONG(r, e, place, ...)                                                          \
	err_at((e), -EINVAL, (r)->file, (r)->line, (unsigned)((place) - (r)->start) + 1, \
	       __VA_ARGS__)

/* Everything up to the next separator, which the kernel wants after every field. */
static int read_field(struct reader *r, const char *what, struct span *field,
		      struct err *e)
{
	const char *end = memchr(r->rest.at, r->separator, r->rest.n);

	if (!end)
		return WRONG(r, e, r->rest.at + r->rest.n,
			     "the %s does not end with the separator '%c'", what,
			     r->separator);
	*field = (struct span){r->rest.at, (size_t)(end - r->rest.at)};
	r->rest.n -= field->n + 1;
	r->rest.at = end + 1;
	return 0;
}

static int read_bytes(const struct reader *r, const struct span *field, const char *what,
		      uint8_t *bytes, struct err *e)
{
	size_t at = 0;
	int n = binfmt_bytes_unescape(field->at, field->n, bytes, &at);

	if (n == -E2BIG)
		return WRONG(r, e, field->at + at,
			     "the %s has more than the %d bytes that the kernel looks at",
			     what, BINFMT_HEAD_SIZE);
	if (n < 0)
		return WRONG(r, e, field->at + at,
			     "two hexadecimal digits are missing after \\x");
	return n;
}

static int read_offset(const struct reader *r, const struct span *field, size_t *offset,
		       struct err *e)
{
	*offset = 0;
	for (size_t i = 0; i < field->n; i++) {
		if (field->at[i] < '0' || field->at[i] > '9' ||
		    *offset > BINFMT_HEAD_SIZE)
			return WRONG(r, e, field->at, "'%.*s' is not an offset",
				     (int)field->n, field->at);
		*offset = *offset * 10 + (size_t)(field->at[i] - '0');
	}
	return 0;
}

static int read_magic(const struct reader *r, const struct span *fields,
		      struct binfmt_entry *entry, struct err *e)
{
	const struct span *magic = &fields[1], *mask = &fields[2];
	int n = read_offset(r, &fields[0], &entry->offset, e);

	if (n == 0)
		n = read_bytes(r, magic, "magic", entry->magic, e);
	if (n < 0)
		return n;
	entry->size = (size_t)n;
	memset(entry->mask, 0xff, entry->size);
	if (mask->n == 0)
		return 0;
	n = read_bytes(r, mask, "mask", entry->mask, e);
	if (n >= 0 && (size_t)n != entry->size)
		return WRONG(r, e, mask->at, "the mask has %d bytes, the magic %zu", n,
			     entry->size);
	return n < 0 ? n : 0;
}

/* Offset, magic and mask; of an extension only the middle one counts. */
static int read_match(struct reader *r, char type, struct binfmt_entry *entry,
		      struct err *e)
{
	static const char *const what[] = {"offset", "magic", "mask"};
	struct span fields[ARRAY_SIZE(what)];

	for (size_t i = 0; i < ARRAY_SIZE(what); i++) {
		int n = read_field(r, what[i], &fields[i], e);

		if (n < 0)
			return n;
	}
	if (type == 'M')
		return read_magic(r, fields, entry, e);
	entry->extension = xstrndup(fields[1].at, fields[1].n);
	return 0;
}

static int read_flags(const struct reader *r, struct binfmt_entry *entry, struct err *e)
{
	size_t n = binfmt_entry_add_flags(entry, r->rest.at, r->rest.n);

	if (n == r->rest.n)
		return 0;
	return WRONG(r, e, r->rest.at + n, "'%c' is not a flag (there are P, O, C and F)",
		     r->rest.at[n]);
}

static int read_fields(struct reader *r, struct binfmt_entry *entry, struct err *e)
{
	struct span field, type;
	int n = read_field(r, "name", &field, e);

	if (n < 0)
		return n;
	entry->name = xstrndup(field.at, field.n);
	n = read_field(r, "type", &type, e);
	if (n < 0)
		return n;
	if (type.n != 1 || (*type.at != 'M' && *type.at != 'E'))
		return WRONG(r, e, type.at,
			     "the type is M (by magic) or E (by extension), not '%.*s'",
			     (int)type.n, type.at);
	n = read_match(r, *type.at, entry, e);
	if (n == 0)
		n = read_field(r, "interpreter", &field, e);
	if (n < 0)
		return n;
	entry->interpreter = xstrndup(field.at, field.n);
	return read_flags(r, entry, e);
}

static int read_line(struct reader *r, struct binfmt_entry *entry, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_BINFMT_ENTRY struct binfmt_entry new = {.enabled = true};
	const char *nul = memchr(r->rest.at, '\0', r->rest.n), *first = r->rest.at;
	int n;

	if (nul)
		return WRONG(r, e, nul, "a NUL byte in a text file");
	if (r->rest.n > BINFMT_REGISTER_MAX)
		return WRONG(r, e, r->rest.at + BINFMT_REGISTER_MAX,
			     "the register string has %zu bytes, the kernel takes %d",
			     r->rest.n, BINFMT_REGISTER_MAX);
	r->separator = *r->rest.at++;
	r->rest.n--;
	n = read_fields(r, &new, e);
	if (n < 0)
		return n;
	if (binfmt_entry_validate(&new, &why) < 0)
		return WRONG(r, e, first, "%s", why.text);
	*entry = new;
	new = (struct binfmt_entry){0};
	return 1;
}

/* Takes the next line off the text, without the blanks around it. */
static struct span next_line(struct binfmt_lines *lines, const char **start)
{
	const char *end = memchr(lines->text, '\n', lines->len);
	struct span line = {lines->text, end ? (size_t)(end - lines->text) : lines->len};

	*start = line.at;
	lines->line++;
	lines->text += line.n + (end != NULL);
	lines->len -= line.n + (end != NULL);
	while (line.n && line.at[line.n - 1] && strchr(blanks, line.at[line.n - 1]))
		line.n--;
	while (line.n && *line.at && strchr(blanks, *line.at)) {
		line.at++;
		line.n--;
	}
	return line;
}

int binfmt_lines_next(struct binfmt_lines *lines, struct binfmt_entry *entry,
		      struct err *e)
{
	while (lines->len) {
		struct reader r = {.file = lines->file};

		r.rest = next_line(lines, &r.start);
		r.line = lines->line;
		if (r.rest.n && *r.rest.at != '#' && *r.rest.at != ';')
			return read_line(&r, entry, e);
	}
	return 0;
}
