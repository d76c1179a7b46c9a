/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The layers of a build. Each diff id is one struct for the whole build, whichever
 * platforms and steps have it, so that it is fetched, unpacked and indexed once, and only
 * when somebody has to see its files.
 */

#include <pthread.h>

#include "base/err.h"
#include "build/arrival.h"
#include "layer/index.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "store/store.h"

struct build;

struct build_layer {
	struct oci_digest diff_id;
	struct oci_descriptor blob;
	int level; /* that it is compressed at, of those made here; 0: the usual one */
	const struct oci_reference *origin; /* where it can be fetched; NULL: nowhere */
	struct oci_blobs *from;		    /* or read; NULL: nowhere */
	const char *cache; /* these are of --cache-from, and its name; else NULL */
	/* private */
	pthread_mutex_t fetching; /* of what follows, held until it has come */
	int held;		  /* the blob, in use */
	struct build_arrival arrival;
	pthread_mutex_t knowing; /* of what follows, held for moments */
	pthread_cond_t known;
	bool reading;		   /* somebody does, and will tell the index */
	struct layer_index *index; /* does not change once it is there */
	struct layer_index *told;  /* by a cache: not to be kept */
	bool asked;		   /* the caches for that */
	pthread_mutex_t lock;	   /* of what follows, held until it is unpacked */
	struct build_snapshot {
		char form[STORE_FORM_MAX + 1];
		int held; /* what keeps it in use */
		int fs;	  /* its files */
	} * snapshots;
	size_t nsnapshots;
};

/* The lowest first. Layers are the build's. */
struct build_chain {
	struct build_layer **v;
	size_t n;
};

/* The layer of this diff id, made from the blob's descriptor if it is new. */
struct build_layer *build_layer_get(struct build *b, const struct oci_digest *diff_id,
				    const struct oci_descriptor *blob, int level,
				    const struct oci_reference *origin);

/* The layer that has this blob; NULL when there is none. */
struct build_layer *build_layer_of_blob(struct build *b, const struct oci_digest *digest);

/* Where the blob can be had, unless the layer has another one, or a place already. */
void build_layer_offer(struct build_layer *l, const struct oci_digest *blob,
		       const struct oci_reference *origin, struct oci_blobs *from,
		       const char *cache);

/* Makes sure that its blob is in the store, and in use until the end. */
int build_layer_fetch(struct build *b, struct build_layer *l, struct err *e);

/* The same, and an fd of the blob to read it from its start, the caller's. */
int build_layer_read(struct build *b, struct build_layer *l, struct err *e);

/* Its index, the layer's. */
int build_layer_index(struct build *b, struct build_layer *l, struct layer_index **index,
		      struct err *e);

/* The same without reading the layer; NULL when that would be needed. */
struct layer_index *build_layer_known_index(struct build *b, struct build_layer *l);

/* Take over what the store gave for its blob, and for its snapshot in the build's form.
 */
void build_layer_hold(struct build_layer *l, int blob);
int build_snapshot_hold(struct build *b, struct build_layer *l, int snapshot,
			struct err *e);

/* Records its index, for who made the layer or read it. Takes over what is in there. */
int build_layer_keep_index(struct build *b, struct build_layer *l,
			   struct layer_index *index, struct err *e);

void build_layers_free(struct build *b);

void build_chain_copy(struct build_chain *c, const struct build_chain *from);
void build_chain_add(struct build_chain *c, struct build_layer *l);
void build_chain_free(struct build_chain *c);

/* What tells these layers from others, whatever made them. */
void build_chain_digest(const struct build_chain *c, struct oci_digest *digest);

/* Of the layer at i, as it looks over those below it: an fd of its files, the layer's. */
int build_chain_snapshot(struct build *b, const struct build_chain *c, size_t i,
			 struct err *e);

/*
 * The snapshots, the uppermost first, as priv_overlay wants them: each once, since what a
 * layer hides below it hides the same layer too. *fds is the caller's.
 */
int build_chain_snapshots(struct build *b, const struct build_chain *c, int **fds,
			  size_t *n, struct err *e);

/* All indexes as a view; view->layers is the caller's. */
int build_chain_view(struct build *b, const struct build_chain *c,
		     struct layer_view *view, struct err *e);

/*
 * Their files as one folder, to read: an fd, the caller's. No layers are an empty folder.
 */
int build_chain_open(struct build *b, const struct build_chain *c, struct err *e);
