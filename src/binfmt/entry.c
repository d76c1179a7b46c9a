/* SPDX-License-Identifier: MIT */
#include "binfmt/entry.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/bytes.h"

/* In the order in which the kernel shows them. */
static const struct {
	char letter;
	unsigned flag;
} flag_letters[] = {
	{'P', BINFMT_PRESERVE_ARGV0},
	{'O', BINFMT_OPEN_BINARY},
	{'C', BINFMT_CREDENTIALS},
	{'F', BINFMT_FIX_BINARY},
};

void binfmt_flags_format(unsigned flags, struct strbuf *s)
{
	strbuf_trim(s, 0);
	for (size_t i = 0; i < ARRAY_SIZE(flag_letters); i++)
		if (flags & flag_letters[i].flag)
			strbuf_addc(s, flag_letters[i].letter);
}

static unsigned flag_of(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_letters); i++)
		if (letter == flag_letters[i].letter)
			return flag_letters[i].flag;
	return 0;
}

int binfmt_flags_parse(const char *letters, unsigned *flags, struct err *e)
{
	*flags = 0;
	for (; *letters; letters++) {
		unsigned flag = flag_of(*letters);

		if (!flag)
			return err_set(e, -EINVAL,
				       "unknown flag '%c' (there are P, O, C and F)",
				       *letters);
		*flags |= flag;
	}
	if (*flags & BINFMT_CREDENTIALS)
		*flags |= BINFMT_OPEN_BINARY;
	return 0;
}

static int validate_text(const char *what, const char *text, struct err *e)
{
	if (!*text)
		return err_set(e, -EINVAL, "the %s is empty", what);
	for (const char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p))
			return err_set(e, -EINVAL,
				       "the %s has a control character (0x%02x)", what,
				       (unsigned char)*p);
	return 0;
}

static int validate_name(const char *name, struct err *e)
{
	int r = validate_text("name", name, e);

	if (r < 0)
		return r;
	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, "register") == 0 || strcmp(name, "status") == 0)
		return err_set(e, -EINVAL,
			       "'%s' cannot name an entry (it becomes a file beside "
			       "`register` and `status`)",
			       name);
	if (strlen(name) > NAME_MAX)
		return err_set(e, -EINVAL, "the name is longer than %d bytes", NAME_MAX);
	return 0;
}

static int validate_match(const struct binfmt_entry *entry, struct err *e)
{
	int r;

	if (entry->extension) {
		r = validate_text("extension", entry->extension, e);
		if (r == 0 && strchr(entry->extension, '/'))
			r = err_set(e, -EINVAL, "the extension has a '/'");
		return r;
	}
	if (entry->size == 0)
		return err_set(e, -EINVAL, "the magic is empty");
	if (entry->offset > BINFMT_HEAD_SIZE ||
	    entry->size > BINFMT_HEAD_SIZE - entry->offset)
		return err_set(e, -EINVAL,
			       "offset %zu and magic of %zu bytes reach beyond the %d "
			       "bytes that the kernel looks at",
			       entry->offset, entry->size, BINFMT_HEAD_SIZE);
	return 0;
}

int binfmt_entry_validate(const struct binfmt_entry *entry, struct err *e)
{
	int r = validate_name(entry->name, e);

	if (r == 0)
		r = validate_match(entry, e);
	if (r == 0)
		r = validate_text("interpreter's path", entry->interpreter, e);
	if (r < 0)
		return r;
	if (entry->interpreter[0] != '/')
		return err_set(e, -EINVAL, "the interpreter's path '%s' is not absolute",
			       entry->interpreter);
	return 0;
}

static char find_separator(const struct binfmt_entry *entry)
{
	/* Not `#` and `;`, which start a comment in binfmt.d. */
	static const char candidates[] = ":|,!%@^~+=";

	for (const char *c = candidates; *c; c++)
		if (!strchr(entry->name, *c) && !strchr(entry->interpreter, *c) &&
		    !(entry->extension && strchr(entry->extension, *c)))
			return *c;
	return '\0';
}

bool binfmt_entry_has_full_mask(const struct binfmt_entry *entry)
{
	for (size_t i = 0; i < entry->size; i++)
		if (entry->mask[i] != 0xff)
			return false;
	return true;
}

static void add_escaped(struct strbuf *s, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_addf(s, "\\x%02x", bytes[i]);
}

int binfmt_entry_format(const struct binfmt_entry *entry, struct strbuf *s, struct err *e)
{
	AUTO_STRBUF struct strbuf flags = STRBUF_INIT;
	char sep = find_separator(entry);

	if (!sep)
		return err_set(e, -EINVAL,
			       "no separator is left that the fields do not use");
	binfmt_flags_format(entry->flags, &flags);
	strbuf_trim(s, 0);
	strbuf_addf(s, "%c%s%c%c%c", sep, entry->name, sep, entry->extension ? 'E' : 'M',
		    sep);
	if (entry->extension) {
		strbuf_addf(s, "%c%s%c", sep, entry->extension, sep);
	} else {
		if (entry->offset)
			strbuf_addf(s, "%zu", entry->offset);
		strbuf_addc(s, sep);
		add_escaped(s, entry->magic, entry->size);
		strbuf_addc(s, sep);
		if (!binfmt_entry_has_full_mask(entry))
			add_escaped(s, entry->mask, entry->size);
	}
	strbuf_addf(s, "%c%s%c%s%s", sep, entry->interpreter, sep, flags.data,
		    entry->other_flags);
	if (s->len > BINFMT_REGISTER_MAX)
		return err_set(e, -E2BIG,
			       "the register string has %zu bytes, the kernel takes %d",
			       s->len, BINFMT_REGISTER_MAX);
	return 0;
}

