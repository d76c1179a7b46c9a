/* SPDX-License-Identifier: MIT */

/* An ELF file: what is said of it lies within it, and it is its own kind. */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "binfmt/elf.h"
#include "binfmt/like.h"
#include "tests/fuzz/fuzz.h"

static void check_section(int fd, size_t size, const char *name)
{
	off_t start, length;

	if (binfmt_elf_section(fd, (off_t)size, name, &start, &length) < 0)
		return;
	if (start < 0 || length < 0 || (size_t)start > size ||
	    (size_t)length > size - (size_t)start)
		abort();
}

static void check_like(const uint8_t *data, size_t size)
{
	static struct binfmt_archs archs;
	struct binfmt_entry entry = {0};

	if (!archs.n && binfmt_archs_load(&archs, NULL, NULL) < 0)
		abort();
	if (size > BINFMT_HEAD_SIZE)
		size = BINFMT_HEAD_SIZE;
	if (binfmt_like(&entry, &archs, data, size, NULL) == 0 &&
	    !binfmt_entry_matches(&entry, data, size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CLOSE int fd = memfd_create("elf", MFD_CLOEXEC);
	AUTO_ERR struct err e = ERR_INIT;
	struct binfmt_elf elf;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (binfmt_elf_read(fd, (off_t)size, &elf, &e) < 0) {
		if (!e.text)
			abort();
	} else if ((elf.bits != 32 && elf.bits != 64) ||
		   !memchr(elf.interpreter, '\0', sizeof elf.interpreter)) {
		abort();
	}
	check_section(fd, size, ".rodata");
	check_like(data, size);
	return 0;
}
