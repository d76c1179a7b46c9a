/* SPDX-License-Identifier: MIT */
#include "binfmt/entry.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/tap.h"

static struct binfmt_entry sample(void)
{
	struct binfmt_entry e = {.name = xstrdup("qemu-x"),
				 .enabled = true,
				 .size = 2,
				 .magic = {0x7f, 'E'},
				 .mask = {0xff, 0xfe},
				 .interpreter = xstrdup("/bin/q"),
				 .flags = BINFMT_FIX_BINARY | BINFMT_PRESERVE_ARGV0};

	return e;
}

static void formatted(const struct binfmt_entry *entry, const char *want)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	is_int(binfmt_entry_format(entry, &s, NULL), 0, "formats");
	is_str(s.data, want, want);
}

static void test_format(void)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry e = sample();
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	formatted(&e, ":qemu-x:M::\\x7f\\x45:\\xff\\xfe:/bin/q:PF");
	e.offset = 12;
	formatted(&e, ":qemu-x:M:12:\\x7f\\x45:\\xff\\xfe:/bin/q:PF");
	e.extension = xstrdup("jar");
	formatted(&e, ":qemu-x:E::jar::/bin/q:PF");
	free(e.interpreter);
	e.interpreter = xstrdup("/opt/a:b/q");
	formatted(&e, "|qemu-x|E||jar||/opt/a:b/q|PF");
	free(e.interpreter);
	e.interpreter = xstrdup("/:|,!%@^~+=");
	is_int(binfmt_entry_format(&e, &s, NULL), -EINVAL, "no separator is left");
	free(e.interpreter);
	e.interpreter = xcalloc(2000, 1);
	memset(e.interpreter, '/', 1999);
	is_int(binfmt_entry_format(&e, &s, NULL), -E2BIG, "too long for the kernel");
}

static void refused(struct binfmt_entry *entry, const char *want)
{
	AUTO_ERR struct err e = ERR_INIT;

	is_int(binfmt_entry_validate(entry, &e), -EINVAL, want);
	is_str(e.text, want, "says so");
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

static void test_validate(void)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry e = sample();

	is_int(binfmt_entry_validate(&e, NULL), 0, "a good entry");
	set(&e.name, "");
	refused(&e, "the name is empty");
	set(&e.name, "a\nb");
	refused(&e, "the name has a control character (0x0a)");
	set(&e.name, "register");
	refused(&e, "'register' cannot name an entry (it becomes a file beside "
		    "`register` and `status`)");
	set(&e.name, "a/b");
	ok(binfmt_entry_validate(&e, NULL) == -EINVAL, "a slash in a name");
	set(&e.name, "..");
	ok(binfmt_entry_validate(&e, NULL) == -EINVAL, "the folder above");
	set(&e.name, "x");
	e.size = 0;
	refused(&e, "the magic is empty");
	e.size = 6;
	e.offset = 250;
	is_int(binfmt_entry_validate(&e, NULL), 0, "up to the last byte");
	e.offset = 251;
	refused(&e, "offset 251 and magic of 6 bytes reach beyond the 256 bytes that the "
		    "kernel looks at");
	e.offset = 0;
	set(&e.interpreter, "bin/q");
	refused(&e, "the interpreter's path 'bin/q' is not absolute");
	set(&e.interpreter, "");
	refused(&e, "the interpreter's path is empty");
	set(&e.interpreter, "/bin/q");
	e.extension = xstrdup("a/b");
	refused(&e, "the extension has a '/'");
	set(&e.extension, "");
	refused(&e, "the extension is empty");
}

static const char shown[] = "enabled\n"
			    "interpreter /usr/bin/q emu\n"
			    "flags: POCFX\n"
			    "offset 4\n"
			    "magic 7f454c46\n"
			    "mask fffffff0\n"
			    "something new\n";

