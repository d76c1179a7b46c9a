/* SPDX-License-Identifier: MIT */
#include "build/step.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "build/internal.h"

enum { LOCK_AGAIN = 20 }; /* milliseconds */

int build_lock(struct build *b, const struct oci_digest *key, struct err *e)
{
	struct pollfd cancel = {.fd = b->cancel, .events = POLLIN};
	int r;

	while ((r = store_lock(b->store, key, false, e)) == -EWOULDBLOCK)
		if (poll(&cancel, 1, LOCK_AGAIN) > 0)
			return err_set(e, -ECANCELED, "cancelled");
	return r;
}

int build_once(struct build *b, const struct build_step *s, const struct oci_digest *key,
	       int (*make)(struct build *b, void *context, struct build_outcome *outcome,
			   struct err *e),
	       void *context, struct build_outcome *outcome, bool *cached, struct err *e)
{
	int lock, r = build_cache_find(b, key, s->fresh, outcome, e);

	*cached = r == 1;
	if (r != 0)
		return r < 0 ? r : 0;
	lock = build_lock(b, key, e);
	if (lock < 0)
		return lock;
	r = build_cache_find(b, key, s->fresh, outcome, e);
	*cached = r == 1;
	if (r == 0) {
		*outcome = (struct build_outcome){NULL, b->now};
		r = make(b, context, outcome, e);
		if (r == 0)
			r = build_cache_add(b, key, outcome, e);
	}
	store_unlock(b->store, key, lock);
	return r < 0 ? r : 0;
}

static int do_kind(struct build *b, struct build_step *s, struct build_outcome *outcome,
		   bool *cached, struct err *e)
{
	switch (s->kind) {
	case BUILD_RUN:
		return build_step_run(b, s, outcome, cached, e);
	case BUILD_COPY:
		return build_step_copy(b, s, outcome, cached, e);
	default:
		return build_step_workdir(b, s, outcome, cached, e);
	}
}

/*
 * Whether a step whose key is what it writes has to look into layers for that, and, where
 * `told` gets something, at what is known by that. Then these tell it, too, and they need
 * not be there.
 */
static int hangs_on_layers(struct build *b, const struct build_step *s,
			   struct strbuf *told, struct err *e)
{
	switch (s->kind) {
	case BUILD_COPY:
		return build_step_copy_told(b, s, told, e);
	case BUILD_WORKDIR:
		return s->user != NULL;
	default:
		return 0;
	}
}

static void key_of_layers(const struct build *b, const struct build_step *s,
			  const struct strbuf *told, struct oci_digest *key)
{
	struct oci_digest layers;
	struct build_key k;

	build_key_begin(&k, "from layers");
	build_chain_digest(&s->parent->layers, &layers);
	build_key_digest(&k, &layers);
	for (size_t i = 0; i < s->nsources; i++) {
		build_chain_digest(&s->sources[i]->layers, &layers);
		build_key_digest(&k, &layers);
	}
	build_key_instruction(&k, &s->in);
	build_key_text(&k, s->cwd);
	build_key_text(&k, s->user);
	build_key_number(&k, b->settings->has_epoch ? b->settings->epoch : -1);
	if (told->len)
		build_key_text(&k, told->data);
	build_key_end(&k, key);
}

static int do_from_layers(struct build *b, struct build_step *s,
			  const struct strbuf *told, struct build_outcome *outcome,
			  bool *cached, struct err *e)
{
	AUTO_STRBUF struct strbuf after = STRBUF_INIT;
	struct oci_digest key;
	int r;

	key_of_layers(b, s, told, &key);
	r = build_cache_find(b, &key, s->fresh, outcome, e);
	*cached = r == 1;
	if (r != 0)
		return r < 0 ? r : 0;
	r = do_kind(b, s, outcome, cached, e);
	/* What was told may not be what was there then. */
	if (r == 0)
		r = hangs_on_layers(b, s, &after, e);
	return r == 1 ? build_cache_add(b, &key, outcome, e) : r;
}

static int do_step(struct build *b, struct build_step *s, struct build_outcome *outcome,
		   bool *cached, struct err *e)
{
	AUTO_STRBUF struct strbuf told = STRBUF_INIT;
	int r = hangs_on_layers(b, s, &told, e);

	if (r < 0)
		return r;
	return r == 1 ? do_from_layers(b, s, &told, outcome, cached, e)
		      : do_kind(b, s, outcome, cached, e);
}

int build_step_do(struct build *b, struct build_step *s, bool *cached, struct err *e)
{
	struct build_outcome outcome = {0};
	int r;

	*cached = false;
	if (s->kind == BUILD_FILES)
		return 0;
	if (s->kind == BUILD_BASE) {
		if (s->image)
			build_chain_copy(&s->layers, &s->image->layers);
		build_ahead_add(b, s);
		return 0;
	}
	r = do_step(b, s, &outcome, cached, e);
	if (r < 0)
		return r;
	build_chain_copy(&s->layers, &s->parent->layers);
	s->wrote = outcome.layer != NULL;
	s->created = outcome.created;
	if (outcome.layer)
		build_chain_add(&s->layers, outcome.layer);
	build_ahead_add(b, s);
	return 0;
}

/* --- New layers --- */

static int into_ingest(void *context, const void *data, size_t n, struct err *e)
{
	return store_ingest_add(context, data, n, e);
}

/* More need memory, and could hardly be fed. */
static unsigned threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > 4 ? 4 : (unsigned)n;
}

int build_new_layer_begin(struct build *b, struct build_new_layer *n, struct err *e)
{
	struct layer_write_options o = {
		.compression = b->settings->compression,
		.level = b->settings->level,
		.threads = threads(),
		.epoch = b->settings->has_epoch ? b->settings->epoch : -1,
		.owner_xattr = b->one_owner,
		.index = &n->index,
	};
	int r;

	*n = (struct build_new_layer){.index = LAYER_INDEX_INIT};
	r = store_ingest_new(b->store, false, &n->in, e);
	return r < 0 ? r : layer_writer_new(&n->writer, &o, into_ingest, n->in, e);
}

int build_new_layer_end(struct build *b, struct build_new_layer *n,
			struct build_layer **layer, struct err *e)
{
	AUTO_FREE char *type = xasprintf(
		OCI_MEDIA_LAYER "%s", layer_compression_suffix(b->settings->compression));
	struct oci_descriptor blob = {.media_type = type};
	struct layer_result result;
	int fd, r = layer_writer_finish(n->writer, &result, e);

	*layer = NULL;
	if (r < 0 || !result.entries)
		return r;
	fd = store_ingest_commit(n->in, &result.digest, false, e);
	if (fd < 0)
		return fd;
	blob.digest = result.digest;
	blob.size = result.size;
	*layer = build_layer_get(b, &result.diff_id, &blob, b->settings->level, NULL);
	build_layer_hold(*layer, fd);
	return build_layer_keep_index(b, *layer, &n->index, e);
}

void build_new_layer_free(struct build_new_layer *n)
{
	layer_writer_free(n->writer);
	store_ingest_free(n->in);
	layer_index_free(&n->index);
	*n = (struct build_new_layer){.index = LAYER_INDEX_INIT};
}
