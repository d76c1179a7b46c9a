/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reading images. All references are complete (registry_complete). Whatever comes from a
 * registry is held against its digest and size before anyone sees it. Everything is read
 * from the mirrors first that registries.conf names for it.
 */

#include "base/err.h"
#include "base/strv.h"
#include "oci/blobs.h"
#include "oci/manifest.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "registry/client.h"

/*
 * oci_reference_complete(), but as registries.conf says: a short name becomes that of its
 * alias, or that under the first of several registries to search that has it.
 */
int registry_complete(struct registry *r, struct oci_reference *ref, struct err *e);

/* The manifest or index of a reference. -ENOENT when there is no such image. */
int registry_resolve(struct registry *r, const struct oci_reference *ref,
		     struct oci_document *doc, struct err *e);

/* What digest and size a reference has now, without reading it: one HEAD. */
int registry_head(struct registry *r, const struct oci_reference *ref,
		  struct oci_descriptor *d, struct err *e);

/* The document or blob of a descriptor in a reference's repository. */
int registry_fetch_document(struct registry *r, const struct oci_reference *ref,
			    const struct oci_descriptor *d, struct oci_document *doc,
			    struct err *e);
int registry_fetch_blob(struct registry *r, const struct oci_reference *ref,
			const struct oci_descriptor *d, struct oci_blobs *into,
			struct err *e);

/*
 * Everything that a document names, several at once, then the document itself: into has
 * the whole image when it has the document. Of an index, all its images. What is there
 * already is not fetched.
 */
int registry_pull(struct registry *r, const struct oci_reference *ref,
		  const struct oci_document *doc, struct oci_blobs *into, struct err *e);

/*
 * What a document of a repository names, to be read only: the source of a copy. A blob
 * comes while it is read (registry/stream.h). Keeps both pointers. Free it with
 * registry_blobs_free().
 */
struct oci_blobs *registry_blobs_of(struct registry *r, const struct oci_reference *ref,
				    const struct oci_document *doc);
void registry_blobs_free(struct oci_blobs *blobs);

/* All tags of the reference's repository, sorted. A mirror is not asked for them. */
int registry_tags(struct registry *r, const struct oci_reference *ref, struct strv *tags,
		  struct err *e);
