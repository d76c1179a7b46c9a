/* SPDX-License-Identifier: MIT */

/* A file of register strings: each that is read is written as one that reads the same. */

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "binfmt/register.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct binfmt_entry *entry)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry again = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	struct binfmt_lines lines = {.file = "again"};

	if (binfmt_entry_validate(entry, NULL) < 0)
		abort();
	if (binfmt_entry_format(entry, &s, NULL) < 0)
		return; /* too long with its escapes, or no separator is left */
	lines.text = s.data;
	lines.len = s.len;
	if (binfmt_lines_next(&lines, &again, NULL) != 1 || lines.len ||
	    strcmp(again.name, entry->name) != 0 || !binfmt_entry_equal(&again, entry))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct binfmt_lines lines = {
		.file = "f", .text = (const char *)data, .len = size};
	int r;

	do {
		AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
		AUTO_ERR struct err e = ERR_INIT;
		size_t before = lines.len;

		r = binfmt_lines_next(&lines, &entry, &e);
		if (r > 0)
			check(&entry);
		if ((r < 0 && (!e.text || !e.line || !e.column)) ||
		    (r && lines.len >= before))
			abort();
	} while (r);
	return 0;
}
