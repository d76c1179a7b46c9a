/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From where an image is read: the mirrors that registries.conf has for it, and its
 * location last. What failed once for an image is not asked again for the rest of it, so
 * that its blobs come from where its manifest came from.
 */

#include "registry/client-internal.h"

struct route;

/* Reads something at one place. ref is the image's name there. */
typedef int (*route_read)(void *context, struct repository *repo,
			  const struct oci_reference *ref, struct err *e);

/*
 * Calls read for the places of a complete reference until one succeeds; failures but the
 * last are logged. read may be called again after it failed.
 */
int route_follow(struct registry *r, const struct oci_reference *ref, route_read read,
		 void *context, struct err *e);

/* The repository at the first of the places that has not failed: for what is read later.
 */
int route_now(struct registry *r, const struct oci_reference *ref,
	      struct repository **repo, struct err *e);

/* The repository at the last of the places, the location. */
int route_last(struct registry *r, const struct oci_reference *ref,
	       struct repository **repo, struct err *e);

void routes_free(struct route *routes);
