/* SPDX-License-Identifier: MIT */
#include "binfmt/register.h"

#include <errno.h>

#include "base/alloc.h"
#include "tests/tap.h"

static int read_one(const char *text, struct binfmt_entry *entry, struct err *e)
{
	struct binfmt_lines lines = {.file = "f", .text = text, .len = strlen(text)};

	*entry = (struct binfmt_entry){0};
	return binfmt_lines_next(&lines, entry, e);
}

static void reads(const char *text, const char *want)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	is_int(read_one(text, &entry, NULL), 1, text);
	if (entry.name)
		(void)binfmt_entry_format(&entry, &s, NULL); /* seen below */
	is_str(s.data, want, "as it should");
}

static void refused(const char *text, const char *want)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *message = NULL;

	is_int(read_one(text, &entry, &e), -EINVAL, text);
	message = err_message(&e);
	is_str(message, want, "says where and why");
}

static void test_read(void)
{
	reads(":a:M::BC::/b:", ":a:M::\\x42\\x43::/b:");
	reads(":a:M:12:B\\x00:\\xff\\x0F:/b:FC", ":a:M:12:\\x42\\x00:\\xff\\x0f:/b:OCF");
	reads(":a:M::a\\b::/b:", ":a:M::\\x61\\x5c\\x62::/b:");
	reads(":a:M::B:\\xff:/b:", ":a:M::\\x42::/b:");
	reads("|a:b|E||x||/c|", "|a:b|E||x||/c|");
	reads("  :a:E:9:x:y:/c:P \r", ":a:E::x::/c:P");
	reads(":a:E::x::/c:FTL", ":a:E::x::/c:FTL");
	reads(":a:E::x::/c:TTP", ":a:E::x::/c:PT");
}

static void test_refuse(void)
{
	refused(":a", "f:1:3: the name does not end with the separator ':'");
	refused("\n :a:", "f:2:5: the type does not end with the separator ':'");
	refused(":a:ME::x::/b:",
		"f:1:4: the type is M (by magic) or E (by extension), not 'ME'");
	refused(":a:M:1x:B::/b:", "f:1:6: '1x' is not an offset");
	refused(":a:M::B\\x4::/b:",
		"f:1:8: two hexadecimal digits are missing after \\x");
	refused(":a:M::BC:B:/b:", "f:1:10: the mask has 1 bytes, the magic 2");
	refused(":a:M::B::/b", "f:1:12: the interpreter does not end with the separator "
			       "':'");
	refused(":a:M::B::/b:f", "f:1:13: 'f' is not a flag (there are P, O, C and F)");
	refused(":a:M::::/b:", "f:1:1: the magic is empty");
	refused("::M::B::/b:", "f:1:1: the name is empty");
	refused(":status:M::B::/b:", "f:1:1: 'status' cannot name an entry (it becomes a "
				     "file beside `register` and `status`)");
	refused(":a:E::::/b:", "f:1:1: the extension is empty");
	refused(":a:E::x::b:", "f:1:1: the interpreter's path 'b' is not absolute");
}

static void test_file(void)
{
	static const char text[] = "# one\n;two\n\n \t\n:a:E::x::/b:\nbad\n:c:E::y::/d:";
	struct binfmt_lines lines = {.file = "f", .text = text, .len = sizeof text - 1};
	AUTO_ERR struct err e = ERR_INIT;

	for (int i = 0; i < 4; i++) {
		static const int results[] = {1, -EINVAL, 1, 0};
		static const unsigned places[] = {5, 6, 7, 7};
		AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};

		is_int(binfmt_lines_next(&lines, &entry, &e), results[i], "in order");
		is_int((long)lines.line, (long)places[i], "in this line");
	}
	is_int((long)e.line, 6, "the failure has its place");
}

static void test_sizes(void)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_FREE char *path = xcalloc(2000, 1);
	AUTO_FREE char *text = NULL;

	memset(path, 'x', 1999);
	text = xasprintf(":a:E::x::/%.*s:", BINFMT_REGISTER_MAX - 11, path);
	is_int(read_one(text, &entry, NULL), 1, "as long as the kernel takes");
	text[strlen(text) - 1] = '\0';
	refused(text, "f:1:1920: the interpreter does not end with the separator ':'");
	free(text);
	text = xasprintf(":a:E::x::/%.*s:", BINFMT_REGISTER_MAX - 10, path);
	refused(text, "f:1:1921: the register string has 1921 bytes, the kernel takes "
		      "1920");
	free(text);
	text = xasprintf(":a:M::%.*s::/b:", BINFMT_HEAD_SIZE + 1, path);
	refused(text, "f:1:263: the magic has more than the 256 bytes that the kernel "
		      "looks at");
}

int main(void)
{
	test_read();
	test_refuse();
	test_file();
	test_sizes();
	return tap_done();
}
