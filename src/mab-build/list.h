/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lists of images in the store, which grow one image after the other: what the commands
 * of `manifest` work on. A list is an index under a name; of the images in it the store
 * has manifests and configurations, and the layers only if they came from no registry.
 */

#include "base/strv.h"
#include "mab-build/image.h"

struct list {
	struct local *local;
	char *name;
	int lock; /* others wait until it is closed */
	struct store_image entry;
	struct oci_index index;
};

/* What is said of an image; NULL and empty: what it says itself. */
struct list_facts {
	const char *os, *architecture, *variant, *os_version;
	struct strv features, os_features;
	struct oci_map annotations;
};

/* Each is to be closed, also after a failure. */
int list_open(struct list *list, struct local *local, const struct oci_reference *ref,
	      struct err *e);

/* A new one; with amend, the one that there is. */
int list_create(struct list *list, struct local *local, const struct oci_reference *ref,
		bool amend, struct err *e);

/*
 * Adds an image at the end; of an index the one that serves the platform that the facts
 * say (by default this machine), or with all, each. *added is its digest. One that is in
 * the list already moves.
 */
int list_add(struct list *list, struct image *image, bool all,
	     const struct list_facts *facts, struct oci_digest *added, struct err *e);

/* The image of that digest; the failure's text lists those that there are. */
int list_find(struct list *list, const struct oci_digest *digest,
	      struct oci_descriptor **found, struct err *e);
int list_annotate(struct oci_descriptor *d, const struct list_facts *facts,
		  struct err *e);
void list_remove(struct list *list, const struct oci_digest *digest);

/* Puts it back into the store; *digest is the new one. */
int list_save(struct list *list, struct oci_digest *digest, struct err *e);
void list_close(struct list *list);

#define AUTO_LIST CLEAN(list_close)
