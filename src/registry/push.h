/* SPDX-License-Identifier: MIT */
#pragma once

/* Writing images. */

#include "base/err.h"
#include "oci/blobs.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "registry/client.h"

/*
 * Pushes a manifest, or an index with all its manifests, to a complete reference. All
 * that it names is read from `from` unless the registry has it; a blob goes up once,
 * however many images share it. Then come the manifests by digest, and last the document
 * under the reference's tag: a reader sees the old image or the whole new one. The bytes
 * go up as they are.
 *
 * origins are references on the same registry whose blobs may be mounted instead of
 * uploaded (the base images), norigins of them.
 */
int registry_push(struct registry *r, const struct oci_reference *ref,
		  const struct oci_document *doc, struct oci_blobs *from,
		  const struct oci_reference *origins, size_t norigins, struct err *e);

/* One blob of what will be pushed there, before all the rest is known. */
int registry_push_blob(struct registry *r, const struct oci_reference *ref,
		       const struct oci_descriptor *d, struct oci_blobs *from,
		       const struct oci_reference *origins, size_t norigins,
		       struct err *e);
