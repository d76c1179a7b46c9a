/* SPDX-License-Identifier: MIT */
#include "binfmt/match.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

struct binfmt_head binfmt_match_head(const struct binfmt_arch *arch, size_t i)
{
	const struct binfmt_magic *m = &arch->magics[i];
	struct binfmt_head head = {.size = BINFMT_MAGIC_MAX, .limit = BINFMT_MAGIC_MAX};

	memcpy(head.bytes, m->magic, m->size);
	/* The magic has no bits where its mask has none; a real file has these. */
	head.bytes[EI_DATA] = m->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	head.bytes[EI_VERSION] = EV_CURRENT;
	return head;
}

bool binfmt_match(const struct binfmt_entry *entry, const struct binfmt_head *head)
{
	const char *dot;

	if (!entry->extension)
		return binfmt_entry_matches(entry, head->bytes, head->size);
	/* The last dot of the whole path, also one in a folder's name. */
	dot = head->name ? strrchr(head->name, '.') : NULL;
	return dot && strcmp(dot + 1, entry->extension) == 0;
}

bool binfmt_match_difference(const struct binfmt_entry *entry,
			     const struct binfmt_head *head, size_t *i,
			     struct binfmt_difference *d)
{
	while (*i < entry->size) {
		size_t k = (*i)++;
		size_t at = entry->offset + k;
		bool beyond = at >= head->size;
		uint8_t found = beyond ? 0 : head->bytes[at];

		if (!((found ^ entry->magic[k]) & entry->mask[k]))
			continue;
		*d = (struct binfmt_difference){
			.at = at,
			.wanted = entry->magic[k],
			.mask = entry->mask[k],
			.found = found,
			.beyond = beyond,
		};
		return true;
	}
	return false;
}

static size_t count_wrong(const struct binfmt_entry *entry,
			  const struct binfmt_head *head)
{
	struct binfmt_difference d;
	size_t i = 0, wrong = 0;

	while (binfmt_match_difference(entry, head, &i, &d))
		wrong++;
	return wrong;
}

/* Bytes of which at least a bit counts. */
static size_t count_significant(const struct binfmt_entry *entry)
{
	size_t n = 0;

	for (size_t i = 0; i < entry->size; i++)
		n += entry->mask[i] != 0;
	return n;
}

static bool is_miss(const struct binfmt_entry *entry, const struct binfmt_head *head,
		    struct binfmt_miss *miss)
{
	bool matches = binfmt_match(entry, head);

	if (matches ? entry->enabled : entry->extension != NULL)
		return false;
	*miss = (struct binfmt_miss){
		.entry = entry,
		.wrong = matches ? 0 : count_wrong(entry, head),
	};
	return matches || miss->wrong * 2 <= count_significant(entry);
}

size_t binfmt_match_nearest(const struct binfmt_entries *entries,
			    const struct binfmt_head *head, struct binfmt_miss *misses,
			    size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < entries->n; i++) {
		struct binfmt_miss miss;
		size_t at;

		if (!is_miss(&entries->v[i], head, &miss))
			continue;
		for (at = 0; at < n && misses[at].wrong <= miss.wrong; at++)
			;
		if (at == max)
			continue;
		n += n < max;
		memmove(misses + at + 1, misses + at, (n - at - 1) * sizeof *misses);
		misses[at] = miss;
	}
	return n;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

int binfmt_script_parse(const struct binfmt_head *head, struct binfmt_script *script,
			struct err *e)
{
	const uint8_t *p = head->bytes, *end = p + head->limit, *newline, *name;

	*script = (struct binfmt_script){0};
	if (head->size < 2 || memcmp(p, "#!", 2) != 0)
		return -ENOENT;
	newline = memchr(p, '\n', head->limit);
	if (newline)
		end = newline;
	for (p += 2; p < end && is_blank(*p); p++)
		;
	for (name = p; p < end && *p && !is_blank(*p); p++)
		;
	if (p == name)
		return err_set(e, -ENOEXEC, "its first line names no interpreter");
	if (p == end && !newline)
		return err_set(e, -ENOEXEC,
			       "its first line is longer than the %zu bytes that the "
			       "kernel looks at",
			       head->limit);
	memcpy(script->interpreter, name, (size_t)(p - name));
	for (; p < end && is_blank(*p); p++)
		;
	while (newline && end > p && is_blank(end[-1]))
		end--;
	memcpy(script->argument, p, strnlen((const char *)p, (size_t)(end - p)));
	return 0;
}
