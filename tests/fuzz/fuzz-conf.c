/* SPDX-License-Identifier: MIT */

/*
 * A file of magic/, a NUL, and one of qemu/: what comes of them can be registered, and
 * has no magic bits outside its masks.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/arch.h"
#include "binfmt/entry.h"
#include "tests/fuzz/fuzz.h"

static void check_magic(const struct binfmt_arch *arch, size_t i)
{
	const struct binfmt_magic *m = &arch->magics[i];
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {
		.name = binfmt_arch_entry_name(arch, i),
		.interpreter = xstrdup("/q"),
		.size = m->size,
	};

	if (m->size > BINFMT_MAGIC_MAX)
		abort();
	memcpy(entry.magic, m->magic, m->size);
	memcpy(entry.mask, m->mask, m->size);
	for (size_t k = 0; k < m->size; k++)
		if (m->magic[k] & ~m->mask[k])
			abort();
	if (binfmt_entry_validate(&entry, NULL) < 0 ||
	    !binfmt_entry_matches(&entry, m->magic, m->size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *nul = memchr(text, '\0', size);
	size_t len = nul ? (size_t)(nul - text) : size;
	AUTO_CONF struct conf magic = {0};
	AUTO_CONF struct conf handler = {0};
	AUTO_ERR struct err e = ERR_INIT;
	struct binfmt_arch arch;

	if (conf_parse(&magic, "m", text, len, &e) < 0 ||
	    conf_parse(&handler, "h", text + len + (nul != NULL),
		       size - len - (nul != NULL), &e) < 0 ||
	    binfmt_arch_read(&arch, "name", &magic, &handler, &e) < 0) {
		if (!e.text || !e.file)
			abort();
		return 0;
	}
	for (size_t i = 0; i < arch.nmagics; i++)
		check_magic(&arch, i);
	binfmt_arch_free(&arch);
	return 0;
}
