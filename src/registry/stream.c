/* SPDX-License-Identifier: MIT */
#include "registry/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

enum { RING = 1 << 20 }; /* bytes that may have come and not been read yet */

struct stream {
	struct oci_blob blob; /* first */
	struct repository *repo;
	struct oci_digest digest;

	/* the reader's */
	struct oci_hasher *hasher;
	uint64_t hashed; /* bytes from the beginning on */
	uint64_t offset; /* of what comes next */
	pthread_t thread;
	bool running;

	atomic_bool stop;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	char *ring;
	size_t head, fill;
	bool ended;
	int result; /* once it has ended */
	struct err why;
};

/* ---- the thread: a request whose answer goes into the ring ---- */

/* As much as there is room for in one piece; with the lock. */
static size_t put(struct stream *s, const char *bytes, size_t n)
{
	size_t at = (s->head + s->fill) % RING;
	size_t part = at < s->head ? s->head - at : RING - at;

	if (part > n)
		part = n;
	memcpy(s->ring + at, bytes, part);
	s->fill += part;
	pthread_cond_broadcast(&s->changed);
	return part;
}

static int receive(void *context, const char *bytes, size_t n, struct err *e)
{
	struct stream *s = context;

	pthread_mutex_lock(&s->lock);
	while (n && !atomic_load(&s->stop)) {
		size_t part = 0;

		if (s->fill < RING)
			part = put(s, bytes, n);
		else
			pthread_cond_wait(&s->changed, &s->lock);
		bytes += part;
		n -= part;
	}
	pthread_mutex_unlock(&s->lock);
	return n ? err_set(e, -ECANCELED, "nobody reads any more") : 0;
}

static int ask(struct stream *s, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	char text[OCI_DIGEST_TEXT];
	AUTO_FREE char *url =
		repository_url(s->repo, "blobs/%s", oci_digest_format(&s->digest, text));
	AUTO_FREE char *what =
		xasprintf("read %s/%s@%s", s->repo->host->name, s->repo->path, text);
	struct http_request q = {.method = "GET",
				 .url = url,
				 .write = receive,
				 .write_data = s,
				 .write_from = s->offset,
				 .stop = &s->stop};
	int r = repository_perform(s->repo, &q, &a, e);

	if (r < 0)
		return err_wrap(e, r, "cannot %s", what);
	return a.status / 100 == 2 ? 0 : repository_refused(s->repo, &a, what, e);
}

static void *run(void *context)
{
	struct stream *s = context;
	struct err why = ERR_INIT;
	int r = ask(s, &why);

	pthread_mutex_lock(&s->lock);
	s->ended = true;
	s->result = r;
	s->why = why;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void stop(struct stream *s)
{
	if (!s->running)
		return;
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->stop, true);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->running = false;
	err_free(&s->why);
}

static int start(struct stream *s, uint64_t offset, struct err *e)
{
	int r;

	s->offset = offset;
	s->head = s->fill = 0;
	s->ended = false;
	atomic_store(&s->stop, false);
	if (!s->ring)
		s->ring = xcalloc(RING, 1);
	r = thread_start(&s->thread, run, s);
	if (r < 0)
		return err_sys(e, r, "cannot start a thread");
	s->running = true;
	return 0;
}

/* ---- the reader ---- */

static int failed(const struct stream *s, struct err *e)
{
	if (s->result == 0)
		return err_set(e, -EREMOTEIO, "cannot read %s/%s: only %llu bytes came",
			       s->repo->host->name, s->repo->path,
			       (unsigned long long)s->offset);
	if (s->result == -ECANCELED || s->result == -EACCES || s->result == -ENOENT)
		return err_set(e, s->result, "%s", s->why.text);
	return err_set(e, -EREMOTEIO, "%s", s->why.text);
}

/* Waits for at least one byte. */
static ssize_t take(struct stream *s, char *buffer, size_t n, struct err *e)
{
	size_t part;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->fill && !s->ended)
		pthread_cond_wait(&s->changed, &s->lock);
	part = s->head + s->fill > RING ? RING - s->head : s->fill;
	if (part > n)
		part = n;
	memcpy(buffer, s->ring + s->head, part);
	s->head = (s->head + part) % RING;
	s->fill -= part;
	if (part)
		pthread_cond_broadcast(&s->changed);
	else
		r = failed(s, e);
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? r : (ssize_t)part;
}

static void hash_anew(struct stream *s)
{
	oci_hasher_free(s->hasher);
	s->hasher = oci_hasher_new();
	s->hashed = 0;
}

/* Bytes that are read once more are hashed once. */
static int verify(struct stream *s, const char *bytes, size_t n, uint64_t offset,
		  struct err *e)
{
	struct oci_digest digest;
	char text[OCI_DIGEST_TEXT];
	size_t known = s->hashed > offset ? (size_t)(s->hashed - offset) : 0;

	if (known >= n || s->hashed < offset || !s->hasher)
		return 0;
	oci_hasher_add(s->hasher, bytes + known, n - known);
	s->hashed += n - known;
	if (s->hashed < s->blob.size)
		return 0;
	oci_hasher_finish(s->hasher, &digest);
	if (oci_digest_equal(&digest, &s->digest))
		return 0;
	stop(s);
	return err_set(e, -EBADMSG, "cannot read %s/%s@%s: what came has another digest",
		       s->repo->host->name, s->repo->path,
		       oci_digest_format(&s->digest, text));
}

static ssize_t read_stream(struct oci_blob *b, void *buffer, size_t n, uint64_t offset,
			   struct err *e)
{
	struct stream *s = (struct stream *)b;
	ssize_t got;
	int r = 0;

	if (offset >= b->size)
		return 0;
	if (n > b->size - offset)
		n = (size_t)(b->size - offset);
	if (!s->running || offset != s->offset) {
		stop(s);
		if (offset == 0)
			hash_anew(s);
		r = start(s, offset, e);
	}
	if (r < 0)
		return r;
	got = take(s, buffer, n, e);
	if (got < 0) {
		stop(s);
		return got;
	}
	s->offset += (uint64_t)got;
	r = verify(s, buffer, (size_t)got, offset, e);
	return r < 0 ? r : got;
}

static void close_stream(struct oci_blob *b)
{
	struct stream *s = (struct stream *)b;

	stop(s);
	oci_hasher_free(s->hasher);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s->ring);
	free(s);
}

struct oci_blob *stream_open(struct repository *repo, const struct oci_descriptor *d)
{
	struct stream *s = xcalloc(1, sizeof *s);

	s->blob = (struct oci_blob){d->size, read_stream, close_stream};
	s->repo = repo;
	s->digest = d->digest;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	return &s->blob;
}
