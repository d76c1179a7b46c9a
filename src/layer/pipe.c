/* SPDX-License-Identifier: MIT */
#include "layer/pipe-internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "layer/compress-internal.h"

/*
 * A block's way round: filled, compressed, committed, and empty again. It belongs to one
 * thread at a time and changes hands under the mutex; tests/layer/threads.bats has that
 * watched. `data` alone has two readers at once, who compresses and who hashes.
 */
struct block {
	enum { EMPTY, FILLED, BUSY, COMPRESSED } state;
	uint8_t *data, *out;
	size_t n, size;
};

struct layer_pipe {
	enum layer_compression form;
	int level;
	layer_sink sink;
	void *context;
	/* the ring; blocks are numbered from 0 on, and block i is at i % nblocks */
	struct block *blocks;
	size_t nblocks;
	uint64_t filling;     /* the block that the caller writes to */
	uint64_t compressing; /* the next one to compress */
	uint64_t committing;  /* the next one for hash and sink */
	uint64_t total;	      /* bytes of whole blocks before `filling` */
	bool ended;	      /* no more blocks come */
	/* threads: compressors, and one that commits; none while ncompressors is 0 */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_t *threads;
	unsigned ncompressors, nthreads;
	bool started;
	int failed; /* negative errno of the sink, told in words by e */
	struct err e;
	/* of the commit */
	struct oci_hasher *diff_id, *digest;
	uint32_t crc;
	uint64_t size;
};

struct layer_pipe *layer_pipe_new(enum layer_compression form, int level,
				  unsigned threads, layer_sink sink, void *context)
{
	struct layer_pipe *p = xcalloc(1, sizeof *p);

	p->form = form;
	p->level = level;
	p->sink = sink;
	p->context = context;
	p->ncompressors = form == LAYER_PLAIN ? 0 : threads ? threads : 1;
	p->nblocks = p->ncompressors + 3;
	p->blocks = xcalloc(p->nblocks, sizeof *p->blocks);
	p->threads = xcalloc(p->ncompressors + 1, sizeof *p->threads);
	p->diff_id = oci_hasher_new();
	if (form != LAYER_PLAIN)
		p->digest = oci_hasher_new();
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->changed, NULL);
	return p;
}

static struct block *block_at(struct layer_pipe *p, uint64_t number)
{
	return &p->blocks[number % p->nblocks];
}

static void compress(struct layer_pipe *p, struct layer_compressor *c, struct block *b)
{
	if (!b->out)
		b->out = xrealloc(NULL, layer_compress_bound(LAYER_BLOCK_SIZE), 1);
	b->size = layer_compress_block(c, b->data, b->n, b->out);
}

/* --- Committing --- */

static int emit(struct layer_pipe *p, const uint8_t *data, size_t n)
{
	if (!n)
		return 0;
	if (p->digest)
		oci_hasher_add(p->digest, data, n);
	p->size += n;
	return p->sink(p->context, data, n, &p->e);
}

static void hash_block(struct layer_pipe *p, const struct block *b)
{
	oci_hasher_add(p->diff_id, b->data, b->n);
	if (p->form == LAYER_GZIP)
		p->crc = layer_crc(p->crc, b->data, b->n);
}

static int emit_block(struct layer_pipe *p, const struct block *b)
{
	uint8_t head[LAYER_FRAME_MAX];
	int r = 0;

	if (p->committing == 0)
		r = emit(p, head, layer_compress_head(p->form, head));
	if (r < 0)
		return r;
	return p->form == LAYER_PLAIN ? emit(p, b->data, b->n) : emit(p, b->out, b->size);
}

/* --- Threads --- */

static void *run_compressor(void *context)
{
	struct layer_pipe *p = context;
	struct layer_compressor *c = layer_compressor_new(p->form, p->level);

	pthread_mutex_lock(&p->mutex);
	for (;;) {
		struct block *b = block_at(p, p->compressing);

		if (p->failed || (p->ended && p->compressing == p->filling))
			break;
		if (p->compressing == p->filling) {
			pthread_cond_wait(&p->changed, &p->mutex);
			continue;
		}
		p->compressing++;
		b->state = BUSY;
		pthread_mutex_unlock(&p->mutex);
		compress(p, c, b);
		pthread_mutex_lock(&p->mutex);
		b->state = COMPRESSED;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->mutex);
	layer_compressor_free(c);
	return NULL;
}

/* Hashes a block while it is compressed, then waits for the result. */
static int commit(struct layer_pipe *p, struct block *b)
{
	bool ready = p->form == LAYER_PLAIN;

	hash_block(p, b);
	if (!ready) {
		pthread_mutex_lock(&p->mutex);
		while (b->state != COMPRESSED && !p->failed)
			pthread_cond_wait(&p->changed, &p->mutex);
		ready = b->state == COMPRESSED;
		pthread_mutex_unlock(&p->mutex);
	}
	return ready ? emit_block(p, b) : -ECANCELED;
}

