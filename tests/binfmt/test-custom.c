/* SPDX-License-Identifier: MIT */

/* What people describe themselves: bytes, samples, and entries that must not be. */

#include <elf.h>
#include <errno.h>

#include "base/alloc.h"
#include "binfmt/bytes.h"
#include "binfmt/guard.h"
#include "binfmt/kernel.h"
#include "binfmt/like.h"
#include "tests/tap.h"

static void bytes(const char *text, bool is_mask, const char *want)
{
	uint8_t got[BINFMT_HEAD_SIZE];
	AUTO_STRBUF struct strbuf hex = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	int n = binfmt_bytes_parse(text, is_mask, got, &e);

	for (int i = 0; i < n; i++)
		strbuf_addf(&hex, "%02x", got[i]);
	is_str(n < 0 ? e.text : hex.data, want, text);
}

static void test_bytes(void)
{
	bytes("7f454C46", false, "7f454c46");
	bytes("0xcafe", false, "cafe");
	bytes("\\x7fELF", false, "7f454c46");
	bytes("PK\\x03\\x04", false, "504b0304");
	bytes("a\\b", false, "615c62");
	bytes("BEAM", false, "4245414d");
	bytes("ffff", true, "ffff");
	bytes("\\x63afe", false, "63616665");
	bytes("cafe", false,
	      "'cafe' could be bytes or text (write 0xcafe for the bytes, \\x63afe for "
	      "the text)");
	bytes("123", false,
	      "'123' has an odd number of hexadecimal digits (as text, write its first "
	      "letter as \\x31)");
	bytes("0xno", false, "'0xno' is not hexadecimal");
	bytes("0x", false, "no bytes");
	bytes("a\\x1", false, "'\\x1' lacks two hexadecimal digits after \\x");
}

/* What --like makes of a sample: magic/mask, or the reason. */
static void like(const char *sample, size_t n, const char *want, const char *what)
{
	static const struct binfmt_archs none;
	struct binfmt_entry entry = {0};
	AUTO_STRBUF struct strbuf got = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	int r = binfmt_like(&entry, &none, (const uint8_t *)sample, n, &e);

	for (size_t i = 0; r == 0 && i < entry.size; i++)
		strbuf_addf(&got, "%02x", entry.magic[i]);
	if (r == 0 && !binfmt_entry_has_full_mask(&entry)) {
		strbuf_addc(&got, '/');
		for (size_t i = 0; i < entry.size; i++)
			strbuf_addf(&got, "%02x", entry.mask[i]);
	}
	is_str(r < 0 ? e.text : got.data, want, what);
}

static void test_like(void)
{
	like("\177ELF\2\2\1\3\0\0\0\0\0\0\0\0\0\3\x12\x34", 20,
	     "7f454c46020201000000000000000000"
	     "00021234/fffffffffffffffcfffffffffffffffffffeffff",
	     "a program of an unknown machine");
	like("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0\x34\x12", 20,
	     "is an ELF file, but no program (e_type is 1)", "an object file");
	like("\177ELF\2\1\1\0", 8, "has a damaged ELF header", "a short one");
	like("%PDF-1.7", 8, "25504446", "the first four bytes");
	like("MZ\x90\0\3", 5, "4d5a", "or two");
	like("\0asm\1\0\0\0", 8, "0061736d", "with a zero in them");
	like("#!/bin/sh\n", 10,
	     "is a script: the kernel runs these by their first line (--extension takes "
	     "files by name)",
	     "a script");
	like("import sys\n", 11,
	     "begins with nothing that tells its kind (--extension takes files by name, "
	     "--magic and --offset by other bytes)",
	     "any text");
	like("\0\0\0\0\1", 5,
	     "begins with nothing that tells its kind (--extension takes files by name, "
	     "--magic and --offset by other bytes)",
	     "zeros");
	like("abc", 3, "has only 3 bytes: too few for a magic", "too short");
}

/* The architecture of the table decides where there is one. */
static void test_like_known(void)
{
	static const char o32[52] = "\177ELF\1\2\1\0\0\0\0\0\0\0\0\0\0\2\0\10";
	struct binfmt_archs archs;
	struct binfmt_entry entry = {0};

	is_int(binfmt_archs_load(&archs, NULL, NULL), 0, "loads the table");
	is_int(binfmt_like(&entry, &archs, (const uint8_t *)o32, sizeof o32, NULL), 0,
	       "a program for o32");
	is_int((long)entry.size, 40, "reaches to e_flags");
	is_int(entry.mask[39], 0x20, "and counts the bit of n32");
	binfmt_archs_free(&archs);
}

static void guarded(size_t offset, const char *magic, const char *mask, size_t n,
		    int want, const char *what)
{
	struct binfmt_entry entry = {.name = (char[]){"x"},
				     .interpreter = (char[]){"/no/such/program"},
				     .offset = offset,
				     .size = n};

	memcpy(entry.magic, magic, n);
	memcpy(entry.mask, mask, n);
	is_int(binfmt_guard_check(&entry, NULL), want, what);
}

static void test_guard(void)
{
	struct binfmt_entry entry = {.name = (char[]){"x"},
				     .interpreter = (char[]){"/a/b.py"},
				     .extension = (char[]){"py"}};

	guarded(0, "\177ELF", "\377\377\377\377", 4, -EPERM, "every ELF file");
	guarded(0, "\177EL\0", "\377\377\377\0", 4, -EPERM, "with a mask");
	guarded(7, "\3", "\377", 1, -EPERM, "the machine's own for GNU");
	guarded(EI_NIDENT, "\2\0", "\377\377", 2, -EPERM,
		"the machine's own at a fixed "
		"address");
	guarded(8, "AI\2", "\377\377\377", 3, 0, "an ELF file with bytes of its own");
	guarded(0, "#!", "\377\377", 2, -EPERM, "every script");
	guarded(3, "bin", "\377\377\377", 3, -EPERM, "most scripts");
	guarded(0, "#!/opt/x/run", "\377\377\377\377\377\377\377\377\377\377\377\377", 12,
		0, "scripts of one kind");
	is_int(binfmt_guard_check(&entry, NULL), -EPERM, "its own interpreter by name");
	entry.extension = (char[]){".pyc"};
	is_int(binfmt_guard_check(&entry, NULL), -EINVAL, "a dot in an extension");
	entry.extension = (char[]){"pyc"};
	is_int(binfmt_guard_check(&entry, NULL), 0, "another extension");
}

static void test_old_kernels(void)
{
	AUTO_FREE char *path = xcalloc(200, 1);
	struct binfmt_entry entry = {.size = 4,
				     .offset = 124,
				     .interpreter = path,
				     .flags = BINFMT_FIX_BINARY};

	memset(path, '/', 127);
	is_int(binfmt_kernel_check(4007, &entry, NULL), -ENOSYS, "flag F before 4.8");
	is_int(binfmt_kernel_check(4008, &entry, NULL), 0, "and from then on");
	entry.offset = 125;
	is_int(binfmt_kernel_check(5000, &entry, NULL), -ENOSYS, "129 bytes before 5.1");
	is_int(binfmt_kernel_check(5001, &entry, NULL), 0, "and from then on");
	entry.offset = 0;
	path[127] = '/';
	is_int(binfmt_kernel_check(4014, &entry, NULL), -ENOSYS,
	       "a long path before 4.15");
	is_int(binfmt_kernel_check(4015, &entry, NULL), 0, "and from then on");
}

int main(void)
{
	test_bytes();
	test_like();
	test_like_known();
	test_guard();
	test_old_kernels();
	return tap_done();
}
