/* SPDX-License-Identifier: MIT */
#include "store/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

struct held {
	struct oci_digest digest;
	int fd;
};

struct store_blobs {
	struct oci_blobs blobs; /* first */
	struct store *store;
	pthread_mutex_t lock; /* of what follows */
	struct held *held;
	size_t n;
};

struct writer {
	struct oci_blob_writer writer; /* first */
	struct store_blobs *blobs;
	struct store_ingest *in;
};

static bool is_held(const struct store_blobs *s, const struct oci_digest *digest)
{
	for (size_t i = 0; i < s->n; i++)
		if (oci_digest_equal(&s->held[i].digest, digest))
			return true;
	return false;
}

/* Takes over fd. */
static void hold(struct store_blobs *s, const struct oci_digest *digest, int fd)
{
	pthread_mutex_lock(&s->lock);
	if (is_held(s, digest)) {
		close(fd);
	} else {
		GROW(s->held, s->n);
		s->held[s->n++] = (struct held){*digest, fd};
	}
	pthread_mutex_unlock(&s->lock);
}

static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **blob, struct err *e)
{
	struct store_blobs *s = (struct store_blobs *)blobs;
	char text[OCI_DIGEST_TEXT];
	uint64_t size;
	int copy, fd = store_blob_open(s->store, digest, &size, e);

	if (fd == -ENOENT)
		return err_set(e, fd, "the store has no blob %s",
			       oci_digest_format(digest, text));
	if (fd < 0)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0) {
		close(fd);
		return err_sys(e, -errno, "cannot hold the blob %s",
			       oci_digest_format(digest, text));
	}
	hold(s, digest, copy);
	*blob = oci_blob_of_file(fd, 0, size);
	return 0;
}

static int append(struct oci_blob_writer *w, const void *data, size_t n, struct err *e)
{
	return store_ingest_add(((struct writer *)w)->in, data, n, e);
}

static void forget(struct oci_blob_writer *w)
{
	store_ingest_free(((struct writer *)w)->in);
	free(w);
}

static int commit(struct oci_blob_writer *w, const struct oci_digest *digest,
		  struct err *e)
{
	struct store_blobs *s = ((struct writer *)w)->blobs;
	struct oci_digest copy = *digest;
	int fd = store_ingest_commit(((struct writer *)w)->in, &copy, false, e);

	forget(w);
	if (fd < 0)
		return fd;
	hold(s, digest, fd);
	return 0;
}

static int create(struct oci_blobs *blobs, struct oci_blob_writer **w, struct err *e)
{
	struct store_blobs *s = (struct store_blobs *)blobs;
	struct writer *new = xcalloc(1, sizeof *new);
	int r = store_ingest_new(s->store, false, &new->in, e);

	if (r < 0) {
		free(new);
		return r;
	}
	new->writer = (struct oci_blob_writer){append, commit, forget};
	new->blobs = s;
	*w = &new->writer;
	return 0;
}

struct oci_blobs *store_blobs_new(struct store *store)
{
	struct store_blobs *s = xcalloc(1, sizeof *s);

	s->blobs = (struct oci_blobs){open_blob, create};
	s->store = store;
	pthread_mutex_init(&s->lock, NULL);
	return &s->blobs;
}

void store_blobs_free(struct oci_blobs *blobs)
{
	struct store_blobs *s = (struct store_blobs *)blobs;

	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		close(s->held[i].fd);
	free(s->held);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
