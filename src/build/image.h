/* SPDX-License-Identifier: MIT */
#pragma once

/* Images: those that a build begins with, and those that it makes. */

#include "base/err.h"
#include "build/layers.h"
#include "oci/config.h"
#include "oci/layout.h"
#include "oci/manifest.h"

/* One that FROM or --from names, for a platform. */
struct build_image {
	char *name; /* as written */
	struct oci_platform platform;
	struct oci_reference ref;
	bool local;		   /* it is in the store */
	bool lone;		   /* there is no index of it */
	struct oci_layout *layout; /* that it is in; else NULL */
	struct oci_digest digest;  /* of its manifest */
	struct oci_config config;
	struct build_chain layers;
};

struct build_images {
	struct build_image **v;
	size_t n;
	struct build_top {
		char *name;
		struct oci_document doc;
	} * tops; /* what came from registries */
	size_t ntops;
};

/*
 * Finds out what an image is: by its name in the store, else in its registry. Its layers
 * are not fetched. Each image and platform is asked for once. From one thread.
 */
int build_image_get(struct build *b, const char *name,
		    const struct oci_platform *platform, struct build_image **image,
		    struct err *e);

/*
 * The same in an image layout: by name, by "@" and a digest, or, with name NULL, the only
 * one there.
 */
int build_image_of_layout(struct build *b, const char *folder, const char *name,
			  const struct oci_platform *platform, struct build_image **image,
			  struct err *e);

/* Writes configuration and manifest of every platform, and the index of several. */
int build_images_write(struct build *b, struct err *e);

void build_images_free(struct build *b);
