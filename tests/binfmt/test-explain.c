/* SPDX-License-Identifier: MIT */
/* The chain of interpreters, on files made here. The kernel's own: tests/kernel. */
#include "binfmt/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/binfmt/elf-file.h"
#include "tests/tap.h"

static char folder[] = "/tmp/test-explain-XXXXXX";
static struct binfmt_archs archs;
static struct binfmt_entries live;
static struct binfmt_explain_table table;

static const char *path_of(const char *name)
{
	static char path[64];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name); /* fits */
	return path;
}

static void put(const char *name, const void *data, size_t n)
{
	file_write_at(AT_FDCWD, path_of(name), data, n, 0755, NULL);
}

static void put_elf(const char *name, unsigned machine, const char *loader)
{
	struct elf_spec spec = {64, false, machine, 2, 0, 0, 0, loader};
	uint8_t file[512];

	put(name, file, elf_make(file, &spec));
}

static void put_script(const char *name, const char *interpreter)
{
	AUTO_FREE char *text = xasprintf("#!%s\n", path_of(interpreter));

	put(name, text, strlen(text));
}

static void add(const char *name, const char *flags, const char *magic,
		const char *interpreter)
{
	AUTO_FREE char *shown =
		xasprintf("enabled\ninterpreter %s\nflags: %s\noffset 0\nmagic %s\n",
			  path_of(interpreter), flags, magic);

	GROW(live.v, live.n);
	if (binfmt_entry_parse(&live.v[live.n], name, shown, NULL) == 0)
		live.n++;
}

/* Explains a file; the last step says `code`, after so many steps. */
static void explains(const char *name, struct binfmt_explanation *x, size_t steps,
		     int code, enum binfmt_taker first)
{
	AUTO_ERR struct err e = ERR_INIT;

	is_int(binfmt_explain_file(&table, path_of(name), x, &e), 0, name);
	is_int((long)x->n, (long)steps, "steps");
	if (!x->n)
		return;
	is_int(x->v[x->n - 1].refusal.code, code, "how it ends");
	is_int(x->v[0].taker, first, "who takes it");
}

static void test_kernel(void)
{
	AUTO_BINFMT_EXPLANATION struct binfmt_explanation a = {0}, b = {0}, c = {0},
							  d = {0};

	put_elf("native", 62, NULL);
	put_elf("dynamic", 62, "/tmp");
	put_elf("homeless", 62, "/nonexistent/ld.so");
	put_elf("foreign", 183, "/lib/ld-foreign.so");
	explains("native", &a, 1, 0, BINFMT_TAKEN_BY_KERNEL);
	is_int((long)a.needs.n, 0, "needs nothing");
	explains("dynamic", &b, 1, 0, BINFMT_TAKEN_BY_KERNEL);
	ok(strv_has(&b.needs, "/tmp"), "needs its loader");
	explains("homeless", &c, 1, -ENOENT, BINFMT_TAKEN_BY_KERNEL);
	explains("foreign", &d, 1, -ENOEXEC, BINFMT_TAKEN_BY_NOTHING);
	is_str(d.v[0].arch ? d.v[0].arch->name : NULL, "aarch64", "is known");
	ok(d.v[0].loader_missing, "with the loader that it lacks");
}

static void test_entries(void)
{
	AUTO_BINFMT_EXPLANATION struct binfmt_explanation a = {0}, b = {0}, c = {0},
							  d = {0}, f = {0};

	add("broken", "", "7f454c4602010100000000000000000002002b", "gone");
	add("foreign", "F", "7f454c460201010000000000000000000200b7", "dynamic");
	add("old", "", "7f454c460201010000000000000000000200b7", "native");
	explains("foreign", &a, 2, 0, BINFMT_TAKEN_BY_ENTRY);
	is_str(a.v[0].entry->name, "foreign", "the first that matches");
	ok(a.v[1].pinned, "with F its interpreter is held");
	ok(strv_has(&a.needs, "/lib/ld-foreign.so") && strv_has(&a.needs, "/tmp") &&
		   a.needs.n == 2,
	   "and only loaders are needed");
	is_str(binfmt_explain_next(&table, &a.v[0], a.v[0].entry)->name, "old",
	       "what it shadows");
	ok(!binfmt_explain_next(&table, &a.v[0], &live.v[2]), "and no more");

	live.v[1].enabled = false;
	explains("foreign", &b, 2, 0, BINFMT_TAKEN_BY_ENTRY);
	is_str(b.v[0].entry->name, "old", "one that is disabled is passed over");
	ok(strv_has(&b.needs, path_of("native")), "without F the interpreter is needed");
	table.enabled = false;
	explains("foreign", &c, 1, -ENOEXEC, BINFMT_TAKEN_BY_NOTHING);
	table.enabled = true;
	put_elf("sparc", 43, NULL);
	explains("sparc", &d, 2, -ENOENT, BINFMT_TAKEN_BY_ENTRY);
	live.v[0].flags = BINFMT_FIX_BINARY;
	explains("sparc", &f, 2, 0, BINFMT_TAKEN_BY_ENTRY);
	is_int(f.v[1].taker, BINFMT_TAKEN_UNSEEN, "held, and gone from its path");
}

