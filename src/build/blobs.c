/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "build/internal.h"

/* The build that both kinds are members of. */
static struct build *of_stored(struct oci_blobs *blobs)
{
	return (struct build *)(void *)((char *)blobs - offsetof(struct build, stored));
}

static struct build *of_blobs(struct oci_blobs *blobs)
{
	return (struct build *)(void *)((char *)blobs - offsetof(struct build, blobs));
}

static int open_stored(struct oci_blobs *blobs, const struct oci_digest *digest,
		       struct oci_blob **blob, struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	uint64_t size;
	int fd = store_blob_open(of_stored(blobs)->store, digest, &size, e);

	if (fd == -ENOENT)
		return err_set(e, fd, "the store has no blob %s",
			       oci_digest_format(digest, text));
	if (fd < 0)
		return fd;
	*blob = oci_blob_of_file(fd, 0, size);
	return 0;
}

/* A layer of a base is fetched when it is asked for. */
static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **blob, struct err *e)
{
	struct build *b = of_blobs(blobs);
	struct build_layer *l = build_layer_of_blob(b, digest);
	int r = l ? build_layer_fetch(b, l, e) : 0;

	return r < 0 ? r : open_stored(&b->stored, digest, blob, e);
}

struct writer {
	struct oci_blob_writer writer;
	struct store_ingest *in;
};

static int append(struct oci_blob_writer *w, const void *data, size_t n, struct err *e)
{
	return store_ingest_add(((struct writer *)w)->in, data, n, e);
}

static void abandon(struct oci_blob_writer *w)
{
	store_ingest_free(((struct writer *)w)->in);
	free(w);
}

static int commit(struct oci_blob_writer *w, const struct oci_digest *digest,
		  struct err *e)
{
	struct oci_digest copy = *digest;
	int fd = store_ingest_commit(((struct writer *)w)->in, &copy, false, e);

	abandon(w);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int create(struct store *store, struct oci_blob_writer **w, struct err *e)
{
	struct writer *new = xcalloc(1, sizeof *new);
	int r = store_ingest_new(store, false, &new->in, e);

	if (r < 0) {
		free(new);
		return r;
	}
	new->writer = (struct oci_blob_writer){append, commit, abandon};
	*w = &new->writer;
	return 0;
}

static int create_stored(struct oci_blobs *blobs, struct oci_blob_writer **w,
			 struct err *e)
{
	return create(of_stored(blobs)->store, w, e);
}

static int create_blob(struct oci_blobs *blobs, struct oci_blob_writer **w, struct err *e)
{
	return create(of_blobs(blobs)->store, w, e);
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
	b->stored = (struct oci_blobs){open_stored, create_stored};
	b->blobs = (struct oci_blobs){open_blob, create_blob};
}
