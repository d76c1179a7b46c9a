/* SPDX-License-Identifier: MIT */
#include "binfmt/match.h"

#include <errno.h>

#include "base/alloc.h"
#include "tests/tap.h"

static struct binfmt_head head_of(const char *name, const void *bytes, size_t n)
{
	struct binfmt_head head = {.name = name, .size = n, .limit = BINFMT_HEAD_SIZE};

	memcpy(head.bytes, bytes, n);
	return head;
}

static void add(struct binfmt_entries *l, const char *name, const char *shown)
{
	GROW(l->v, l->n);
	if (binfmt_entry_parse(&l->v[l->n], name, shown, NULL) == 0)
		l->n++;
}

static bool takes(const char *shown, const struct binfmt_head *head)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};

	return binfmt_entry_parse(&entry, "x", shown, NULL) == 0 &&
	       binfmt_match(&entry, head);
}

#define EXTENSION(e) "enabled\ninterpreter /i\nflags: \nextension ." e "\n"
#define MAGIC(o, m)  "enabled\ninterpreter /i\nflags: \noffset " o "\nmagic " m "\n"

static void test_match(void)
{
	struct binfmt_head jar = head_of("/a.b/x.jar", "PK\3\4", 4);
	struct binfmt_head folder = head_of("/a.b/x", "PK\3\4", 4);
	struct binfmt_head unnamed = head_of(NULL, "PK\3\4", 4);

	ok(takes(EXTENSION("jar"), &jar), "by the name's ending");
	ok(!takes(EXTENSION("ar"), &jar), "all of it");
	ok(!takes(EXTENSION("b/x"), &jar) && !takes(EXTENSION("b"), &folder),
	   "a folder's ending is none");
	ok(!takes(EXTENSION("jar"), &unnamed), "nor is no name");
	ok(takes(MAGIC("0", "504b"), &unnamed), "by magic");
	ok(takes(MAGIC("2", "0304"), &jar), "at an offset");
	ok(!takes(MAGIC("2", "504b"), &jar), "and not elsewhere");
	ok(takes(MAGIC("3", "0400"), &jar), "zeros follow a short file");
	ok(!takes(MAGIC("3", "0401"), &jar), "and nothing else");
}

static void test_differences(void)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	struct binfmt_head head = head_of("x", "abcd", 4);
	struct binfmt_difference d;
	size_t i = 0;

	binfmt_entry_parse(&entry, "x",
			   "enabled\ninterpreter /i\nflags: \noffset 1\n"
			   "magic 62ff6465\nmask ff0fffff\n",
			   NULL);
	ok(binfmt_match_difference(&entry, &head, &i, &d), "a difference");
	ok(d.at == 2 && d.wanted == 0xff && d.mask == 0x0f && d.found == 'c' && !d.beyond,
	   "where, wanted, mask, found");
	ok(binfmt_match_difference(&entry, &head, &i, &d) && d.at == 4 && d.beyond &&
		   d.wanted == 0x65,
	   "a byte that the file does not have");
	ok(!binfmt_match_difference(&entry, &head, &i, &d), "no more");
}

static void test_nearest(void)
{
	AUTO_BINFMT_ENTRIES struct binfmt_entries l = {0};
	struct binfmt_head head = head_of("/x.sh", "abcd", 4);
	struct binfmt_miss m[2];

	add(&l, "far", MAGIC("0", "61000000"));
	add(&l, "two-wrong", MAGIC("0", "61620000"));
	add(&l, "taker", MAGIC("0", "61626364"));
	add(&l, "one-wrong", MAGIC("0", "61626300"));
	add(&l, "extension", EXTENSION("txt"));
	is_int((long)binfmt_match_nearest(&l, &head, m, 2), 2, "nearest of five");
	is_str(m[0].entry->name, "one-wrong", "the nearest first");
	is_str(m[1].entry->name, "two-wrong", "not one that is mostly wrong");
	is_int((long)m[1].wrong, 2, "bytes that differ");
	l.v[2].enabled = false;
	add(&l, "last", MAGIC("0", "61626300"));
	is_int((long)binfmt_match_nearest(&l, &head, m, 2), 2, "never more than asked");
	is_str(m[0].entry->name, "taker", "one that is only disabled is the nearest");
	is_int((long)m[0].wrong, 0, "nothing else is wrong with it");
	is_str(m[1].entry->name, "one-wrong", "of two as near, the newer");
}

static void script(const char *line, int want, const char *interpreter,
		   const char *argument)
{
	struct binfmt_head head = head_of("x", line, strlen(line));
	AUTO_ERR struct err e = ERR_INIT;
	struct binfmt_script s;

	is_int(binfmt_script_parse(&head, &s, &e), want, line);
	if (want < 0)
		return;
	is_str(s.interpreter, interpreter, "its interpreter");
	is_str(s.argument, argument, "its argument");
}

static void test_script_length(void)
{
	struct binfmt_head head = head_of("x", "#!/", 3);
	struct binfmt_script s;

	head.limit = 128;
	memset(head.bytes + 3, 'x', 125);
	head.size = 128;
	is_int(binfmt_script_parse(&head, &s, NULL), -ENOEXEC,
	       "an interpreter cut at 128");
	head.bytes[127] = ' ';
	is_int(binfmt_script_parse(&head, &s, NULL), 0, "one that just fits");
	is_int((long)strlen(s.interpreter), 125, "whole");
	head.bytes[5] = ' ';
	head.bytes[127] = 'x';
	is_int(binfmt_script_parse(&head, &s, NULL), 0, "an argument may be cut");
	is_int((long)strlen(s.argument), 122, "at 128");
}

int main(void)
{
	test_match();
	test_differences();
	test_nearest();
	script("#!/bin/sh\necho\n", 0, "/bin/sh", "");
	script("#! \t/bin/sh -e  x \t\n", 0, "/bin/sh", "-e  x");
	script("#!/bin/sh", 0, "/bin/sh", "");
	script("#!/bin/sh -e", 0, "/bin/sh", "-e");
	script("#!/bin/sh\r\n", 0, "/bin/sh\r", "");
	script("#! \t\nx", -ENOEXEC, NULL, NULL);
	script("#!", -ENOEXEC, NULL, NULL);
	script("# !/bin/sh\n", -ENOENT, NULL, NULL);
	script("#", -ENOENT, NULL, NULL);
	script("", -ENOENT, NULL, NULL);
	test_script_length();
	return tap_done();
}
