/* SPDX-License-Identifier: MIT */

/* A manifest or an index: written again and read, it is the same. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/manifest.h"
#include "tests/fuzz/fuzz.h"

static void same(const struct oci_document *one, const struct oci_document *two)
{
	if (!oci_digest_equal(&one->digest, &two->digest))
		abort();
}

static void check_index(const struct oci_document *doc)
{
	AUTO_OCI_INDEX struct oci_index x = {0}, y = {0};
	AUTO_OCI_DOCUMENT struct oci_document one = {0}, two = {0};
	const struct oci_descriptor *d;
	struct oci_platform host;
	AUTO_ERR struct err e = ERR_INIT;

	if (oci_index_parse(&x, doc, &e) < 0) {
		if (!e.text)
			abort();
		return;
	}
	oci_index_write(&x, &one);
	if (oci_index_parse(&y, &one, NULL) < 0 || x.n != y.n)
		abort();
	oci_index_write(&y, &two);
	same(&one, &two);
	oci_platform_of_host(&host);
	(void)oci_index_select(&x, &host, &d, &e);
}

static void check_manifest(const struct oci_document *doc)
{
	AUTO_OCI_MANIFEST struct oci_manifest x = {0}, y = {0};
	AUTO_OCI_DOCUMENT struct oci_document one = {0}, two = {0};
	AUTO_ERR struct err e = ERR_INIT;

	if (oci_manifest_parse(&x, doc, &e) < 0) {
		if (!e.text)
			abort();
		return;
	}
	oci_manifest_write(&x, &one);
	if (oci_manifest_parse(&y, &one, NULL) < 0 || x.n != y.n)
		abort();
	oci_manifest_write(&y, &two);
	same(&one, &two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	char *text = xcalloc(size + 1, 1);

	memcpy(text, data, size);
	if (oci_document_init(&doc, NULL, text, size, NULL) < 0)
		return 0;
	if (oci_document_is_index(&doc))
		check_index(&doc);
	else
		check_manifest(&doc);
	return 0;
}
