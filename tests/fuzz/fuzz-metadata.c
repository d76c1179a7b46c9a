/* SPDX-License-Identifier: MIT */

/* What builds tell in their metadata files: what is read comes back as it was written. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/metadata.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_OCI_METADATA struct oci_metadata m = {.names = STRV_INIT};
	AUTO_OCI_METADATA struct oci_metadata again = {.names = STRV_INIT};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	AUTO_FREE char *written = NULL;
	AUTO_FREE char *rewritten = NULL;
	int r = oci_metadata_parse(&m, text, strlen(text), &e);

	if (r < 0) {
		if (!e.text || e.code != r)
			abort();
		return 0;
	}
	written = oci_metadata_write(&m);
	if (oci_metadata_parse(&again, written, strlen(written), NULL) < 0)
		abort();
	rewritten = oci_metadata_write(&again);
	if (strcmp(written, rewritten) != 0)
		abort();
	return 0;
}
