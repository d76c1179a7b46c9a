/* SPDX-License-Identifier: MIT */
#include "binfmt/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/binfmt/elf-file.h"
#include "tests/tap.h"

static int read_bytes(const uint8_t *bytes, size_t n, struct binfmt_elf *elf,
		      struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("elf", MFD_CLOEXEC);

	if (write(fd, bytes, n) != (ssize_t)n)
		return -EIO;
	return binfmt_elf_read(fd, (off_t)n, elf, e);
}

static void reads(const struct elf_spec *spec, const char *what)
{
	uint8_t file[512];
	size_t n = elf_make(file, spec);
	struct binfmt_elf elf = {0};

	is_int(read_bytes(file, n, &elf, NULL), 0, what);
	ok(elf.bits == spec->bits && elf.big_endian == spec->big &&
		   elf.machine == spec->machine && elf.type == spec->type &&
		   elf.flags == spec->flags && elf.os_abi == spec->os_abi,
	   "%s: every field", what);
	is_str(elf.has_interpreter ? elf.interpreter : NULL, spec->interpreter,
	       "its loader");
}

static void refuses(const uint8_t *file, size_t n, const char *want)
{
	AUTO_ERR struct err e = ERR_INIT;
	struct binfmt_elf elf;

	is_int(read_bytes(file, n, &elf, &e), -ENOEXEC, want);
	is_str(e.text, want, "in words");
}

static void test_damaged(void)
{
	struct elf_spec spec = {64, false, 62, 3, 0, 0, 0, "/lib/ld.so"};
	uint8_t file[512];
	size_t n = elf_make(file, &spec);
	struct binfmt_elf elf;
	bool whole = true;

	refuses((const uint8_t *)"#!/bin/sh\n", 10, "is not an ELF file");
	refuses(file, 3, "is not an ELF file");
	refuses(file, 40, "ends within its ELF header");
	refuses(file, 70, "has a program header (0) outside the file");
	refuses(file, n - 1, "has a PT_INTERP header that points outside the file");
	file[4] = 7;
	refuses(file, n, "has an ELF header with class 7");
	file[4] = 2;
	file[5] = 0;
	refuses(file, n, "has an ELF header with data encoding 0");
	file[5] = 1;
	memset(file + 32, 0xff, 8);
	refuses(file, n, "has a program header (0) outside the file");
	elf_make(file, &spec);
	memset(file + 64 + 8, 0xff, 8);
	refuses(file, n, "has a PT_INTERP header that points outside the file");
	elf_make(file, &spec);
	file[54] = 8; /* e_phentsize */
	refuses(file, n, "has a program header (0) outside the file");

	/* Cut anywhere, it is refused or read, and nothing is read beyond it. */
	elf_make(file, &spec);
	for (size_t i = 0; i <= n; i++) {
		int r = read_bytes(file, i, &elf, NULL);

		whole = whole && (i < n ? r == -ENOEXEC : r == 0);
	}
	ok(whole, "only the whole file is read");
}

static void test_sections(void)
{
	AUTO_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END), start = 0, length = 0;

	is_int(binfmt_elf_section(fd, size, ".rodata", &start, &length), 0,
	       "finds a section");
	ok(start > 0 && length > 0 && start + length <= size, "within the file");
	is_int(binfmt_elf_section(fd, size, ".none", &start, &length), -ENOENT,
	       "a section that is not there");
	is_int(binfmt_elf_section(fd, 100, ".rodata", &start, &length), -ENOENT,
	       "of a file cut short");
}

int main(void)
{
	reads(&(struct elf_spec){64, false, 183, 2, 3, 0, 0x11223344, NULL}, "64 LE");
	reads(&(struct elf_spec){64, true, 22, 3, 0, 0, 0x11223344, "/lib/ld64.so.1"},
	      "64 BE");
	reads(&(struct elf_spec){32, false, 40, 2, 0, 0, 0x05000400, "/lib/ld.so"},
	      "32 LE");
	reads(&(struct elf_spec){32, true, 8, 3, 0, 0, 0x70001007, NULL}, "32 BE");
	test_damaged();
	test_sections();
	return tap_done();
}
