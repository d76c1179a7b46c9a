/* SPDX-License-Identifier: MIT */
#include "base/strv.h"
#include "base/strbuf.h"
#include "tests/tap.h"

static void test_split(void)
{
	AUTO_STRV struct strv l = STRV_INIT;

	strv_split(&l, ",a,,bc, d ,", ", ");
	is_int((long)l.n, 3, "empty parts are left out");
	is_str(l.v[0], "a", "first");
	is_str(l.v[1], "bc", "second");
	is_str(l.v[2], "d", "third");
	ok(l.v[3] == NULL, "the list ends with NULL");
	ok(strv_has(&l, "bc") && !strv_has(&l, "b"), "has whole words only");
}

static void nearest(const char *word, const char *want)
{
	AUTO_STRV struct strv l = STRV_INIT;

	strv_split(&l, "install uninstall riscv64 riscv32 arm64 linux/arm/v7", " ");
	is_str(strv_nearest(&l, word), want, word);
}

static void test_strbuf(void)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	AUTO_FREE char *taken = NULL;

	is_str(s.data, "", "an empty buffer is a string");
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&s, "%d,", i % 10);
	is_int((long)s.len, 2000, "a long string has its length");
	strbuf_trim(&s, 4);
	is_str(s.data, "0,1,", "trimmed");
	strbuf_adds(&s, "aZ_\303\251");
	str_upper(s.data);
	is_str(s.data, "0,1,AZ_\303\251", "large letters");
	str_lower(s.data);
	is_str(s.data, "0,1,az_\303\251", "small ones");
	strbuf_trim(&s, 4);
	strbuf_add(&s, "a\0b", 3);
	is_int((long)s.len, 7, "bytes may include NUL");
	taken = strbuf_take(&s);
	ok(s.len == 0 && s.data[0] == '\0' && taken[5] == '\0' && taken[6] == 'b',
	   "taken whole, and empty again");
}

int main(void)
{
	test_split();
	nearest("instal", "install");
	nearest("isntall", "install");
	nearest("riscv46", "riscv64");
	nearest("linux/arm/7", "linux/arm/v7");
	nearest("windows", NULL);
	nearest("", NULL);
	nearest("a-word-that-is-longer-than-any-word-that-the-table-for-distances-has-room-for",
		NULL);
	test_strbuf();
	return tap_done();
}
