/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * An image in the other format: OCI's documents or Docker's. Only manifests and indexes
 * are written anew, so their digests change; configurations and layers are the same bytes
 * under the other media types. Docker's readers know no zstd: such a layer is refused.
 */

#include "oci/blobs.h"
#include "oci/manifest.h"

/* Gives a descriptor the media type of the format: 1 when it had another, 0, -EINVAL. */
int oci_descriptor_convert(struct oci_descriptor *d, enum oci_format format,
			   struct err *e);

/* A place that has the converted documents, and else what `from` has. */
struct oci_conversion;

/*
 * *root is replaced by its other form, if it is not in that format already: 0 then and 1
 * when it was converted. `from` must outlive the conversion. *c is to be released in any
 * case.
 */
int oci_convert(struct oci_conversion **c, struct oci_document *root,
		struct oci_blobs *from, enum oci_format format, struct err *e);

/* To be read only. */
struct oci_blobs *oci_conversion_blobs(struct oci_conversion *c);
void oci_conversion_free(struct oci_conversion *c);
