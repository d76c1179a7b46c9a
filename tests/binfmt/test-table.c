/* SPDX-License-Identifier: MIT */
/*
 * The table as a whole: ELF headers of every architecture, built here from the numbers of
 * the ELF registry, and what the entries make of them.
 */
#include <elf.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "binfmt/arch.h"
#include "binfmt/elf.h"
#include "binfmt/entry.h"
#include "tests/binfmt/elf-file.h"
#include "tests/tap.h"

static const struct {
	const char *arch;
	unsigned bits;
	bool big;
	unsigned machine;
	uint32_t flags;
} rows[] = {
	{"i386", 32, false, EM_386, 0},
	{"i486", 32, false, 6, 0},
	{"x86_64", 64, false, EM_X86_64, 0},
	{"alpha", 64, false, 0x9026, 0},
	{"arm", 32, false, EM_ARM, 0x05000400},
	{"armeb", 32, true, EM_ARM, 0x05800000},
	{"aarch64", 64, false, EM_AARCH64, 0},
	{"aarch64_be", 64, true, EM_AARCH64, 0},
	{"sparc", 32, true, EM_SPARC, 0},
	{"sparc32plus", 32, true, EM_SPARC32PLUS, 0x100},
	{"sparc64", 64, true, EM_SPARCV9, 0},
	{"ppc", 32, true, EM_PPC, 0},
	{"ppc64", 64, true, EM_PPC64, 1},
	{"ppc64le", 64, false, EM_PPC64, 2},
	{"m68k", 32, true, EM_68K, 0},
	{"mips", 32, true, EM_MIPS, 0x70001007},
	{"mipsel", 32, false, EM_MIPS, 0x70001007},
	{"mipsn32", 32, true, EM_MIPS, 0x80000027},
	{"mipsn32el", 32, false, EM_MIPS, 0x80000027},
	{"mips64", 64, true, EM_MIPS, 0x80000007},
	{"mips64el", 64, false, EM_MIPS, 0x80000007},
	{"sh4", 32, false, EM_SH, 9},
	{"sh4eb", 32, true, EM_SH, 9},
	{"s390x", 64, true, EM_S390, 0},
	{"hppa", 32, true, EM_PARISC, 0x210},
	{"riscv32", 32, false, EM_RISCV, 5},
	{"riscv64", 64, false, EM_RISCV, 5},
	{"xtensa", 32, false, EM_XTENSA, 0x300},
	{"xtensaeb", 32, true, EM_XTENSA, 0x300},
	{"microblaze", 32, true, 0xbaab, 0},
	{"microblaze", 32, true, 189, 0},
	{"microblazeel", 32, false, 0xbaab, 0},
	{"microblazeel", 32, false, 189, 0},
	{"or1k", 32, true, 92, 0},
	{"hexagon", 32, false, 164, 0x60},
	{"loongarch64", 64, false, 258, 0x43},
	{"cris", 32, false, EM_CRIS, 0},
	{"nios2", 32, false, 113, 0},
};

/* How many magics of the table take the header, and the architecture of the last. */
static unsigned takers(const struct binfmt_archs *archs, const uint8_t *head, size_t n,
		       const struct binfmt_arch **last)
{
	unsigned count = 0;

	for (size_t i = 0; i < archs->n; i++)
		for (size_t k = 0; k < archs->v[i].nmagics; k++) {
			const struct binfmt_magic *m = &archs->v[i].magics[k];
			struct binfmt_entry entry = {.size = m->size};

			memcpy(entry.magic, m->magic, m->size);
			memcpy(entry.mask, m->mask, m->size);
			if (!binfmt_entry_matches(&entry, head, n))
				continue;
			count++;
			*last = &archs->v[i];
		}
	return count;
}

