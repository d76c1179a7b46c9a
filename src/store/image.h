/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the name of a local image leads to: its manifest or index, which is a blob here.
 * Of a list of images the layers may be elsewhere: then the name also tells where.
 *
 *     DIGEST MEDIA-TYPE
 *     MANIFEST-DIGEST HOST/PATH     any number of these lines
 */

#include "store/store.h"

/* Where what the store has not of an image can be fetched. */
struct store_origin {
	struct oci_digest manifest;
	char *repository; /* "docker.io/library/debian" */
};

struct store_image {
	struct oci_digest digest;
	char *media_type;
	struct store_origin *origins;
	size_t n;
};

/* name is a whole reference. -ENOENT when there is no such image. */
int store_image_read(struct store *s, const char *name, struct store_image *image,
		     struct err *e);
int store_image_write(struct store *s, const char *name, const struct store_image *image,
		      struct err *e);

/*
 * Who reads an image and writes it changed is alone from the one to the other: an fd for
 * store_image_unlock().
 */
int store_image_lock(struct store *s, const char *name, struct err *e);
void store_image_unlock(struct store *s, const char *name, int lock);

/* NULL: the store itself has all of that manifest. */
const char *store_image_origin(const struct store_image *image,
			       const struct oci_digest *manifest);

/* Replaces the one that it has; repository NULL: none any more. */
void store_image_set_origin(struct store_image *image, const struct oci_digest *manifest,
			    const char *repository);
void store_image_free(struct store_image *image);

#define AUTO_STORE_IMAGE CLEAN(store_image_free)
