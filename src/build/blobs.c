/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "store/blobs.h"

static struct build *of_blobs(struct oci_blobs *blobs)
{
	return (struct build *)(void *)((char *)blobs - offsetof(struct build, blobs));
}

/* A layer of a base is fetched when it is asked for. */
static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **blob, struct err *e)
{
	struct build *b = of_blobs(blobs);
	struct build_layer *l = build_layer_of_blob(b, digest);
	int r = l ? build_layer_fetch(b, l, e) : 0;

	return r < 0 ? r : b->stored->open(b->stored, digest, blob, e);
}

static int create_blob(struct oci_blobs *blobs, struct oci_blob_writer **w, struct err *e)
{
	struct build *b = of_blobs(blobs);

	return b->stored->create(b->stored, w, e);
}

static int copy_blob(struct oci_blob *from, struct store_ingest *into, struct err *e)
{
	enum { BLOCK = 256 * 1024 };
	AUTO_FREE char *block = xcalloc(1, BLOCK);
	uint64_t at = 0;
	ssize_t n;

	while ((n = from->read(from, block, BLOCK, at, e)) > 0) {
		int r = store_ingest_add(into, block, (size_t)n, e);

		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	return (int)n;
}

int build_blob_take(struct build *b, struct oci_blobs *from,
		    const struct oci_descriptor *blob, struct err *e)
{
	AUTO_OCI_BLOB struct oci_blob *opened = NULL;
	struct oci_digest digest = blob->digest;
	struct store_ingest *in = NULL;
	int r = from->open(from, &digest, &opened, e);

	if (r == 0)
		r = store_ingest_new(b->store, true, &in, e);
	if (r == 0)
		r = copy_blob(opened, in, e);
	if (r == 0)
		r = store_ingest_commit(in, &digest, true, e);
	store_ingest_free(in);
	if (r >= 0)
		close(r);
	return r < 0 ? r : 0;
}

void build_blobs_init(struct build *b)
{
	b->stored = store_blobs_new(b->store);
	b->blobs = (struct oci_blobs){open_blob, create_blob};
}
