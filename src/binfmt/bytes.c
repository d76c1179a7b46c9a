/* SPDX-License-Identifier: MIT */
#include "binfmt/bytes.h"

#include <errno.h>
#include <string.h>

#include "binfmt/entry.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -EINVAL;
}

static int hex_byte(const char *text, size_t n)
{
	int high = n < 2 ? -EINVAL : hex_digit(text[0]);
	int low = high < 0 ? high : hex_digit(text[1]);

	return low < 0 ? low : high << 4 | low;
}

int binfmt_bytes_hex(const char *text, size_t n, uint8_t *bytes)
{
	for (size_t i = 0; i < n; i += 2) {
		int byte = hex_byte(text + i, n - i);

		if (byte < 0)
			return byte;
		if (i / 2 == BINFMT_HEAD_SIZE)
			return -E2BIG;
		bytes[i / 2] = (uint8_t)byte;
	}
	return (int)(n / 2);
}

static int unescape(const char *text, size_t n, uint8_t *bytes, size_t *i)
{
	int size = 0;

	for (*i = 0; *i < n; size++) {
		bool escaped = text[*i] == '\\' && n - *i > 1 && text[*i + 1] == 'x';
		int byte =
			escaped ? hex_byte(text + *i + 2, n - *i - 2) : (uint8_t)text[*i];

		if (byte < 0)
			return byte;
		if (size == BINFMT_HEAD_SIZE)
			return -E2BIG;
		bytes[size] = (uint8_t)byte;
		*i += escaped ? 4 : 1;
	}
	return size;
}

int binfmt_bytes_unescape(const char *text, size_t n, uint8_t *bytes, size_t *at)
{
	size_t i;
	int r = unescape(text, n, bytes, &i);

	if (r < 0 && at)
		*at = i;
	return r;
}

static int parse_digits(const char *digits, size_t n, uint8_t *bytes, struct err *e)
{
	int r = binfmt_bytes_hex(digits, n, bytes);

	if (r != -EINVAL)
		return r;
	return err_set(e, r,
		       "'%s' has an odd number of hexadecimal digits (as text, write its "
		       "first letter as \\x%02x)",
		       digits, (uint8_t)digits[0]);
}

static int parse_text(const char *text, size_t n, uint8_t *bytes, struct err *e)
{
	size_t at = 0;
	int r = binfmt_bytes_unescape(text, n, bytes, &at);

	if (r != -EINVAL)
		return r;
	return err_set(e, r, "'%s' lacks two hexadecimal digits after \\x", text + at);
}

int binfmt_bytes_parse(const char *text, bool is_mask, uint8_t *bytes, struct err *e)
{
	static const char letters[] = "abcdefABCDEF";
	bool prefix = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *body = prefix ? text + 2 : text;
	size_t n = strlen(body);
	bool digits = strspn(body, "0123456789abcdefABCDEF") == n;
	int r;

	if (n == 0)
		return err_set(e, -EINVAL, "no bytes");
	if (prefix && !digits)
		return err_set(e, -EINVAL, "'%s' is not hexadecimal", text);
	if (!prefix && !is_mask && strspn(body, letters) == n)
		return err_set(e, -EINVAL,
			       "'%s' could be bytes or text (write 0x%s for the bytes, "
			       "\\x%02x%s for the text)",
			       body, body, (uint8_t)body[0], body + 1);
	r = digits ? parse_digits(body, n, bytes, e) : parse_text(body, n, bytes, e);
	if (r == -E2BIG)
		return err_set(e, r, "more than the %d bytes that the kernel looks at",
			       BINFMT_HEAD_SIZE);
	return r;
}
