/* SPDX-License-Identifier: MIT */
#include "binfmt/debian.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/bytes.h"

enum key {
	KEY_PACKAGE,
	KEY_INTERPRETER,
	KEY_MAGIC,
	KEY_OFFSET,
	KEY_MASK,
	KEY_EXTENSION,
	KEY_DETECTOR,
	KEY_CREDENTIALS,
	KEY_PRESERVE,
	KEY_FIX_BINARY,
	KEY_COUNT,
};

static const char *const key_names[KEY_COUNT] = {
	[KEY_PACKAGE] = "package",   [KEY_INTERPRETER] = "interpreter",
	[KEY_MAGIC] = "magic",	     [KEY_OFFSET] = "offset",
	[KEY_MASK] = "mask",	     [KEY_EXTENSION] = "extension",
	[KEY_DETECTOR] = "detector", [KEY_CREDENTIALS] = "credentials",
	[KEY_PRESERVE] = "preserve", [KEY_FIX_BINARY] = "fix_binary",
};

/* A value and where it stands; at NULL: the key is not there, or has no value. */
struct value {
	const char *at;
	size_t n;
	unsigned line, column;
};

struct reader {
	const char *file;
	struct value values[KEY_COUNT];
};

#define WRONG(r, e, v, ...)                                                              \
	err_at((e), -EINVAL, (r)->file, (v)->line, (v)->column, __VA_ARGS__)

static const char space[] = " \t\n\v\f\r";

static bool is_space(char c)
{
	return c && strchr(space, c);
}

static enum key find_key(const char *word, size_t n)
{
	enum key k = KEY_PACKAGE;

	while (k < KEY_COUNT &&
	       !(strlen(key_names[k]) == n && strncasecmp(key_names[k], word, n) == 0))
		k++;
	return k;
}

static size_t word_length(const char *line, size_t n)
{
	size_t i = 0;

	while (i < n && !is_space(line[i]))
		i++;
	return i;
}

static size_t line_length(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	return end ? (size_t)(end - text) : len;
}

bool binfmt_debian_recognise(const char *text, size_t len)
{
	size_t word;

	while (len && is_space(*text)) {
		text++;
		len--;
	}
	word = word_length(text, len);
	return word < len && find_key(text, word) != KEY_COUNT;
}

/* `key value`: one blank between them, then all is value but the blanks at the end. */
static int read_line(struct reader *r, unsigned number, const char *line, size_t n,
		     struct err *e)
{
	size_t word = word_length(line, n);
	struct value v = {.line = number, .column = 1};
	const char *nul = memchr(line, '\0', n);
	enum key key = find_key(line, word);

	while (n && is_space(line[n - 1]))
		n--;
	if (n == 0)
		return 0;
	if (nul) {
		v.column += (unsigned)(nul - line);
		return WRONG(r, e, &v, "a NUL byte in a text file");
	}
	if (key == KEY_COUNT)
		return WRONG(r, e, &v, "unknown key '%.*s'", (int)word, line);
	if (r->values[key].line)
		return WRONG(r, e, &v, "%s is set a second time (first in line %u)",
			     key_names[key], r->values[key].line);
	if (n > word + 1) {
		v.at = line + word + 1;
		v.n = n - word - 1;
		v.column += (unsigned)word + 1;
	}
	r->values[key] = v;
	return 0;
}

static int read_lines(struct reader *r, const char *text, size_t len, struct err *e)
{
	for (unsigned number = 1; len; number++) {
		size_t n = line_length(text, len);
		int ret = read_line(r, number, text, n, e);

		if (ret < 0)
			return ret;
		n += n < len;
		text += n;
		len -= n;
	}
	return 0;
}

static int read_bytes(const struct reader *r, enum key key, uint8_t *bytes, struct err *e)
{
	const struct value *v = &r->values[key];
	int n = binfmt_bytes_unescape(v->at, v->n, bytes, NULL);

	if (n == -E2BIG)
		return WRONG(r, e, v, "more than the %d bytes that the kernel looks at",
			     BINFMT_HEAD_SIZE);
	if (n < 0)
		return WRONG(r, e, v, "two hexadecimal digits are missing after \\x");
	return n;
}

static int read_offset(const struct reader *r, size_t *offset, struct err *e)
{
	const struct value *v = &r->values[KEY_OFFSET];

	for (size_t i = 0; i < v->n; i++) {
		if (v->at[i] < '0' || v->at[i] > '9' || *offset > BINFMT_HEAD_SIZE)
			return WRONG(r, e, v, "'%.*s' is not an offset", (int)v->n,
				     v->at);
		*offset = *offset * 10 + (size_t)(v->at[i] - '0');
	}
	return 0;
}

static int read_magic(const struct reader *r, struct binfmt_entry *entry, struct err *e)
{
	const struct value *mask = &r->values[KEY_MASK];
	int n = read_bytes(r, KEY_MAGIC, entry->magic, e);

	if (n < 0)
		return n;
	entry->size = (size_t)n;
	memset(entry->mask, 0xff, entry->size);
	n = read_offset(r, &entry->offset, e);
	if (n < 0 || !mask->at)
		return n;
	n = read_bytes(r, KEY_MASK, entry->mask, e);
	if (n >= 0 && (size_t)n != entry->size)
		return WRONG(r, e, mask, "the mask has %d bytes, the magic %zu", n,
			     entry->size);
	return n < 0 ? n : 0;
}

