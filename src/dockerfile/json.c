/* SPDX-License-Identifier: MIT */

/*
 * JSON (RFC 8259), as far as the exec forms need it: an array of strings is read, any
 * other array is only recognised, so that `RUN [ -d /x ]` stays a shell command while
 * `CMD ["a", 1]` is an error.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "dockerfile/parse-internal.h"

enum { DEPTH_MAX = 64 };

struct json {
	const char *s;
	size_t i, to;
};

static char peek(struct json *j)
{
	while (j->i < j->to && strchr(" \t\r\n", j->s[j->i]))
		j->i++;
	return j->i < j->to ? j->s[j->i] : '\0';
}

static bool take(struct json *j, char c)
{
	if (peek(j) != c)
		return false;
	j->i++;
	return true;
}

static void add_utf8(struct strbuf *out, unsigned c)
{
	if (c < 0x80) {
		strbuf_addc(out, (char)c);
	} else if (c < 0x800) {
		strbuf_addc(out, (char)(0xc0 | c >> 6));
		strbuf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		strbuf_addc(out, (char)(0xe0 | c >> 12));
		strbuf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		strbuf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		strbuf_addc(out, (char)(0xf0 | c >> 18));
		strbuf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		strbuf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		strbuf_addc(out, (char)(0x80 | (c & 0x3f)));
	}
}

static bool hex4(struct json *j, unsigned *c)
{
	*c = 0;
	for (int k = 0; k < 4; k++, j->i++) {
		char digit = j->i < j->to ? j->s[j->i] : '\0';

		if (!isxdigit((unsigned char)digit))
			return false;
		*c = *c * 16 + (unsigned)(isdigit((unsigned char)digit)
						  ? digit - '0'
						  : (digit | 0x20) - 'a' + 10);
	}
	return true;
}

/* After `\u`. A surrogate without its other half becomes U+FFFD. */
static bool unicode(struct json *j, struct strbuf *out)
{
	unsigned c, low;
	size_t back;

	if (!hex4(j, &c) || c == 0)
		return false;
	if (c >= 0xd800 && c < 0xe000) {
		back = j->i;
		if (c < 0xdc00 && j->to - j->i >= 6 && j->s[j->i] == '\\' &&
		    j->s[j->i + 1] == 'u' && (j->i += 2, hex4(j, &low)) &&
		    low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		} else {
			j->i = back;
			c = 0xfffd;
		}
	}
	add_utf8(out, c);
	return true;
}

static bool escape(struct json *j, struct strbuf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = j->i < j->to ? j->s[j->i++] : '\0';
	const char *p = c ? strchr(from, c) : NULL;

	if (c == 'u')
		return unicode(j, out);
	if (p)
		strbuf_addc(out, to[p - from]);
	return p != NULL;
}

/* The opening quote has been seen. */
static bool string(struct json *j, struct strbuf *out)
{
	if (!take(j, '"'))
		return false;
	while (j->i < j->to) {
		char c = j->s[j->i++];

		if (c == '"')
			return true;
		if ((unsigned char)c < 0x20)
			return false;
		if (c != '\\')
			strbuf_addc(out, c);
		else if (!escape(j, out))
			return false;
	}
	return false;
}

static bool digits(struct json *j)
{
	size_t start = j->i;

	while (j->i < j->to && isdigit((unsigned char)j->s[j->i]))
		j->i++;
	return j->i > start;
}

static bool number_or_word(struct json *j)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
		size_t n = strlen(words[k]);

		if (j->to - j->i >= n && strncmp(j->s + j->i, words[k], n) == 0) {
			j->i += n;
			return true;
		}
	}
	j->i += j->s[j->i] == '-';
	if (j->i < j->to && j->s[j->i] == '0')
		j->i++;
	else if (!digits(j))
		return false;
	if (j->i < j->to && j->s[j->i] == '.' && (j->i++, !digits(j)))
		return false;
	if (j->i < j->to && (j->s[j->i] | 0x20) == 'e') {
		j->i++;
		j->i += j->i < j->to && (j->s[j->i] == '+' || j->s[j->i] == '-');
		return digits(j);
	}
	return true;
}

/* One value that is not kept, whatever it is. */
static bool skip(struct json *j, unsigned depth)
{
	AUTO_STRBUF struct strbuf ignored = STRBUF_INIT;
	char open = peek(j), close = open == '{' ? '}' : ']';

	if (open == '"')
		return string(j, &ignored);
	if (open != '{' && open != '[')
		return open && number_or_word(j);
	if (depth == DEPTH_MAX)
		return false;
	j->i++;
	if (take(j, close))
		return true;
	do {
		if (open == '{' && (!string(j, &ignored) || !take(j, ':')))
			return false;
		if (!skip(j, depth + 1))
			return false;
	} while (take(j, ','));
	return take(j, close);
}

/* *other is the offset of the first element that is not a string. */
static bool array(struct dockerfile_parse *p, struct json *j,
		  struct dockerfile_words *words, size_t *other)
{
	if (!take(j, '['))
		return false;
	if (take(j, ']'))
		return peek(j) == '\0' && j->i == j->to;
	do {
		AUTO_STRBUF struct strbuf text = STRBUF_INIT;
		bool is_string = peek(j) == '"';
		size_t start = j->i;

		if (!(is_string ? string(j, &text) : skip(j, 0)))
			return false;
		if (is_string)
			dockerfile_words_add(words, strbuf_take(&text),
					     dockerfile_line_pos(p->line, start));
		else if (!*other)
			*other = start;
	} while (take(j, ','));
	return take(j, ']') && peek(j) == '\0' && j->i == j->to;
}

int dockerfile_parse_json(struct dockerfile_parse *p, struct dockerfile_words *words)
{
	struct json j = {p->line->text.data, p->from, p->to};
	size_t other = 0;

	if (!array(p, &j, words, &other)) {
		dockerfile_words_free(words);
		return 0;
	}
	if (other)
		return dockerfile_parse_error(p, other,
					      "the JSON form takes strings only");
	return 1;
}
