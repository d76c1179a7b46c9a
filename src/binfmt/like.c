/* SPDX-License-Identifier: MIT */
#include "binfmt/like.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

enum { AT_TYPE = 16, ELF_SIZE = 20, OTHER_SIZE = 4 };

/* The first size bytes, all of which count. */
static void take(struct binfmt_entry *entry, const uint8_t *head, size_t size)
{
	entry->size = size;
	memcpy(entry->magic, head, size);
	memset(entry->mask, 0xff, size);
}

static bool take_from_table(struct binfmt_entry *entry, const struct binfmt_archs *archs,
			    const uint8_t *head, size_t n)
{
	for (size_t i = 0; i < archs->n; i++)
		for (size_t k = 0; k < archs->v[i].nmagics; k++) {
			const struct binfmt_magic *m = &archs->v[i].magics[k];

			entry->size = m->size;
			memcpy(entry->magic, m->magic, m->size);
			memcpy(entry->mask, m->mask, m->size);
			if (binfmt_entry_matches(entry, head, n))
				return true;
		}
	return false;
}

static int take_elf(struct binfmt_entry *entry, const uint8_t *head, size_t n,
		    struct err *e)
{
	unsigned type_low, type;
	bool big;

	if (n < ELF_SIZE ||
	    (head[EI_DATA] != ELFDATA2LSB && head[EI_DATA] != ELFDATA2MSB))
		return err_set(e, -ENOEXEC, "has a damaged ELF header");
	big = head[EI_DATA] == ELFDATA2MSB;
	type_low = AT_TYPE + (big ? 1 : 0);
	type = head[type_low] | (unsigned)head[big ? AT_TYPE : AT_TYPE + 1] << 8;
	if (type != ET_EXEC && type != ET_DYN)
		return err_set(e, -ENOEXEC,
			       "is an ELF file, but no program (e_type is %u)", type);
	take(entry, head, ELF_SIZE);
	entry->mask[EI_OSABI] = 0xfc;
	entry->mask[type_low] = 0xfe;
	for (size_t i = 0; i < ELF_SIZE; i++)
		entry->magic[i] &= entry->mask[i];
	return 0;
}

static bool is_any_text(const uint8_t *head)
{
	for (size_t i = 0; i < OTHER_SIZE; i++)
		if (!isalnum(head[i]) && !isspace(head[i]))
			return false;
	return true;
}

int binfmt_like(struct binfmt_entry *entry, const struct binfmt_archs *archs,
		const uint8_t *head, size_t n, struct err *e)
{
	static const uint8_t zeros[OTHER_SIZE];

	entry->offset = 0;
	if (n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		return take_from_table(entry, archs, head, n)
			       ? 0
			       : take_elf(entry, head, n, e);
	if (n < OTHER_SIZE)
		return err_set(e, -EINVAL, "has only %zu bytes: too few for a magic", n);
	if (memcmp(head, "#!", 2) == 0)
		return err_set(e, -EINVAL,
			       "is a script: the kernel runs these by their first line "
			       "(--extension takes files by name)");
	if (is_any_text(head) || memcmp(head, zeros, OTHER_SIZE) == 0)
		return err_set(e, -EINVAL,
			       "begins with nothing that tells its kind (--extension "
			       "takes files by name, --magic and --offset by other "
			       "bytes)");
	take(entry, head, memcmp(head, "MZ", 2) == 0 ? 2 : OTHER_SIZE);
	return 0;
}
