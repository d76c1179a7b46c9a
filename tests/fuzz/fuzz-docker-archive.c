/* SPDX-License-Identifier: MIT */

/* manifest.json of docker-archives: what is read is written, and read again, the same. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/docker-archive.h"
#include "tests/fuzz/fuzz.h"

static void check_again(const struct docker_archive *a)
{
	AUTO_DOCKER_ARCHIVE struct docker_archive again = {NULL, 0};
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *second = NULL;
	size_t len, n;

	text = docker_archive_write(a, &len);
	if (docker_archive_parse(&again, text, len, NULL) < 0)
		abort();
	second = docker_archive_write(&again, &n);
	if (n != len || memcmp(text, second, n) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_DOCKER_ARCHIVE struct docker_archive a = {NULL, 0};
	AUTO_ERR struct err e = ERR_INIT;
	int r = docker_archive_parse(&a, (const char *)data, size, &e);

	if (r == 0)
		check_again(&a);
	else if (!e.text || e.code != r)
		abort();
	return 0;
}
