/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Images of the store, by name. Of a list that was put together from images in registries
 * the layers are still there: they are read from there when somebody wants them.
 */

#include "build/seen.h"
#include "mab-build/places.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "registry/client.h"
#include "store/image.h"

struct local {
	struct store *store;
	struct oci_blobs *blobs; /* the store's; held until local_close() */
	struct build_seen seen;
};

/*
 * root: the folder, or NULL for $MAB_BUILD_ROOT or the usual one. Without `make`, one
 * that is not there is no failure: local->store is NULL then.
 */
int local_open(struct local *local, const char *root, bool make, struct err *e);
void local_close(struct local *local);

/*
 * Has a client remember in the store, if there is one, where it saw blobs. local must
 * outlive it.
 */
void local_remember(struct local *local, struct registry_settings *settings);

/* An image that is open for reading. */
struct local_image {
	char *name; /* the whole reference, as the store has it; else as it was typed */
	struct strv names; /* all, of one that was found by digest; there may be none */
	struct store_image entry;
	struct oci_document doc;
	struct places *places; /* where its blobs are: the store, and the origins */
};

/* -ENOENT when there is no such image. The client is asked once something is read. */
int local_image_open(struct local_image *image, struct local *local,
		     const struct oci_reference *ref, struct registry *client,
		     struct err *e);

/* The same of the image that local_find() finds. */
int local_image_find(struct local_image *image, struct local *local, const char *word,
		     struct registry *client, struct err *e);

void local_image_close(struct local_image *image);

/*
 * What the store has of the image that a person means: storage_find(), or by a whole
 * digest also one without a name, of which perhaps not all is there.
 */
int local_find(struct local *local, const char *word, struct strv *names,
	       struct store_image *entry, struct err *e);

/* -ENOENT when the place has not everything that the document names. */
int local_check_whole(struct oci_blobs *from, const struct oci_document *doc,
		      struct err *e);

/* Gives an image, all of whose blobs are there, a name. */
int local_name(struct local *local, const struct oci_reference *ref,
	       const struct oci_document *doc, struct err *e);

/* A document out of a place that has it as a blob. */
int local_document(struct oci_blobs *from, const struct oci_digest *digest,
		   const char *media_type, struct oci_document *doc, struct err *e);

#define AUTO_LOCAL	 CLEAN(local_close)
#define AUTO_LOCAL_IMAGE CLEAN(local_image_close)
