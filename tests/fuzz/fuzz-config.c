/* SPDX-License-Identifier: MIT */

/* An image's configuration: written again and read, it is the same. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/config.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_OCI_CONFIG struct oci_config c = {0}, d = {0};
	AUTO_FREE char *one = NULL, *two = NULL;
	AUTO_ERR struct err e = ERR_INIT;
	size_t len;

	if (oci_config_parse(&c, (const char *)data, size, &e) < 0) {
		if (!e.text)
			abort();
		return 0;
	}
	one = oci_config_write(&c, &len);
	if (oci_config_parse(&d, one, len, NULL) < 0)
		abort();
	two = oci_config_write(&d, NULL);
	if (strcmp(one, two) != 0)
		abort();
	return 0;
}