static void *run_committer(void *context)
{
	struct layer_pipe *p = context;

	pthread_mutex_lock(&p->mutex);
	while (!p->failed && !(p->ended && p->committing == p->filling)) {
		struct block *b = block_at(p, p->committing);
		int r;

		if (p->committing == p->filling) {
			pthread_cond_wait(&p->changed, &p->mutex);
			continue;
		}
		pthread_mutex_unlock(&p->mutex);
		r = commit(p, b);
		pthread_mutex_lock(&p->mutex);
		p->committing++;
		b->state = EMPTY;
		if (r < 0)
			p->failed = r;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static int start_threads(struct layer_pipe *p, struct err *e)
{
	p->started = true;
	for (unsigned i = 0; i <= p->ncompressors; i++) {
		int r = pthread_create(&p->threads[i], NULL,
				       i ? run_compressor : run_committer, p);

		if (r)
			return err_sys(e, -r, "cannot start a thread");
		p->nthreads++;
	}
	return 0;
}

static void join_threads(struct layer_pipe *p)
{
	for (unsigned i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	p->nthreads = 0;
}

/* --- The caller's side --- */

static int failure(struct layer_pipe *p, struct err *e)
{
	AUTO_FREE char *text = NULL;

	p->e.code = p->failed;
	text = err_message(&p->e);
	return err_set(e, p->failed, "%s", text);
}

/* Hands on a full block, and waits until the next one is empty. */
static int next_block(struct layer_pipe *p, struct err *e)
{
	int r = p->started ? 0 : start_threads(p, e);

	if (r < 0)
		return r;
	pthread_mutex_lock(&p->mutex);
	p->total += LAYER_BLOCK_SIZE;
	block_at(p, p->filling)->state = FILLED;
	p->filling++;
	pthread_cond_broadcast(&p->changed);
	while (!p->failed && block_at(p, p->filling)->state != EMPTY)
		pthread_cond_wait(&p->changed, &p->mutex);
	r = p->failed;
	pthread_mutex_unlock(&p->mutex);
	block_at(p, p->filling)->n = 0;
	return r < 0 ? failure(p, e) : 0;
}

int layer_pipe_room(struct layer_pipe *p, uint8_t **to, size_t *n, struct err *e)
{
	struct block *b = block_at(p, p->filling);

	if (b->n == LAYER_BLOCK_SIZE) {
		int r = next_block(p, e);

		if (r < 0)
			return r;
		b = block_at(p, p->filling);
	}
	if (!b->data)
		b->data = xrealloc(NULL, LAYER_BLOCK_SIZE, 1);
	*to = b->data + b->n;
	*n = LAYER_BLOCK_SIZE - b->n;
	return 0;
}

void layer_pipe_advance(struct layer_pipe *p, size_t n)
{
	block_at(p, p->filling)->n += n;
}

int layer_pipe_write(struct layer_pipe *p, const void *data, size_t n, struct err *e)
{
	const uint8_t *from = data;

	while (n) {
		uint8_t *to;
		size_t room;
		int r = layer_pipe_room(p, &to, &room, e);

		if (r < 0)
			return r;
		room = room < n ? room : n;
		memcpy(to, from, room);
		layer_pipe_advance(p, room);
		from += room;
		n -= room;
	}
	return 0;
}

int layer_pipe_zeros(struct layer_pipe *p, uint64_t n, struct err *e)
{
	while (n) {
		uint8_t *to;
		size_t room;
		int r = layer_pipe_room(p, &to, &room, e);

		if (r < 0)
			return r;
		room = room < n ? room : (size_t)n;
		memset(to, 0, room);
		layer_pipe_advance(p, room);
		n -= room;
	}
	return 0;
}

uint64_t layer_pipe_offset(const struct layer_pipe *p)
{
	return p->total + p->blocks[p->filling % p->nblocks].n;
}

/* The only block, without a thread. */
static int finish_alone(struct layer_pipe *p)
{
	struct block *b = block_at(p, 0);

	if (p->form != LAYER_PLAIN) {
		struct layer_compressor *c = layer_compressor_new(p->form, p->level);

		compress(p, c, b);
		layer_compressor_free(c);
	}
	hash_block(p, b);
	return emit_block(p, b);
}

static void finish_threads(struct layer_pipe *p)
{
	pthread_mutex_lock(&p->mutex);
	if (block_at(p, p->filling)->n) {
		block_at(p, p->filling)->state = FILLED;
		p->filling++;
	}
	p->ended = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	join_threads(p);
}

int layer_pipe_finish(struct layer_pipe *p, struct layer_result *result, struct err *e)
{
	uint8_t tail[LAYER_FRAME_MAX];

	result->tar_size = layer_pipe_offset(p);
	if (p->started)
		finish_threads(p);
	else
		p->failed = finish_alone(p);
	if (p->failed == 0)
		p->failed = emit(
			p, tail,
			layer_compress_tail(p->form, p->crc, result->tar_size, tail));
	if (p->failed < 0)
		return failure(p, e);
	oci_hasher_finish(p->diff_id, &result->diff_id);
	if (p->digest)
		oci_hasher_finish(p->digest, &result->digest);
	else
		result->digest = result->diff_id;
	result->size = p->size;
	return 0;
}

void layer_pipe_free(struct layer_pipe *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	if (!p->ended && !p->failed)
		p->failed = -ECANCELED;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	join_threads(p);
	for (size_t i = 0; i < p->nblocks; i++) {
		free(p->blocks[i].data);
		free(p->blocks[i].out);
	}
	free(p->blocks);
	free(p->threads);
	oci_hasher_free(p->diff_id);
	oci_hasher_free(p->digest);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->changed);
	err_free(&p->e);
	free(p);
}
