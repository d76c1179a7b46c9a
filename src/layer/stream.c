/* SPDX-License-Identifier: MIT */
#include "layer/stream-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "layer/decompress-internal.h"

enum { CHUNKS = 8, CHUNK = 256 << 10 };

const struct layer_limits layer_limits_usual = {
	.bytes = 1ULL << 40,
	.entries = 10 * 1000 * 1000,
};

struct chunk {
	uint8_t *data;
	size_t n;
};

struct layer_stream {
	layer_source source;
	void *context;
	struct layer_read_options options;
	struct layer_decompressor *decompressor;
	struct oci_hasher *digest, *diff_id;
	uint64_t size, tar_size;
	/* chunks [taken, given) are full; the reader has the one before taken */
	struct chunk chunks[CHUNKS];
	uint64_t given, taken;
	bool ended, canceled;
	int failed; /* in words in e */
	struct err e;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_t thread;
};

ssize_t layer_source_fd(void *context, void *data, size_t n, struct err *e)
{
	const int *fd = context;
	ssize_t r;

	do
		r = read(*fd, data, n);
	while (r < 0 && errno == EINTR);
	return r < 0 ? err_sys(e, -errno, "cannot read the archive") : r;
}

static ssize_t hashed_source(void *context, void *data, size_t n, struct err *e)
{
	struct layer_stream *s = context;
	ssize_t r = s->source(s->context, data, n, e);

	if (r > 0) {
		if (!s->options.trusted)
			oci_hasher_add(s->digest, data, (size_t)r);
		s->size += (uint64_t)r;
	}
	return r;
}

/* A whole chunk, but for the last one. */
static int fill_chunk(struct layer_stream *s, struct chunk *c)
{
	const struct layer_limits *limits = s->options.limits;

	if (!c->data)
		c->data = xrealloc(NULL, CHUNK, 1);
	c->n = 0;
	while (c->n < CHUNK) {
		ssize_t n = layer_decompressor_read(s->decompressor, c->data + c->n,
						    CHUNK - c->n, &s->e);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		c->n += (size_t)n;
	}
	oci_hasher_add(s->diff_id, c->data, c->n);
	s->tar_size += c->n;
	if (s->tar_size > limits->bytes)
		return err_set(&s->e, -EFBIG,
			       "the archive has more than %" PRIu64 " bytes",
			       limits->bytes);
	return c->n > 0;
}

static void *run(void *context)
{
	struct layer_stream *s = context;
	int r = 1;

	pthread_mutex_lock(&s->mutex);
	while (r > 0 && !s->canceled) {
		/* One more than are full is in the reader's hands. */
		if (s->given - s->taken >= CHUNKS - 1) {
			pthread_cond_wait(&s->changed, &s->mutex);
			continue;
		}
		pthread_mutex_unlock(&s->mutex);
		r = fill_chunk(s, &s->chunks[s->given % CHUNKS]);
		pthread_mutex_lock(&s->mutex);
		if (r > 0)
			s->given++;
		pthread_cond_signal(&s->changed);
	}
	if (r < 0)
		s->failed = s->e.code = r;
	s->ended = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

int layer_stream_new(struct layer_stream **stream, layer_source source, void *context,
		     const struct layer_read_options *options, struct err *e)
{
	struct layer_stream *s = xcalloc(1, sizeof *s);
	int r;

	s->source = source;
	s->context = context;
	s->options = *options;
	if (!s->options.limits)
		s->options.limits = &layer_limits_usual;
	s->digest = oci_hasher_new();
	s->diff_id = oci_hasher_new();
	s->decompressor = layer_decompressor_new(hashed_source, s);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->changed, NULL);
	r = pthread_create(&s->thread, NULL, run, s);
	if (r) {
		s->ended = true;
		s->thread = 0;
		layer_stream_free(s);
		return err_sys(e, -r, "cannot start a thread");
	}
	*stream = s;
	return 0;
}

int layer_stream_next(void *context, const uint8_t **data, size_t *n, struct err *e)
{
	struct layer_stream *s = context;
	AUTO_FREE char *text = NULL;
	int r;

	pthread_mutex_lock(&s->mutex);
	while (s->taken == s->given && !s->ended)
		pthread_cond_wait(&s->changed, &s->mutex);
	r = s->taken < s->given ? 1 : s->failed;
	if (r > 0) {
		const struct chunk *c = &s->chunks[s->taken++ % CHUNKS];

		*data = c->data;
		*n = c->n;
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->mutex);
	if (r >= 0)
		return r;
	text = err_message(&s->e);
	return err_set(e, r, "%s", text);
}

static int compare(const char *what, const struct oci_digest *want,
		   const struct oci_digest *got, struct err *e)
{
	char a[OCI_DIGEST_TEXT], b[OCI_DIGEST_TEXT];

	if (!want || oci_digest_equal(want, got))
		return 0;
	return err_set(e, -EBADMSG, "%s is %s, not %s", what, oci_digest_format(got, a),
		       oci_digest_format(want, b));
}

int layer_stream_finish(struct layer_stream *s, struct layer_result *result,
			struct err *e)
{
	const uint8_t *data;
	size_t n;
	int r;

	while ((r = layer_stream_next(s, &data, &n, e)) > 0)
		;
	if (r < 0)
		return r;
	pthread_join(s->thread, NULL);
	s->thread = 0;
	oci_hasher_finish(s->digest, &result->digest);
	oci_hasher_finish(s->diff_id, &result->diff_id);
	result->size = s->size;
	result->tar_size = s->tar_size;
	if (s->options.trusted)
		result->digest = (struct oci_digest){{0}};
	else
		r = compare("the layer's digest", s->options.digest, &result->digest, e);
	if (r == 0)
		r = compare("the digest of the layer's tar", s->options.diff_id,
			    &result->diff_id, e);
	return r;
}

void layer_stream_free(struct layer_stream *s)
{
	if (!s)
		return;
	if (s->thread) {
		pthread_mutex_lock(&s->mutex);
		s->canceled = true;
		pthread_cond_signal(&s->changed);
		pthread_mutex_unlock(&s->mutex);
		pthread_join(s->thread, NULL);
	}
	for (size_t i = 0; i < CHUNKS; i++)
		free(s->chunks[i].data);
	layer_decompressor_free(s->decompressor);
	oci_hasher_free(s->digest);
	oci_hasher_free(s->diff_id);
	pthread_mutex_destroy(&s->mutex);
	pthread_cond_destroy(&s->changed);
	err_free(&s->e);
	free(s);
}