static void test_scripts(void)
{
	AUTO_BINFMT_EXPLANATION struct binfmt_explanation a = {0}, b = {0}, c = {0},
							  d = {0}, f = {0}, g = {0},
							  h = {0};

	put_script("s1", "native");
	put_script("s2", "s1");
	put_script("s3", "s2");
	put_script("s4", "s3");
	put_script("s5", "s4");
	put_script("s6", "s5");
	put_script("s-foreign", "foreign");
	put("crlf", "#!/bin/sh\r\n", 11);
	explains("s5", &a, 6, 0, BINFMT_TAKEN_BY_SCRIPT);
	explains("s6", &b, 7, -ELOOP, BINFMT_TAKEN_BY_SCRIPT);
	explains("s-foreign", &c, 3, 0, BINFMT_TAKEN_BY_SCRIPT);
	ok(strv_has(&c.needs, path_of("foreign")), "needs its interpreter");
	explains("crlf", &d, 2, -ENOENT, BINFMT_TAKEN_BY_SCRIPT);
	ok(strstr(d.v[1].refusal.text, "carriage return"), "says why");
	add("scripts", "", "2321", "native");
	explains("s1", &f, 2, 0, BINFMT_TAKEN_BY_ENTRY);
	/* Flag O: from Linux 5.8 on, and so where this runs. */
	live.v[live.n - 1].enabled = false;
	live.v[1].enabled = true;
	live.v[1].flags = BINFMT_FIX_BINARY | BINFMT_OPEN_BINARY;
	free(live.v[1].interpreter);
	live.v[1].interpreter = xstrdup(path_of("s1"));
	if (binfmt_kernel_version(NULL, 0) >= BINFMT_KERNEL_ONE_OPENED)
		explains("foreign", &g, 3, -ENOEXEC, BINFMT_TAKEN_BY_ENTRY);
	live.v[1].flags = 0;
	explains("foreign", &h, 3, 0, BINFMT_TAKEN_BY_ENTRY);
	live.v[1].enabled = false;
	is_int(f.v[0].script_code, 0, "an entry goes before the script loader");
}

static void test_refused(void)
{
	AUTO_BINFMT_EXPLANATION struct binfmt_explanation a = {0}, b = {0}, c = {0},
							  d = {0}, f = {0};

	put("empty", "", 0);
	put("text", "hello\n", 6);
	put("plain", "#!/bin/sh\n", 10);
	(void)chmod(path_of("plain"), 0644);
	explains("empty", &a, 1, -ENOEXEC, BINFMT_TAKEN_BY_NOTHING);
	is_str(a.v[0].refusal.text, "it is empty", "says why");
	explains("text", &b, 1, -ENOEXEC, BINFMT_TAKEN_BY_NOTHING);
	explains("plain", &c, 1, -EACCES, BINFMT_TAKEN_BY_NOTHING);
	explains("none", &d, 1, -ENOENT, BINFMT_TAKEN_BY_NOTHING);
	explains("", &f, 1, -EACCES, BINFMT_TAKEN_BY_NOTHING);
}

static void test_arch(void)
{
	const struct binfmt_arch *arm64 = binfmt_archs_find(&archs, "arm64");
	const struct binfmt_arch *i386 = binfmt_archs_find(&archs, "386");
	AUTO_BINFMT_EXPLANATION struct binfmt_explanation a = {0}, b = {0};

	is_int(binfmt_explain_arch(&table, arm64, 0, &a, NULL), 0, "an architecture");
	is_str(a.v[0].entry ? a.v[0].entry->name : NULL, "old", "is taken as its files");
	is_int(binfmt_explain_arch(&table, i386, 0, &b, NULL), 0, "another");
	is_int(b.v[0].taker, BINFMT_TAKEN_BY_NOTHING, "by nothing");
	is_int(b.v[0].head.bytes[5], 1, "whose magic leaves bits out");
}

int main(void)
{
	static const char *const files[] = {"native", "dynamic", "homeless", "foreign",
					    "sparc",  "s1",	 "s2",	     "s3",
					    "s4",     "s5",	 "s6",	     "s-foreign",
					    "crlf",   "empty",	 "text",     "plain"};
	AUTO_FREE bool *native = NULL;

	if (!mkdtemp(folder) || binfmt_archs_load(&archs, NULL, NULL) < 0)
		return 1;
	native = xcalloc(archs.n, sizeof *native);
	native[binfmt_archs_find(&archs, "x86_64") - archs.v] = true;
	table = (struct binfmt_explain_table){&archs, native, &live, true};
	test_kernel();
	test_entries();
	test_scripts();
	test_refused();
	test_arch();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(path_of(files[i]));
	ok(rmdir(folder) == 0, "made no other file");
	binfmt_entries_free(&live);
	binfmt_archs_free(&archs);
	return tap_done();
}