static void taken_once(const struct binfmt_archs *archs, size_t row, unsigned type,
		       unsigned os_abi)
{
	struct elf_spec spec = {.bits = rows[row].bits,
				.big = rows[row].big,
				.machine = rows[row].machine,
				.type = type,
				.os_abi = os_abi,
				.flags = rows[row].flags};
	const struct binfmt_arch *arch = NULL;
	uint8_t head[512];
	size_t n = elf_make(head, &spec);

	ok(takers(archs, head, n, &arch) == 1 && strcmp(arch->name, rows[row].arch) == 0,
	   "%s (machine %u), type %u, OS ABI %u: taken by its own entry alone",
	   rows[row].arch, spec.machine, type, os_abi);
}

static void not_taken(const struct binfmt_archs *archs, size_t row, unsigned type,
		      unsigned os_abi)
{
	struct elf_spec spec = {.bits = rows[row].bits,
				.big = rows[row].big,
				.machine = rows[row].machine,
				.type = type,
				.os_abi = os_abi,
				.flags = rows[row].flags};
	const struct binfmt_arch *arch;
	uint8_t head[512];
	size_t n = elf_make(head, &spec);

	ok(takers(archs, head, n, &arch) == 0, "%s, type %u, OS ABI %u: not taken",
	   rows[row].arch, type, os_abi);
}

/* MIPS gives each floating-point convention an ABI version; all are the same ABI. */
static void any_abi_version(const struct binfmt_archs *archs)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct elf_spec spec = {.bits = rows[i].bits,
					.big = rows[i].big,
					.machine = rows[i].machine,
					.type = 2,
					.abi_version = 5,
					.flags = rows[i].flags};
		bool any = rows[i].machine == EM_MIPS || rows[i].machine == 258;
		const struct binfmt_arch *arch;
		uint8_t head[512];
		size_t n = elf_make(head, &spec);

		is_int((long)takers(archs, head, n, &arch), any, rows[i].arch);
	}
}

static void own_programs(const struct binfmt_archs *archs)
{
	uint8_t head[BINFMT_ELF_HEADER_MAX];
	const struct binfmt_arch *arch = NULL;
	unsigned n;

	ok(binfmt_elf_read_own(NULL, head, NULL) == 0, "reads its own header");
	n = takers(archs, head, sizeof head, &arch);
	/* The one row is refused when installing: see tests/kernel/native.bats. */
	ok(n <= 1, "at most one row takes this machine's own programs (%s)",
	   arch ? arch->name : "none");
}

/* A name must lead to one architecture only, whichever is first in the table. */
static void unique_names(const struct binfmt_archs *archs)
{
	for (size_t i = 0; i < archs->n; i++) {
		const struct binfmt_arch *a = &archs->v[i];

		ok(binfmt_archs_find(archs, a->name) == a, "%s finds itself", a->name);
		for (size_t k = 0; k < a->names.n; k++)
			ok(binfmt_archs_find(archs, a->names.v[k]) == a, "%s is %s",
			   a->names.v[k], a->name);
		for (size_t k = 0; k < a->platforms.n; k++)
			ok(binfmt_archs_find(archs, a->platforms.v[k]) == a, "%s is %s",
			   a->platforms.v[k], a->name);
	}
}

int main(void)
{
	AUTO_BINFMT_ARCHS struct binfmt_archs archs = {0};
	AUTO_ERR struct err e = ERR_INIT;

	is_int(binfmt_archs_load(&archs, NULL, &e), 0, e.text ? e.text : "loads");
	is_int((long)archs.n, 36, "36 architectures");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		taken_once(&archs, i, ET_EXEC, 0);
		taken_once(&archs, i, ET_DYN, 0);
		taken_once(&archs, i, ET_EXEC, ELFOSABI_GNU);
		taken_once(&archs, i, ET_DYN, ELFOSABI_GNU);
		not_taken(&archs, i, ET_EXEC, ELFOSABI_FREEBSD);
		not_taken(&archs, i, ET_REL, 0);
		not_taken(&archs, i, ET_CORE, 0);
	}
	any_abi_version(&archs);
	own_programs(&archs);
	unique_names(&archs);
	return tap_done();
}
