/* SPDX-License-Identifier: MIT */
#include "build/arrival.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "build/internal.h"

/* --- Who brings it --- */

struct writer {
	struct oci_blob_writer writer; /* first */
	struct build_arrival *arrival;
	struct store_ingest *in;
};

/* A download goes on, or ends with fd -1. */
static void tell(struct build_arrival *a, bool anew, int fd, uint64_t size)
{
	pthread_mutex_lock(&a->lock);
	a->tries += anew;
	a->fd = fd;
	a->size = size;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

static int append(struct oci_blob_writer *w, const void *data, size_t n, struct err *e)
{
	struct writer *writer = (struct writer *)w;
	struct build_arrival *a = writer->arrival;
	int r = store_ingest_add(writer->in, data, n, e);

	if (r == 0)
		tell(a, false, a->fd, a->size + n);
	return r;
}

static void forget(struct oci_blob_writer *w)
{
	struct writer *writer = (struct writer *)w;

	tell(writer->arrival, false, -1, writer->arrival->size);
	store_ingest_free(writer->in);
	free(writer);
}

static int commit(struct oci_blob_writer *w, const struct oci_digest *digest,
		  struct err *e)
{
	struct writer *writer = (struct writer *)w;
	struct build_arrival *a = writer->arrival;
	struct oci_digest copy = *digest;
	int fd;

	tell(a, false, -1, a->size);
	fd = store_ingest_commit(writer->in, &copy, false, e);
	forget(w);
	if (fd < 0)
		return fd;
	clean_close(&a->held);
	a->held = fd;
	return 0;
}

static int create(struct oci_blobs *blobs, struct oci_blob_writer **w, struct err *e)
{
	struct build_arrival *a = (struct build_arrival *)blobs;
	struct writer *new = xcalloc(1, sizeof *new);
	int r = store_ingest_new(a->b->store, false, &new->in, e);

	if (r < 0) {
		free(new);
		return r;
	}
	new->writer = (struct oci_blob_writer){append, commit, forget};
	new->arrival = a;
	tell(a, true, store_ingest_fd(new->in), 0);
	*w = &new->writer;
	return 0;
}

static int open_stored(struct oci_blobs *blobs, const struct oci_digest *digest,
		       struct oci_blob **blob, struct err *e)
{
	struct oci_blobs *stored = ((struct build_arrival *)blobs)->b->stored;

	return stored->open(stored, digest, blob, e);
}

void build_arrival_init(struct build_arrival *a, struct build *b)
{
	*a = (struct build_arrival){
		.blobs = {open_stored, create}, .b = b, .fd = -1, .held = -1};
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
}

void build_arrival_free(struct build_arrival *a)
{
	clean_close(&a->held);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->changed);
}

int build_arrival_take(struct build_arrival *a)
{
	int fd = a->held;

	a->held = -1;
	return fd;
}

void build_arrival_end(struct build_arrival *a)
{
	pthread_mutex_lock(&a->lock);
	a->ended = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

/* --- Who follows --- */

void build_follow(struct build_arrival *a, uint64_t total, struct build_follower *f)
{
	*f = (struct build_follower){.arrival = a, .total = total, .fd = -1};
	pthread_mutex_lock(&a->lock);
	a->ended = false;
	pthread_mutex_unlock(&a->lock);
}

/* With the arrival's lock: bytes that can be read now; 0 at the end. */
static ssize_t wait_for_some(struct build_follower *f)
{
	struct build_arrival *a = f->arrival;

	for (;;) {
		if (f->fd < 0 && a->fd >= 0) {
			f->fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);
			f->try = a->tries;
			if (f->fd < 0)
				return -errno;
		}
		if (f->fd >= 0 && f->try != a->tries)
			return -EAGAIN;
		if (f->fd >= 0 && f->at < a->size)
			return (ssize_t)(a->size - f->at);
		if (f->at == f->total)
			return 0;
		if (a->fd < 0 && (f->fd >= 0 || a->ended))
			return -EAGAIN;
		pthread_cond_wait(&a->changed, &a->lock);
	}
}

ssize_t build_follower_read(void *context, void *data, size_t n, struct err *e)
{
	struct build_follower *f = context;
	ssize_t r;

	pthread_mutex_lock(&f->arrival->lock);
	r = wait_for_some(f);
	pthread_mutex_unlock(&f->arrival->lock);
	if (r > 0) {
		r = pread(f->fd, data, (size_t)r < n ? (size_t)r : n, (off_t)f->at);
		r = r < 0 ? -errno : r ? r : -EIO;
	}
	if (r < 0)
		return err_sys(e, (int)r, "cannot read a blob that comes");
	f->at += (uint64_t)r;
	return r;
}

bool build_follower_is_last(const struct build_follower *f)
{
	return f->fd >= 0 && f->try == f->arrival->tries;
}

void build_follower_free(struct build_follower *f)
{
	clean_close(&f->fd);
}
