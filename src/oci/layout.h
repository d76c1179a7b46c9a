/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Image layouts: a folder with the files oci-layout and index.json and the folder
 * blobs/sha256. Source: image-spec 1.1, "Image Layout". A tar of one is an oci-archive;
 * who writes that asks for the files' names and contents here.
 *
 * Several processes may add to a layout at once; every file appears as a whole.
 */

#include "base/err.h"
#include "oci/blobs.h"
#include "oci/manifest.h"

#define OCI_LAYOUT_FILE	   "oci-layout"
#define OCI_LAYOUT_CONTENT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define OCI_LAYOUT_INDEX   "index.json"
#define OCI_LAYOUT_BLOBS   "blobs/sha256"
#define OCI_ANNOTATION_REF "org.opencontainers.image.ref.name"

struct oci_layout;

/* Opens the layout in a folder. */
int oci_layout_open(int dirfd, const char *path, struct oci_layout **layout,
		    struct err *e);

/* The same, made first where it is not there or the folder is empty. */
int oci_layout_create(int dirfd, const char *path, struct oci_layout **layout,
		      struct err *e);

/* Its blobs, valid as long as the layout is. */
struct oci_blobs *oci_layout_blobs(struct oci_layout *layout);

/* What index.json says. */
int oci_layout_index(struct oci_layout *layout, struct oci_index *index, struct err *e);

/*
 * The image of a name (its annotation org.opencontainers.image.ref.name), or the only one
 * where the name is NULL. -ENOENT, with a text that lists the names, when there is none.
 */
int oci_layout_find(struct oci_layout *layout, const char *name,
		    struct oci_descriptor *found, struct err *e);

/* The document of a descriptor. */
int oci_layout_document(struct oci_layout *layout, const struct oci_descriptor *d,
			struct oci_document *doc, struct err *e);

/*
 * Puts an image whose blobs are all there into index.json, in place of the one that has
 * the name; without a name, in place of the one with the same digest.
 */
int oci_layout_set(struct oci_layout *layout, const char *name,
		   const struct oci_descriptor *image, struct err *e);

/* --- For oci-archives; path is theirs --- */

/* Whether the content of the file oci-layout is of a version that is known here. */
int oci_layout_check(const char *path, const char *data, size_t len, struct err *e);

/* As oci_layout_find(), in an index.json that is read already. */
int oci_layout_choose(const struct oci_index *index, const char *path, const char *name,
		      struct oci_descriptor *found, struct err *e);

/* The index.json of a layout that has this one image. */
void oci_layout_index_of(const char *name, const struct oci_descriptor *image,
			 struct oci_document *index);

void oci_layout_close(struct oci_layout *layout);
void oci_layout_close_p(struct oci_layout **layout);
#define AUTO_OCI_LAYOUT CLEAN(oci_layout_close_p)
