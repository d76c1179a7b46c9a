/* SPDX-License-Identifier: MIT */
#include "binfmt/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

/* A header's fields that differ in place between 32 and 64 bits, as numbers. */
struct layout {
	struct binfmt_elf elf;
	uint64_t phoff, shoff;
	unsigned phentsize, phnum, shentsize, shnum, shstrndx;
};

static uint64_t number(const struct binfmt_elf *elf, const uint8_t *p, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n; i++)
		value = value << 8 | p[elf->big_endian ? i : n - 1 - i];
	return value;
}

/* A field of a 32- or 64-bit structure: its offset and size in each. */
#define FIELD(elf, base, type, field)                                                    \
	((elf)->bits == 64 ? number((elf), (base) + offsetof(Elf64_##type, field),       \
				    sizeof(((Elf64_##type *)0)->field))                  \
			   : number((elf), (base) + offsetof(Elf32_##type, field),       \
				    sizeof(((Elf32_##type *)0)->field)))

static bool read_exactly(int fd, void *buffer, size_t n, uint64_t at, off_t size)
{
	if (at > (uint64_t)size || n > (uint64_t)size - at)
		return false;
	return pread(fd, buffer, n, (off_t)at) == (ssize_t)n;
}

static int read_header(int fd, off_t size, struct layout *l, struct err *e)
{
	uint8_t h[sizeof(Elf64_Ehdr)];
	struct binfmt_elf *elf = &l->elf;

	*l = (struct layout){0};
	if (!read_exactly(fd, h, EI_NIDENT, 0, size) || memcmp(h, ELFMAG, SELFMAG) != 0)
		return err_set(e, -ENOEXEC, "is not an ELF file");
	if (h[EI_CLASS] != ELFCLASS32 && h[EI_CLASS] != ELFCLASS64)
		return err_set(e, -ENOEXEC, "has an ELF header with class %u",
			       h[EI_CLASS]);
	if (h[EI_DATA] != ELFDATA2LSB && h[EI_DATA] != ELFDATA2MSB)
		return err_set(e, -ENOEXEC, "has an ELF header with data encoding %u",
			       h[EI_DATA]);
	elf->bits = h[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	elf->big_endian = h[EI_DATA] == ELFDATA2MSB;
	elf->os_abi = h[EI_OSABI];
	if (!read_exactly(fd, h,
			  elf->bits == 64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), 0,
			  size))
		return err_set(e, -ENOEXEC, "ends within its ELF header");
	elf->type = (unsigned)FIELD(elf, h, Ehdr, e_type);
	elf->machine = (unsigned)FIELD(elf, h, Ehdr, e_machine);
	elf->flags = (uint32_t)FIELD(elf, h, Ehdr, e_flags);
	l->phoff = FIELD(elf, h, Ehdr, e_phoff);
	l->phentsize = (unsigned)FIELD(elf, h, Ehdr, e_phentsize);
	l->phnum = (unsigned)FIELD(elf, h, Ehdr, e_phnum);
	l->shoff = FIELD(elf, h, Ehdr, e_shoff);
	l->shentsize = (unsigned)FIELD(elf, h, Ehdr, e_shentsize);
	l->shnum = (unsigned)FIELD(elf, h, Ehdr, e_shnum);
	l->shstrndx = (unsigned)FIELD(elf, h, Ehdr, e_shstrndx);
	return 0;
}

/* Reads entry i of a header table whose entries have at least `want` bytes. */
static bool read_row(int fd, off_t size, uint64_t table, unsigned entsize, unsigned i,
		     uint8_t *row, size_t want)
{
	uint64_t skip = (uint64_t)entsize * i;

	return entsize >= want && table <= UINT64_MAX - skip &&
	       read_exactly(fd, row, want, table + skip, size);
}

static int read_interpreter(int fd, off_t size, struct binfmt_elf *elf,
			    const uint8_t *row, struct err *e)
{
	uint64_t at = FIELD(elf, row, Phdr, p_offset);
	uint64_t n = FIELD(elf, row, Phdr, p_filesz);

	elf->has_interpreter = true;
	if (n >= sizeof elf->interpreter)
		n = sizeof elf->interpreter - 1;
	if (!read_exactly(fd, elf->interpreter, n, at, size))
		return err_set(e, -ENOEXEC,
			       "has a PT_INTERP header that points outside the file");
	return 0;
}

int binfmt_elf_read(int fd, off_t size, struct binfmt_elf *elf, struct err *e)
{
	struct layout l;
	int r = read_header(fd, size, &l, e);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < l.phnum; i++) {
		uint8_t row[sizeof(Elf64_Phdr)];
		size_t want = l.elf.bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

		if (!read_row(fd, size, l.phoff, l.phentsize, i, row, want))
			return err_set(e, -ENOEXEC,
				       "has a program header (%u) outside the file", i);
		if (FIELD(&l.elf, row, Phdr, p_type) != PT_INTERP)
			continue;
		r = read_interpreter(fd, size, &l.elf, row, e);
		if (r < 0)
			return r;
		break;
	}
	*elf = l.elf;
	return 0;
}

int binfmt_elf_read_own(struct binfmt_elf *elf, uint8_t header[BINFMT_ELF_HEADER_MAX],
			struct err *e)
{
	AUTO_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno,
			       "cannot open /proc/self/exe (is /proc mounted?)");
	if (header &&
	    pread(fd, header, BINFMT_ELF_HEADER_MAX, 0) != BINFMT_ELF_HEADER_MAX)
		return err_sys(e, -EIO, "cannot read /proc/self/exe");
	return elf ? binfmt_elf_read(fd, st.st_size, elf, e) : 0;
}

int binfmt_elf_section(int fd, off_t size, const char *name, off_t *start, off_t *length)
{
	enum { NAMES_MAX = 64 * 1024 };
	size_t want;
	uint8_t row[sizeof(Elf64_Shdr)];
	AUTO_FREE char *names = NULL;
	uint64_t names_size;
	struct layout l;
	int r = read_header(fd, size, &l, NULL);

	if (r < 0)
		return r;
	want = l.elf.bits == 64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	if (!read_row(fd, size, l.shoff, l.shentsize, l.shstrndx, row, want))
		return -ENOENT;
	names_size = FIELD(&l.elf, row, Shdr, sh_size);
	if (names_size > NAMES_MAX)
		return -ENOENT;
	names = xcalloc(names_size + 1, 1);
	if (!read_exactly(fd, names, names_size, FIELD(&l.elf, row, Shdr, sh_offset),
			  size))
		return -ENOENT;
	for (unsigned i = 0; i < l.shnum; i++) {
		uint64_t at, n, label;

		if (!read_row(fd, size, l.shoff, l.shentsize, i, row, want))
			return -ENOENT;
		label = FIELD(&l.elf, row, Shdr, sh_name);
		at = FIELD(&l.elf, row, Shdr, sh_offset);
		n = FIELD(&l.elf, row, Shdr, sh_size);
		if (label >= names_size || strcmp(names + label, name) != 0)
			continue;
		if (at > (uint64_t)size || n > (uint64_t)size - at)
			return -ENOENT;
		*start = (off_t)at;
		*length = (off_t)n;
		return 0;
	}
	return -ENOENT;
}
