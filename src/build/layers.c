/* SPDX-License-Identifier: MIT */
#include "build/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "build/internal.h"
#include "build/key.h"
#include "build/layers-internal.h"
#include "registry/pull.h"

static struct build_layer *find_layer(struct build *b, const struct oci_digest *digest,
				      bool blob)
{
	for (size_t i = 0; i < b->nlayers; i++) {
		struct build_layer *l = b->layers[i];

		if (oci_digest_equal(blob ? &l->blob.digest : &l->diff_id, digest))
			return l;
	}
	return NULL;
}

struct build_layer *build_layer_get(struct build *b, const struct oci_digest *diff_id,
				    const struct oci_descriptor *blob, int level,
				    const struct oci_reference *origin)
{
	struct build_layer *l;

	pthread_mutex_lock(&b->lock);
	l = find_layer(b, diff_id, false);
	if (!l) {
		l = xcalloc(1, sizeof *l);
		l->diff_id = *diff_id;
		oci_descriptor_copy(&l->blob, blob);
		l->level = level;
		l->origin = origin;
		pthread_mutex_init(&l->fetching, NULL);
		l->held = -1;
		build_arrival_init(&l->arrival, b);
		pthread_mutex_init(&l->knowing, NULL);
		pthread_cond_init(&l->known, NULL);
		pthread_mutex_init(&l->lock, NULL);
		GROW(b->layers, b->nlayers);
		b->layers[b->nlayers++] = l;
	}
	pthread_mutex_unlock(&b->lock);
	return l;
}

struct build_layer *build_layer_of_blob(struct build *b, const struct oci_digest *digest)
{
	struct build_layer *l;

	pthread_mutex_lock(&b->lock);
	l = find_layer(b, digest, true);
	pthread_mutex_unlock(&b->lock);
	return l;
}

void build_layer_offer(struct build_layer *l, const struct oci_digest *blob,
		       const struct oci_reference *origin, struct oci_blobs *from,
		       const char *cache)
{
	pthread_mutex_lock(&l->fetching);
	if (!l->origin && !l->from && oci_digest_equal(&l->blob.digest, blob)) {
		l->origin = origin;
		l->from = from;
		l->cache = cache;
	}
	pthread_mutex_unlock(&l->fetching);
}

/* --- Their blobs --- */

/*
 * -ENOENT, with words only where it cannot be had elsewhere, when the store does not have
 * the blob. With `fetching`, as fetch().
 */
static int hold(struct build *b, struct build_layer *l, struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	int r;

	if (l->held >= 0)
		return 0;
	r = store_blob_open(b->store, &l->blob.digest, NULL, e);
	if (r == -ENOENT && !l->origin && !l->from)
		return err_set(e, r,
			       "the store has lost the layer %s (run the build again)",
			       oci_digest_format(&l->blob.digest, text));
	if (r < 0)
		return r;
	l->held = r;
	return 0;
}

static int fetch(struct build *b, struct build_layer *l, struct err *e)
{
	int r = hold(b, l, e);

	if (r != -ENOENT || (!l->origin && !l->from))
		return r;
	if (l->from)
		r = build_blob_take(b, l->from, &l->blob, e);
	else
		r = registry_fetch_blob(b->registry, l->origin, &l->blob,
					&l->arrival.blobs, e);
	if (r < 0 && l->cache)
		return err_wrap(e, r,
				"a layer of the cache %s (to build without it, leave "
				"out --cache-from)",
				l->cache);
	if (r < 0)
		return r;
	l->held = build_arrival_take(&l->arrival);
	return hold(b, l, e);
}

int build_layer_fetch(struct build *b, struct build_layer *l, struct err *e)
{
	int r;

	pthread_mutex_lock(&l->fetching);
	r = fetch(b, l, e);
	pthread_mutex_unlock(&l->fetching);
	return r;
}

int build_layer_read(struct build *b, struct build_layer *l, struct err *e)
{
	AUTO_FREE char *path = NULL;
	int fd, r = build_layer_fetch(b, l, e);

	if (r < 0)
		return r;
	path = xasprintf("/proc/self/fd/%d", l->held);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, -errno, "cannot read a layer of the store") : fd;
}

void build_layer_hold(struct build_layer *l, int blob)
{
	pthread_mutex_lock(&l->fetching);
	if (l->held < 0)
		l->held = TAKE_FD(blob);
	pthread_mutex_unlock(&l->fetching);
	clean_close(&blob);
}