static int read_match(const struct reader *r, struct binfmt_entry *entry, struct err *e)
{
	const struct value *extension = &r->values[KEY_EXTENSION];

	if (!extension->at == !r->values[KEY_MAGIC].at)
		return err_at(e, -EINVAL, r->file, 0, 0,
			      "it needs either magic or extension");
	if (!extension->at)
		return read_magic(r, entry, e);
	if (r->values[KEY_MASK].at || r->values[KEY_OFFSET].at)
		return WRONG(r, e, extension, "an extension has no mask and no offset");
	entry->extension = xstrndup(extension->at, extension->n);
	return 0;
}

/* `yes` or `no`, where not saying is no. */
static int read_flag(const struct reader *r, enum key key, unsigned flag, unsigned *flags,
		     struct err *e)
{
	const struct value *v = &r->values[key];

	if (v->n == 3 && memcmp(v->at, "yes", 3) == 0)
		*flags |= flag;
	else if (v->at && !(v->n == 2 && memcmp(v->at, "no", 2) == 0))
		return WRONG(r, e, v, "%s is yes or no, not '%.*s'", key_names[key],
			     (int)v->n, v->at);
	return 0;
}

static int read_entry(const struct reader *r, struct binfmt_entry *entry, struct err *e)
{
	const struct value *interpreter = &r->values[KEY_INTERPRETER];
	const struct value *detector = &r->values[KEY_DETECTOR];
	int n;

	if (!interpreter->at)
		return err_at(e, -EINVAL, r->file, 0, 0, "interpreter is missing");
	if (detector->at)
		return err_at(e, -EOPNOTSUPP, r->file, detector->line, detector->column,
			      "the detector %.*s has a say in which files it takes, "
			      "which only update-binfmts can ask "
			      "(update-binfmts --import %s)",
			      (int)detector->n, detector->at, entry->name);
	entry->interpreter = xstrndup(interpreter->at, interpreter->n);
	n = read_match(r, entry, e);
	if (n == 0)
		n = read_flag(r, KEY_CREDENTIALS, BINFMT_CREDENTIALS | BINFMT_OPEN_BINARY,
			      &entry->flags, e);
	if (n == 0)
		n = read_flag(r, KEY_PRESERVE, BINFMT_PRESERVE_ARGV0, &entry->flags, e);
	if (n == 0)
		n = read_flag(r, KEY_FIX_BINARY, BINFMT_FIX_BINARY, &entry->flags, e);
	return n;
}

int binfmt_debian_parse(struct binfmt_entry *entry, const char *name, const char *file,
			const char *text, size_t len, struct err *e)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry new = {.name = xstrdup(name),
						     .enabled = true};
	AUTO_ERR struct err why = ERR_INIT;
	struct reader r = {.file = file};
	int n = read_lines(&r, text, len, e);

	if (n == 0)
		n = read_entry(&r, &new, e);
	if (n < 0)
		return n;
	if (binfmt_entry_validate(&new, &why) < 0)
		return err_at(e, -EINVAL, file, 0, 0, "%s", why.text);
	*entry = new;
	new = (struct binfmt_entry){0};
	return 0;
}

/* What a value cannot hold: the separator of the string that is made of it, and blanks at
 * its end, which its reader cuts off.
 */
static bool can_be_value(const char *text)
{
	return !strchr(text, ':') && *text && !is_space(text[strlen(text) - 1]);
}

static int check_sayable(const struct binfmt_entry *entry, struct err *e)
{
	bool c = entry->flags & BINFMT_CREDENTIALS, o = entry->flags & BINFMT_OPEN_BINARY;

	if (entry->other_flags[0])
		return err_set(e, -EOPNOTSUPP, "Debian's form has no word for flag %s",
			       entry->other_flags);
	if (o && !c)
		return err_set(e, -EOPNOTSUPP,
			       "Debian's form has no word for flag O without C");
	if (!can_be_value(entry->name) || !can_be_value(entry->interpreter) ||
	    (entry->extension && !can_be_value(entry->extension)))
		return err_set(e, -EOPNOTSUPP,
			       "update-binfmts cannot register a name, path or extension "
			       "with ':' in it or a blank at its end");
	return 0;
}

static void add_bytes(struct strbuf *s, enum key key, const uint8_t *bytes, size_t n)
{
	strbuf_addf(s, "%s ", key_names[key]);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(s, "\\x%02x", bytes[i]);
	strbuf_addc(s, '\n');
}

static void add_flag(struct strbuf *s, enum key key, bool yes)
{
	strbuf_addf(s, "%s %s\n", key_names[key], yes ? "yes" : "no");
}

int binfmt_debian_format(const struct binfmt_entry *entry, const char *package,
			 struct strbuf *s, struct err *e)
{
	int r = check_sayable(entry, e);

	if (r < 0)
		return r;
	strbuf_trim(s, 0);
	strbuf_addf(s, "package %s\ninterpreter %s\n", package, entry->interpreter);
	if (entry->extension) {
		strbuf_addf(s, "extension %s\n", entry->extension);
	} else {
		add_bytes(s, KEY_MAGIC, entry->magic, entry->size);
		if (entry->offset)
			strbuf_addf(s, "offset %zu\n", entry->offset);
		if (!binfmt_entry_has_full_mask(entry))
			add_bytes(s, KEY_MASK, entry->mask, entry->size);
	}
	add_flag(s, KEY_CREDENTIALS, entry->flags & BINFMT_CREDENTIALS);
	add_flag(s, KEY_PRESERVE, entry->flags & BINFMT_PRESERVE_ARGV0);
	add_flag(s, KEY_FIX_BINARY, entry->flags & BINFMT_FIX_BINARY);
	return 0;
}
