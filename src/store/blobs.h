/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The store as a place that has blobs. What is opened or added through it stays in use
 * until it is released: prune leaves an image alone that has no name yet.
 */

#include "oci/blobs.h"
#include "store/store.h"

/* The store must outlive it. */
struct oci_blobs *store_blobs_new(struct store *s);
void store_blobs_free(struct oci_blobs *blobs);
