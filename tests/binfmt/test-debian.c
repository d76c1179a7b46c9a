/* SPDX-License-Identifier: MIT */
#include "binfmt/debian.h"

#include <errno.h>

#include "base/alloc.h"
#include "tests/tap.h"

static int parse(const char *text, struct binfmt_entry *entry, struct err *e)
{
	*entry = (struct binfmt_entry){0};
	return binfmt_debian_parse(entry, "n", "f", text, strlen(text), e);
}

static void reads(const char *text, const char *want)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	is_int(parse(text, &entry, NULL), 0, text);
	if (entry.name)
		(void)binfmt_entry_format(&entry, &s, NULL); /* seen below */
	is_str(s.data, want, "as it should");
	ok(binfmt_debian_recognise(text, strlen(text)), "and is known for what it is");
}

static void refused(int code, const char *text, const char *want)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *message = NULL;

	is_int(parse(text, &entry, &e), code, text);
	message = err_message(&e);
	is_str(message, want, "says where and why");
}

static void test_read(void)
{
	reads("package p\ninterpreter /q\nmagic BC\n", ":n:M::\\x42\\x43::/q:");
	reads("interpreter /q emu \nmagic  x\n", ":n:M::\\x20\\x78::/q emu:");
	reads("\nINTERPRETER\t/q\nmagic B\\x00\noffset 3\nmask \\xf0\\x00\n"
	      "credentials yes\npreserve yes\nfix_binary yes\n",
	      ":n:M:3:\\x42\\x00:\\xf0\\x00:/q:POCF");
	reads("interpreter /q\nextension x\ncredentials no\ndetector\nmask\n",
	      ":n:E::x::/q:");
}

static void test_refuse(void)
{
	refused(-EINVAL, "magic x\n", "f: interpreter is missing");
	refused(-EINVAL, "interpreter /q\n", "f: it needs either magic or extension");
	refused(-EINVAL, "interpreter /q\nmagic x\nextension y\n",
		"f: it needs either magic or extension");
	refused(-EINVAL, "interpreter /q\nextension y\nmask x\n",
		"f:2:11: an extension has no mask and no offset");
	refused(-EINVAL, "interpreter /q\nmagic x\nmask xy\n",
		"f:3:6: the mask has 2 bytes, the magic 1");
	refused(-EINVAL, "interpreter /q\nmagic x\noffset -1\n",
		"f:3:8: '-1' is not an offset");
	refused(-EINVAL, "interpreter /q\nmagic x\npreserve maybe\n",
		"f:3:10: preserve is yes or no, not 'maybe'");
	refused(-EINVAL, "interpreter /q\nmagic x\nmagic y\n",
		"f:3:1: magic is set a second time (first in line 2)");
	refused(-EINVAL, "interpreter q\nmagic x\n",
		"f: the interpreter's path 'q' is not absolute");
	refused(-EOPNOTSUPP, "interpreter /q\nmagic x\ndetector /d\n",
		"f:3:10: the detector /d has a say in which files it takes, which only "
		"update-binfmts can ask (update-binfmts --import n)");
	ok(!binfmt_debian_recognise(":a:E::x::/b:", 12), "a register string is another "
							 "form");
	ok(!binfmt_debian_recognise("packaged x", 10), "so is a longer word");
	ok(!binfmt_debian_recognise("", 0), "and nothing");
}

static void test_write(void)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	struct binfmt_entry e = {.name = (char[]){"n"},
				 .size = 2,
				 .offset = 4,
				 .magic = {0x7f, 'E'},
				 .mask = {0xff, 0xfe},
				 .interpreter = (char[]){"/q"},
				 .flags = BINFMT_FIX_BINARY};

	is_int(binfmt_debian_format(&e, "p", &s, NULL), 0, "an entry");
	is_str(s.data,
	       "package p\ninterpreter /q\nmagic \\x7f\\x45\noffset 4\nmask \\xff\\xfe\n"
	       "credentials no\npreserve no\nfix_binary yes\n",
	       "in lines");
	e.flags = BINFMT_OPEN_BINARY;
	is_int(binfmt_debian_format(&e, "p", &s, NULL), -EOPNOTSUPP, "flag O alone");
	e.flags |= BINFMT_CREDENTIALS;
	is_int(binfmt_debian_format(&e, "p", &s, NULL), 0, "which C brings");
	e.other_flags[0] = 'T';
	is_int(binfmt_debian_format(&e, "p", &s, NULL), -EOPNOTSUPP, "a newer flag");
	e.other_flags[0] = '\0';
	e.interpreter = (char[]){"/a:b"};
	is_int(binfmt_debian_format(&e, "p", &s, NULL), -EOPNOTSUPP, "a ':' in a path");
}

int main(void)
{
	test_read();
	test_refuse();
	test_write();
	return tap_done();
}
