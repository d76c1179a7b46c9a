/* SPDX-License-Identifier: MIT */

/* Names of images and platforms: what is read comes back as it was written. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "tests/fuzz/fuzz.h"

static void check_reference(const char *text)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *again = NULL;
	int r = oci_reference_parse(&ref, text, &e);

	if (r < 0) {
		if (!e.text || e.code != r)
			abort();
		return;
	}
	again = oci_reference_format(&ref);
	if (strcmp(again, text) != 0)
		abort();
	oci_reference_complete(&ref);
	if (!ref.host || !ref.path || (!ref.tag && !ref.digest))
		abort();
}

static void check_platform(const char *text)
{
	struct oci_platform p, again;
	char formatted[OCI_PLATFORM_TEXT];

	if (oci_platform_parse(&p, text, NULL) < 0)
		return;
	/* Two parts may be a system and an architecture, or that and a variant. */
	if (oci_platform_parse(&again, oci_platform_format(&p, formatted), NULL) < 0)
		abort();
	if (strcmp(p.os, "linux") == 0 && !oci_platform_equal(&p, &again))
		abort();
	if (!oci_platform_rank(&p, &p))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xcalloc(size + 1, 1);

	memcpy(text, data, size);
	check_reference(text);
	check_platform(text);
	return 0;
}
