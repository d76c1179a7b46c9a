/* SPDX-License-Identifier: MIT */
#pragma once

/* ELF files made by the tests themselves, byte by byte, independent of the code tested.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct elf_spec {
	unsigned bits;
	bool big;
	unsigned machine;
	unsigned type; /* 2 EXEC, 3 DYN */
	unsigned os_abi;
	unsigned abi_version;
	uint32_t flags;
	const char *interpreter; /* NULL: no program header */
};

static inline void elf_put(uint8_t *p, uint64_t value, size_t n, bool big)
{
	for (size_t i = 0; i < n; i++)
		p[big ? n - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

/* Fills at most 512 bytes and returns how many. */
static inline size_t elf_make(uint8_t *p, const struct elf_spec *s)
{
	bool wide = s->bits == 64, big = s->big;
	size_t eh = wide ? 64 : 52, ph = wide ? 56 : 32;

	memset(p, 0, 512);
	memcpy(p, "\177ELF", 4);
	p[4] = wide ? 2 : 1;
	p[5] = big ? 2 : 1;
	p[6] = 1;
	p[7] = (uint8_t)s->os_abi;
	p[8] = (uint8_t)s->abi_version;
	elf_put(p + 16, s->type, 2, big);
	elf_put(p + 18, s->machine, 2, big);
	elf_put(p + 20, 1, 4, big);
	elf_put(p + 24, 0x10054, wide ? 8 : 4, big);
	elf_put(p + (wide ? 32 : 28), eh, wide ? 8 : 4, big);
	elf_put(p + (wide ? 48 : 36), s->flags, 4, big);
	elf_put(p + (wide ? 52 : 40), eh, 2, big);
	elf_put(p + (wide ? 54 : 42), ph, 2, big);
	if (!s->interpreter)
		return eh;
	elf_put(p + (wide ? 56 : 44), 1, 2, big);
	elf_put(p + eh, 3, 4, big);
	elf_put(p + eh + (wide ? 8 : 4), eh + ph, wide ? 8 : 4, big);
	elf_put(p + eh + (wide ? 32 : 16), strlen(s->interpreter) + 1, wide ? 8 : 4, big);
	memcpy(p + eh + ph, s->interpreter, strlen(s->interpreter) + 1);
	return eh + ph + strlen(s->interpreter) + 1;
}
