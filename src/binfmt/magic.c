/* SPDX-License-Identifier: MIT */
#include "binfmt/magic.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"

/* Offsets that both classes share (System V gABI, figure 4-3). */
enum {
	AT_TYPE = 16,
	AT_MACHINE = 18,
	AT_FLAGS_32 = 36,
	AT_FLAGS_64 = 48,
	SIZE_WITHOUT_FLAGS = 20,
};

/* What one file says, before it is spelt out in bytes. */
struct description {
	unsigned long bits;
	bool big_endian;
	struct strv machines;
	const struct conf_item *machine_item;
	unsigned long flags, flags_mask;
	unsigned long data_mask, version_mask, os_abi_mask, abi_version_mask;
};

static void description_free(struct description *d)
{
	strv_free(&d->machines);
}

static void put(struct binfmt_magic *m, size_t at, uint32_t value, uint32_t mask,
		unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned shift = 8 * (m->big_endian ? size - 1 - i : i);

		m->mask[at + i] = (uint8_t)(mask >> shift);
		m->magic[at + i] = (uint8_t)(value >> shift) & m->mask[at + i];
	}
}

static void spell_out(const struct description *d, unsigned machine,
		      struct binfmt_magic *m)
{
	static const uint8_t start[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3};

	*m = (struct binfmt_magic){
		.bits = (unsigned)d->bits,
		.big_endian = d->big_endian,
		.machine = machine,
		.flags = (uint32_t)d->flags,
		.flags_mask = (uint32_t)d->flags_mask,
		.size = SIZE_WITHOUT_FLAGS,
	};
	memset(m->mask, 0xff, EI_NIDENT);
	memcpy(m->magic, start, sizeof start);
	m->magic[EI_CLASS] = d->bits == 64 ? ELFCLASS64 : ELFCLASS32;
	m->magic[EI_DATA] = d->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	m->magic[EI_VERSION] = EV_CURRENT;
	m->mask[EI_DATA] = (uint8_t)d->data_mask;
	m->mask[EI_VERSION] = (uint8_t)d->version_mask;
	m->mask[EI_OSABI] = (uint8_t)d->os_abi_mask;
	m->mask[EI_ABIVERSION] = (uint8_t)d->abi_version_mask;
	for (size_t i = 0; i < EI_NIDENT; i++)
		m->magic[i] &= m->mask[i];
	/* ET_EXEC is 2 and ET_DYN is 3. */
	put(m, AT_TYPE, ET_EXEC, 0xfffe, 2);
	put(m, AT_MACHINE, machine, 0xffff, 2);
	if (d->flags_mask) {
		size_t at = d->bits == 64 ? AT_FLAGS_64 : AT_FLAGS_32;

		put(m, at, (uint32_t)d->flags, (uint32_t)d->flags_mask, 4);
		m->size = at + 4;
	}
}

static int read_choice(const struct conf *c, const char *key, const char *yes,
		       const char *no, bool *value, struct err *e)
{
	const struct conf_item *item;
	int r = conf_require(c, key, &item, e);

	if (r < 0)
		return r;
	*value = strcmp(item->value, yes) == 0;
	if (*value || strcmp(item->value, no) == 0)
		return 0;
	return conf_error(c, item, e, "%s is `%s` or `%s`, not `%s`", key, no, yes,
			  item->value);
}

/* `flags = 0x20/0x20`: a value and the bits of it that count. */
static int read_flags(const struct conf *c, struct description *d, struct err *e)
{
	const struct conf_item *item = conf_get(c, "flags");
	AUTO_STRV struct strv parts = STRV_INIT;
	int r;

	if (!item)
		return 0;
	strv_split(&parts, item->value, "/");
	if (parts.n != 2)
		return conf_error(c, item, e, "flags is VALUE/MASK, not `%s`",
				  item->value);
	r = conf_number(c, item, parts.v[0], 0, UINT32_MAX, &d->flags, e);
	if (r == 0)
		r = conf_number(c, item, parts.v[1], 1, UINT32_MAX, &d->flags_mask, e);
	if (r < 0)
		return r;
	if (d->flags & ~d->flags_mask)
		return conf_error(c, item, e,
				  "flags: the value has bits that the mask "
				  "leaves out");
	return 0;
}

static int read_mask(const struct conf *c, const char *key, unsigned long *mask,
		     struct err *e)
{
	const struct conf_item *item = conf_get(c, key);

	return item ? conf_number(c, item, item->value, 0, 0xff, mask, e) : 0;
}

static int read_description(const struct conf *c, struct description *d, struct err *e)
{
	bool wide;
	int r = conf_check_keys(c,
				"bits byte-order machine flags data-mask version-mask "
				"os-abi-mask abi-version-mask",
				e);

	if (r == 0)
		r = read_choice(c, "bits", "64", "32", &wide, e);
	if (r == 0)
		r = read_choice(c, "byte-order", "big", "little", &d->big_endian, e);
	if (r == 0)
		r = conf_require(c, "machine", &d->machine_item, e);
	if (r == 0)
		r = read_flags(c, d, e);
	if (r == 0)
		r = read_mask(c, "data-mask", &d->data_mask, e);
	if (r == 0)
		r = read_mask(c, "version-mask", &d->version_mask, e);
	if (r == 0)
		r = read_mask(c, "os-abi-mask", &d->os_abi_mask, e);
	if (r == 0)
		r = read_mask(c, "abi-version-mask", &d->abi_version_mask, e);
	if (r < 0)
		return r;
	d->bits = wide ? 64 : 32;
	strv_split(&d->machines, d->machine_item->value, " \t");
	if (d->machines.n == 0)
		return conf_error(c, d->machine_item, e, "machine has no number");
	return 0;
}

int binfmt_magic_read(const struct conf *c, struct binfmt_magic **magics, size_t *n,
		      struct err *e)
{
	/* ELFOSABI 0 (System V) to 3 (GNU); not 9, FreeBSD's. */
	CLEAN(description_free)
	struct description d = {.data_mask = 0xff,
				.version_mask = 0xff,
				.os_abi_mask = 0xfc,
				.abi_version_mask = 0xff};
	AUTO_FREE struct binfmt_magic *list = NULL;
	int r = read_description(c, &d, e);

	if (r < 0)
		return r;
	list = xcalloc(d.machines.n, sizeof *list);
	for (size_t i = 0; i < d.machines.n; i++) {
		unsigned long machine;

		r = conf_number(c, d.machine_item, d.machines.v[i], 1, 0xffff, &machine,
				e);
		if (r < 0)
			return r;
		spell_out(&d, (unsigned)machine, &list[i]);
	}
	*n = d.machines.n;
	*magics = TAKE_PTR(list);
	return 0;
}
