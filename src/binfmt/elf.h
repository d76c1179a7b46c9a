/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an ELF file's header says (System V gABI, chapter 4). Everything is read from
 * untrusted bytes: sizes and offsets are checked against the file.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { BINFMT_ELF_HEADER_MAX = 64 };

struct binfmt_elf {
	unsigned bits; /* 32 or 64 */
	bool big_endian;
	unsigned os_abi;       /* EI_OSABI */
	unsigned type;	       /* e_type: 2 EXEC, 3 DYN */
	unsigned machine;      /* e_machine */
	uint32_t flags;	       /* e_flags */
	bool has_interpreter;  /* a PT_INTERP program header: needs a dynamic loader */
	char interpreter[256]; /* its path, cut to fit */
};

/*
 * Reads header and program headers of an open file of st_size `size`. -ENOEXEC when it is
 * no ELF file, or a damaged one; the text names the field.
 */
int binfmt_elf_read(int fd, off_t size, struct binfmt_elf *elf, struct err *e);

/*
 * The same of the running program's own file, which is to say of the host's programs, and
 * the first bytes of it. Either may be NULL.
 */
int binfmt_elf_read_own(struct binfmt_elf *elf, uint8_t header[BINFMT_ELF_HEADER_MAX],
			struct err *e);

/* Where a section with this name lies. -ENOENT when there is none. */
int binfmt_elf_section(int fd, off_t size, const char *name, off_t *start, off_t *length);