/* --- Their bytes --- */

/* Somebody who fetches a layer while another reads it. */
struct fetcher {
	struct build *b;
	struct build_layer *l;
	int result;
	struct err e;
};

static void *run_fetcher(void *context)
{
	struct fetcher *f = context;

	f->result = build_layer_fetch(f->b, f->l, &f->e);
	build_arrival_end(&f->l->arrival);
	return NULL;
}

/* Which layer it was that could not be taken. */
static int name_layer(const struct build_layer *l, int r, struct err *e)
{
	AUTO_FREE char *image = l->origin ? oci_reference_format(l->origin) : NULL;
	char text[OCI_DIGEST_TEXT];

	return err_wrap(e, r, "layer %s%s%s", oci_digest_format(&l->blob.digest, text),
			image ? " of " : "", image ? image : "");
}

/* -EAGAIN: the blob is there now, but was not read well while it came. */
static int pass_what_comes(struct build *b, struct build_layer *l, build_layer_taker take,
			   void *context, struct err *e)
{
	struct fetcher fetcher = {.b = b, .l = l, .e = ERR_INIT};
	struct build_follower follower;
	AUTO_FREE char *why = NULL;
	/* Who brings it holds it against the digest. */
	const struct layer_read_options options = {.diff_id = &l->diff_id,
						   .trusted = true};
	pthread_t thread;
	int r;

	build_follow(&l->arrival, l->blob.size, &follower);
	r = thread_start(&thread, run_fetcher, &fetcher);
	if (r < 0)
		return err_sys(e, r, "cannot start a thread");
	r = take(context, build_follower_read, &follower, &options, e);
	pthread_join(thread, NULL);
	why = err_message(&fetcher.e);
	if (fetcher.result < 0)
		r = err_set(e, fetcher.result, "%s", why);
	else if (r < 0)
		r = build_follower_is_last(&follower) ? name_layer(l, r, e) : -EAGAIN;
	err_free(&fetcher.e);
	build_follower_free(&follower);
	return r;
}

/* Whether it comes from a registry, or has to. */
static bool comes(struct build *b, struct build_layer *l)
{
	bool away;

	if (pthread_mutex_trylock(&l->fetching) != 0)
		return true;
	away = l->origin && !l->from && hold(b, l, NULL) == -ENOENT;
	pthread_mutex_unlock(&l->fetching);
	return away;
}

int build_layer_pass(struct build *b, struct build_layer *l, build_layer_taker take,
		     void *context, struct err *e)
{
	const struct layer_read_options options = {.digest = &l->blob.digest,
						   .diff_id = &l->diff_id};
	AUTO_CLOSE int fd = -1;
	int r = comes(b, l) ? pass_what_comes(b, l, take, context, e) : -EAGAIN;

	if (r != -EAGAIN)
		return r;
	fd = build_layer_read(b, l, e);
	if (fd < 0)
		return fd;
	r = take(context, layer_source_fd, &fd, &options, e);
	return r < 0 ? name_layer(l, r, e) : 0;
}

void build_layers_free(struct build *b)
{
	for (size_t i = 0; i < b->nlayers; i++) {
		struct build_layer *l = b->layers[i];

		build_snapshots_free(l);
		build_index_free(l);
		build_arrival_free(&l->arrival);
		clean_close(&l->held);
		pthread_mutex_destroy(&l->fetching);
		oci_descriptor_free(&l->blob);
		free(l);
	}
	free(b->layers);
	b->layers = NULL;
	b->nlayers = 0;
}

/* --- Several --- */

void build_chain_add(struct build_chain *c, struct build_layer *l)
{
	GROW(c->v, c->n);
	c->v[c->n++] = l;
}

void build_chain_copy(struct build_chain *c, const struct build_chain *from)
{
	*c = (struct build_chain){0};
	for (size_t i = 0; i < from->n; i++)
		build_chain_add(c, from->v[i]);
}

void build_chain_free(struct build_chain *c)
{
	free(c->v);
	*c = (struct build_chain){0};
}

void build_chain_digest(const struct build_chain *c, struct oci_digest *digest)
{
	struct build_key k;

	build_key_begin(&k, "layers");
	for (size_t i = 0; i < c->n; i++)
		build_key_digest(&k, &c->v[i]->diff_id);
	build_key_end(&k, digest);
}
