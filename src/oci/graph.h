/* SPDX-License-Identifier: MIT */
#pragma once

/* All that an image or an index of images consists of. */

#include "oci/blobs.h"
#include "oci/manifest.h"

struct oci_graph {
	struct oci_document *documents; /* below the root; children before parents */
	size_t n_documents;
	struct oci_descriptor
		*blobs; /* configurations and layers, each once, large first */
	size_t n_blobs;
};

/*
 * Gets n documents, which may be done at once: each into its place of docs, which are
 * empty. What stays empty is left out, and what it names. After a failure those that are
 * there are freed by the caller.
 */
typedef int oci_graph_load_fn(void *context, const struct oci_descriptor *const *d,
			      size_t n, struct oci_document *docs, struct err *e);

/*
 * Walks from a root down; load gets the documents below, those of one index together.
 * What two indexes share is there once.
 */
int oci_graph_load(struct oci_graph *g, const struct oci_document *root,
		   oci_graph_load_fn *load, void *context, struct err *e);

/* The same from a place that has everything as blobs. */
int oci_graph_of_blobs(struct oci_graph *g, const struct oci_document *root,
		       struct oci_blobs *from, struct err *e);

/*
 * Copies a document and all that it names from one place to another, the document last.
 * Digests are verified on the way.
 */
int oci_blobs_copy(const struct oci_document *root, struct oci_blobs *from,
		   struct oci_blobs *into, struct err *e);

void oci_graph_free(struct oci_graph *g);

#define AUTO_OCI_GRAPH CLEAN(oci_graph_free)
