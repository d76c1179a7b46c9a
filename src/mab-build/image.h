/* SPDX-License-Identifier: MIT */
#pragma once

/* Images by the names that people type: docker://REFERENCE, oci:FOLDER[:NAME]. */

#include "base/err.h"
#include "oci/layout.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "registry/client.h"

enum transport { TRANSPORT_REGISTRY, TRANSPORT_OCI };

struct image_name {
	enum transport transport;
	struct oci_reference ref; /* complete */
	char *typed;		  /* a reference without a host; NULL: it had one */
	char *folder;
	char *name; /* in the layout; NULL: the only one, or none */
};

/* Without a transport, a reference is meant. */
int image_name_parse(struct image_name *name, const char *text, struct err *e);
void image_name_free(struct image_name *name);

/* An image that is open for reading. */
struct image {
	struct oci_document doc;   /* the manifest or index that the name stands for */
	struct oci_layout *layout; /* NULL: it is in a registry */
	struct oci_blobs *remote;
	struct registry *client; /* borrowed, like the name */
	const struct image_name *name;
};

/* A name typed without a host becomes the one that registries.conf says. */
int image_open(struct image *image, struct image_name *name, struct registry *client,
	       struct err *e);

/* The same for a name that is not opened. */
int image_name_complete(struct image_name *name, struct registry *client, struct err *e);

/* Goes from an index to one platform's manifest (NULL: this machine's). */
int image_select(struct image *image, const char *platform, struct err *e);

/* All that the document names; after image_select(). Valid as long as the image is. */
struct oci_blobs *image_blobs(struct image *image);
void image_close(struct image *image);

#define AUTO_IMAGE_NAME CLEAN(image_name_free)
#define AUTO_IMAGE	CLEAN(image_close)
