/* SPDX-License-Identifier: MIT */
#pragma once

/* Several places in which the parts of an image may be, seen as one to be read. */

#include "oci/blobs.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "registry/client.h"

struct places;

/* first is looked into before all others; NULL: there is none. It must outlive this. */
struct places *places_new(struct oci_blobs *first);

/* A document in a registry, and what it names. Takes over what *doc has. */
void places_add(struct places *p, struct registry *client,
		const struct oci_reference *ref, struct oci_document *doc);

struct oci_blobs *places_blobs(struct places *p);

/* The repositories, as many as returned; *refs is the caller's, what they have is not. */
size_t places_references(const struct places *p, struct oci_reference **refs);
void places_free(struct places *p);
void places_free_p(struct places **p);
#define AUTO_PLACES CLEAN(places_free_p)