size_t binfmt_entry_add_flags(struct binfmt_entry *entry, const char *letters, size_t n)
{
	size_t known = strlen(entry->other_flags);

	for (size_t i = 0; i < n; i++) {
		unsigned flag = flag_of(letters[i]);

		if (!flag && (letters[i] < 'A' || letters[i] > 'Z'))
			return i;
		entry->flags |= flag;
		/* There is room for all of them: four of 26 are known. */
		if (!flag && !strchr(entry->other_flags, letters[i]))
			entry->other_flags[known++] = letters[i];
	}
	if (entry->flags & BINFMT_CREDENTIALS)
		entry->flags |= BINFMT_OPEN_BINARY;
	return n;
}

/* One line of an entry's file; lines of a kind that is not known yet are passed over. */
static int parse_shown_line(struct binfmt_entry *entry, const char *line)
{
	const char *value = strchr(line, ' ');
	int n;

	if (strcmp(line, "enabled") == 0 || strcmp(line, "disabled") == 0) {
		entry->enabled = line[0] == 'e';
		return 0;
	}
	if (!value)
		return 0;
	value++;
	if (strncmp(line, "interpreter ", 12) == 0) {
		free(entry->interpreter);
		entry->interpreter = xstrdup(value);
	} else if (strncmp(line, "flags: ", 7) == 0) {
		if (value[binfmt_entry_add_flags(entry, value, strlen(value))])
			return -EINVAL;
	} else if (strncmp(line, "extension .", 11) == 0) {
		free(entry->extension);
		entry->extension = xstrdup(value + 1);
	} else if (strncmp(line, "offset ", 7) == 0) {
		entry->offset = strtoul(value, NULL, 10);
	} else if (strncmp(line, "magic ", 6) == 0) {
		n = binfmt_bytes_hex(value, strlen(value), entry->magic);
		if (n < 0)
			return n;
		entry->size = (size_t)n;
		memset(entry->mask, 0xff, (size_t)n);
	} else if (strncmp(line, "mask ", 5) == 0) {
		n = binfmt_bytes_hex(value, strlen(value), entry->mask);
		if (n < 0 || (size_t)n != entry->size)
			return -EINVAL;
	}
	return 0;
}

int binfmt_entry_parse(struct binfmt_entry *entry, const char *name, const char *text,
		       struct err *e)
{
	unsigned number = 0;

	*entry = (struct binfmt_entry){.name = xstrdup(name)};
	while (*text) {
		size_t n = strcspn(text, "\n");
		AUTO_FREE char *line = xstrndup(text, n);

		number++;
		if (parse_shown_line(entry, line) < 0) {
			binfmt_entry_free(entry);
			return err_at(e, -EINVAL, name, number, 0,
				      "the kernel shows '%s', which this program "
				      "cannot read",
				      line);
		}
		text += n + (text[n] == '\n');
	}
	if (!number) {
		binfmt_entry_free(entry);
		return err_set(e, -EINVAL, "the kernel shows entry '%s' as empty", name);
	}
	/* One of a kind that newer kernels have is carried along, and matches nothing. */
	if (!entry->interpreter)
		entry->interpreter = xstrdup("");
	return 0;
}

static void add_hex(struct strbuf *s, const char *key, const uint8_t *bytes, size_t n)
{
	strbuf_adds(s, key);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(s, "%02x", bytes[i]);
	strbuf_addc(s, '\n');
}

void binfmt_entry_show(const struct binfmt_entry *entry, struct strbuf *s)
{
	AUTO_STRBUF struct strbuf flags = STRBUF_INIT;

	binfmt_flags_format(entry->flags, &flags);
	strbuf_trim(s, 0);
	strbuf_addf(s, "%s\ninterpreter %s\nflags: %s%s\n",
		    entry->enabled ? "enabled" : "disabled", entry->interpreter,
		    flags.data, entry->other_flags);
	if (entry->extension) {
		strbuf_addf(s, "extension .%s\n", entry->extension);
		return;
	}
	strbuf_addf(s, "offset %zu\n", entry->offset);
	add_hex(s, "magic ", entry->magic, entry->size);
	add_hex(s, "mask ", entry->mask, entry->size);
}

bool binfmt_entry_same_match(const struct binfmt_entry *a, const struct binfmt_entry *b)
{
	if (a->extension || b->extension)
		return a->extension && b->extension &&
		       strcmp(a->extension, b->extension) == 0;
	if (a->offset != b->offset || a->size != b->size ||
	    memcmp(a->mask, b->mask, a->size) != 0)
		return false;
	/* Bits outside the mask do not count. */
	for (size_t i = 0; i < a->size; i++)
		if ((a->magic[i] ^ b->magic[i]) & a->mask[i])
			return false;
	return true;
}

bool binfmt_entry_equal(const struct binfmt_entry *a, const struct binfmt_entry *b)
{
	return binfmt_entry_same_match(a, b) && a->flags == b->flags &&
	       strcmp(a->other_flags, b->other_flags) == 0 &&
	       strcmp(a->interpreter, b->interpreter) == 0;
}

bool binfmt_entry_matches(const struct binfmt_entry *entry, const void *head, size_t n)
{
	const uint8_t *bytes = head;

	if (entry->extension || entry->size == 0)
		return false;
	for (size_t i = 0; i < entry->size; i++) {
		size_t at = entry->offset + i;
		/* The kernel reads a short file into a zeroed buffer. */
		uint8_t byte = at < n ? bytes[at] : 0;

		if ((byte ^ entry->magic[i]) & entry->mask[i])
			return false;
	}
	return true;
}

void binfmt_entry_free(struct binfmt_entry *entry)
{
	free(entry->name);
	free(entry->extension);
	free(entry->interpreter);
	*entry = (struct binfmt_entry){0};
}
