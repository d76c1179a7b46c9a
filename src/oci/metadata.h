/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a build tells about its result in a file (--metadata-file), with the names that
 * BuildKit has for it: containerimage.digest, containerimage.descriptor, and image.name,
 * which has all names in one text, with commas between.
 */

#include "base/strv.h"
#include "oci/manifest.h"

struct oci_metadata {
	struct oci_descriptor image; /* manifest, with its platform, or index */
	struct strv names;	     /* references, under which it was pushed, too */
};

/* Indented JSON, the caller's. */
char *oci_metadata_write(const struct oci_metadata *m);
int oci_metadata_parse(struct oci_metadata *m, const char *data, size_t len,
		       struct err *e);
void oci_metadata_free(struct oci_metadata *m);

#define AUTO_OCI_METADATA CLEAN(oci_metadata_free)
