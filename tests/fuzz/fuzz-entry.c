/* SPDX-License-Identifier: MIT */

/*
 * An entry as the kernel shows it: shown by us it reads the same, and where the kernel
 * would take it back, so does its register string.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/register.h"
#include "tests/fuzz/fuzz.h"

static void check_shown(const struct binfmt_entry *entry)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry again = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	binfmt_entry_show(entry, &s);
	if (binfmt_entry_parse(&again, "name", s.data, NULL) < 0 ||
	    again.enabled != entry->enabled || !binfmt_entry_equal(&again, entry))
		abort();
}

static void check_registered(const struct binfmt_entry *entry)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry again = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	struct binfmt_lines lines = {.file = "again"};

	if (binfmt_entry_validate(entry, NULL) < 0 ||
	    binfmt_entry_format(entry, &s, NULL) < 0)
		return;
	lines.text = s.data;
	lines.len = s.len;
	if (binfmt_lines_next(&lines, &again, NULL) != 1 ||
	    !binfmt_entry_equal(&again, entry))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = size ? xstrndup((const char *)data, size) : xstrdup("");
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_ERR struct err e = ERR_INIT;

	if (binfmt_entry_parse(&entry, "name", text, &e) < 0) {
		if (!e.text)
			abort();
		return 0;
	}
	(void)binfmt_entry_matches(&entry, data, size); /* only that it ends well */
	check_shown(&entry);
	check_registered(&entry);
	return 0;
}
