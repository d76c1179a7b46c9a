/* SPDX-License-Identifier: MIT */

/* A file of /usr/share/binfmts: what is read is written as one that reads the same. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "binfmt/debian.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_BINFMT_ENTRY struct binfmt_entry again = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	const char *text = (const char *)data;
	int r = binfmt_debian_parse(&entry, "name", "f", text, size, &e);

	if (r < 0) {
		if (!e.text)
			abort();
		return 0;
	}
	if (!binfmt_debian_recognise(text, size) ||
	    binfmt_entry_validate(&entry, NULL) < 0)
		abort();
	r = binfmt_debian_format(&entry, "package", &s, NULL);
	if (r == -EOPNOTSUPP)
		return 0;
	if (r < 0 || binfmt_debian_parse(&again, "name", "f", s.data, s.len, NULL) < 0 ||
	    !binfmt_entry_equal(&entry, &again))
		abort();
	return 0;
}