static void test_parse(void)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry e = {0};
	AUTO_ERR struct err err = ERR_INIT;

	is_int(binfmt_entry_parse(&e, "n", shown, &err), 0,
	       "reads what the kernel shows");
	ok(e.enabled && e.offset == 4 && e.size == 4 && e.mask[3] == 0xf0, "numbers");
	is_str(e.interpreter, "/usr/bin/q emu", "a path with a blank");
	is_int((long)e.flags, 15, "flags");
	is_str(e.other_flags, "X", "a flag of a newer kernel");
	formatted(
		&e,
		":n:M:4:\\x7f\\x45\\x4c\\x46:\\xff\\xff\\xff\\xf0:/usr/bin/q emu:POCFX");
	binfmt_entry_free(&e);

	is_int(binfmt_entry_parse(&e, "n",
				  "disabled\ninterpreter /q\nflags: \n"
				  "extension .jar\n",
				  &err),
	       0, "by extension, disabled");
	ok(!e.enabled && strcmp(e.extension, "jar") == 0 && e.flags == 0, "as shown");
	binfmt_entry_free(&e);

	is_int(binfmt_entry_parse(&e, "n",
				  "enabled\ninterpreter /q\nflags: \noffset 0\n"
				  "magic 23\n",
				  &err),
	       0, "without a mask");
	is_int(e.mask[0], 0xff, "every bit counts then");
	binfmt_entry_free(&e);

	is_int(binfmt_entry_parse(&e, "n", "enabled\ninterpreter /q\nmagic 7f4\n", &err),
	       -EINVAL, "half a byte");
	is_int(binfmt_entry_parse(&e, "n",
				  "enabled\ninterpreter /q\nmagic 7f\nmask ffff\n", &err),
	       -EINVAL, "a mask of another size");
	is_int(binfmt_entry_parse(&e, "n", "enabled\nsomething new\n", &err), 0,
	       "a kind that is not known");
	ok(e.enabled && e.interpreter[0] == '\0' && !binfmt_entry_matches(&e, "", 0),
	   "takes no file");
	binfmt_entry_free(&e);
	is_int(binfmt_entry_parse(&e, "n", "", &err), -EINVAL, "an empty file");
}

static void test_match(void)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry a = sample();
	AUTO_BINFMT_ENTRY struct binfmt_entry b = sample();

	ok(binfmt_entry_matches(&a, "\x7f\x45", 2), "exactly");
	ok(binfmt_entry_matches(&a, "\x7f\x44z", 3), "bits outside the mask are free");
	ok(!binfmt_entry_matches(&a, "\x7e\x45", 2), "bits inside are not");
	ok(!binfmt_entry_matches(&a, "\x7f", 1), "a short file is zeros from there");
	ok(binfmt_entry_equal(&a, &b), "equal");
	b.magic[1] = 'D';
	ok(binfmt_entry_equal(&a, &b), "bits outside the mask do not count");
	b.flags |= BINFMT_OPEN_BINARY;
	ok(!binfmt_entry_equal(&a, &b) && binfmt_entry_same_match(&a, &b), "other flags");
	b.flags = a.flags;
	b.mask[1] = 0xff;
	ok(!binfmt_entry_same_match(&a, &b), "another mask");
	b.extension = xstrdup("x");
	ok(!binfmt_entry_same_match(&a, &b), "another kind");
}

static void test_flags(void)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	unsigned flags;

	is_int(binfmt_flags_parse("FCP", &flags, &e), 0, "letters in any order");
	binfmt_flags_format(flags, &s);
	is_str(s.data, "POCF", "C brings O, shown in the kernel's order");
	is_int(binfmt_flags_parse("", &flags, &e), 0, "none");
	is_int((long)flags, 0, "is none");
	is_int(binfmt_flags_parse("Fx", &flags, &e), -EINVAL, "an unknown letter");
	is_str(e.text, "unknown flag 'x' (there are P, O, C and F)", "is named");
}

int main(void)
{
	test_format();
	test_validate();
	test_parse();
	test_match();
	test_flags();
	return tap_done();
}
