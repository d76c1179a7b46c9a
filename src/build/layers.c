/* SPDX-License-Identifier: MIT */
#include "build/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "build/key.h"
#include "layer/read.h"
#include "priv/overlay.h"
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
		pthread_mutex_init(&l->lock, NULL);
		l->held = l->held_snapshot = l->snapshot = -1;
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

/* Takes over what keeps the snapshot in use. With the layer's lock. */
static int take_snapshot(struct build_layer *l, int held, struct err *e)
{
	AUTO_CLOSE int owned = held;

	if (l->snapshot >= 0)
		return 0;
	l->snapshot = openat(held, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->snapshot < 0)
		return err_sys(e, -errno, "cannot open a layer's files in the store");
	l->held_snapshot = TAKE_FD(owned);
	return 0;
}

int build_layer_hold(struct build_layer *l, int blob, int snapshot, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&l->lock);
	if (l->held < 0)
		l->held = TAKE_FD(blob);
	if (snapshot >= 0)
		r = take_snapshot(l, snapshot, e);
	pthread_mutex_unlock(&l->lock);
	clean_close(&blob);
	return r;
}

/* With the layer's lock, as everything below that begins with `do_`. */
static int do_fetch(struct build *b, struct build_layer *l, struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	int r;

	if (l->held >= 0)
		return 0;
	r = store_blob_open(b->store, &l->blob.digest, NULL, e);
	if (r == -ENOENT && (l->origin || l->from)) {
		r = l->from ? build_blob_take(b, l->from, &l->blob, e)
			    : registry_fetch_blob(b->registry, l->origin, &l->blob,
						  b->stored, e);
		if (r == 0)
			r = store_blob_open(b->store, &l->blob.digest, NULL, e);
	}
	if (r == -ENOENT && !l->origin && !l->from)
		return err_set(e, r,
			       "the store has lost the layer %s (run the build "
			       "again)",
			       oci_digest_format(&l->blob.digest, text));
	if (r < 0)
		return r;
	l->held = r;
	return 0;
}

int build_layer_fetch(struct build *b, struct build_layer *l, struct err *e)
{
	int r;

	pthread_mutex_lock(&l->lock);
	r = do_fetch(b, l, e);
	pthread_mutex_unlock(&l->lock);
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

static int write_index(struct build *b, struct build_layer *l, struct err *e)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;

	layer_index_format(l->index, &text);
	return store_record_write(b->store, STORE_LAYER, &l->diff_id, text.data, text.len,
				  e);
}

/* Takes the index from a record. 1 when there was one. */
static int read_index(struct build *b, struct build_layer *l)
{
	struct layer_index index = LAYER_INDEX_INIT;
	AUTO_FREE char *text = NULL;
	size_t len;

	if (store_record_read(b->store, STORE_LAYER, &l->diff_id, &text, &len, NULL) < 0)
		return 0;
	/* One of another version, or damaged: it is made anew. */
	if (layer_index_parse(&index, text, len, NULL) < 0) {
		layer_index_free(&index);
		return 0;
	}
	l->index = xcalloc(1, sizeof *l->index);
	*l->index = index;
	return 1;
}

static void take_index(struct build_layer *l, struct layer_index *index)
{
	if (!l->index) {
		l->index = xcalloc(1, sizeof *l->index);
		*l->index = *index;
		*index = (struct layer_index)LAYER_INDEX_INIT;
	}
	layer_index_free(index);
}

/* The blob once more from its start, for a reader of its own. */
static int rewound(const struct build_layer *l, struct err *e)
{
	if (lseek(l->held, 0, SEEK_SET) < 0)
		return err_sys(e, -errno, "cannot read a layer of the store");
	return l->held;
}

static int unpack(struct build *b, struct build_layer *l, struct err *e)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	struct layer_index index = LAYER_INDEX_INIT;
	struct layer_result result;
	struct layer_unpack_options o = {
		.read = {.digest = &l->blob.digest,
			 .diff_id = &l->diff_id,
			 .index = l->index ? NULL : &index},
		.form = LAYER_UNPACK_SNAPSHOT,
		.userxattr = b->userxattr,
		.owner_xattr = b->one_owner,
		.devices = !b->userxattr,
	};
	int r, source;

	r = store_draft_new(b->store, &draft, e);
	if (r == 0)
		r = do_fetch(b, l, e);
	if (r < 0)
		return r;
	source = r = rewound(l, e);
	if (r >= 0)
		r = layer_unpack(draft.fs, layer_source_fd, &source, &o, &result, e);
	if (r == 0 && !l->index) {
		take_index(l, &index);
		r = write_index(b, l, e);
	}
	layer_index_free(&index);
	return r < 0 ? r : store_draft_commit(&draft, &l->diff_id, b->form, e);
}

static int do_snapshot(struct build *b, struct build_layer *l, struct err *e)
{
	int lock, r;

	if (l->snapshot >= 0)
		return 0;
	r = store_snapshot_open(b->store, &l->diff_id, b->form, e);
	if (r == -ENOENT) {
		lock = store_lock(b->store, &l->diff_id, true, e);
		if (lock < 0)
			return lock;
		/* Another process may have made it meanwhile. */
		r = store_snapshot_open(b->store, &l->diff_id, b->form, e);
		if (r == -ENOENT)
			r = unpack(b, l, e);
		store_unlock(b->store, &l->diff_id, lock);
	}
	if (r < 0)
		return r;
	return take_snapshot(l, r, e);
}

int build_layer_snapshot(struct build *b, struct build_layer *l, struct err *e)
{
	int r;

	pthread_mutex_lock(&l->lock);
	r = do_snapshot(b, l, e);
	pthread_mutex_unlock(&l->lock);
	return r < 0 ? r : l->snapshot;
}

static int scan(struct build *b, struct build_layer *l, struct err *e)
{
	struct layer_index index = LAYER_INDEX_INIT;
	struct layer_result result;
	struct layer_read_options o = {
		.digest = &l->blob.digest, .diff_id = &l->diff_id, .index = &index};
	int r, source;

	r = do_fetch(b, l, e);
	if (r < 0)
		return r;
	source = r = rewound(l, e);
	if (r >= 0)
		r = layer_scan(layer_source_fd, &source, &o, &result, e);
	if (r == 0)
		take_index(l, &index);
	layer_index_free(&index);
	return r < 0 ? r : write_index(b, l, e);
}

int build_layer_index(struct build *b, struct build_layer *l, struct layer_index **index,
		      struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&l->lock);
	if (!l->index && !read_index(b, l)) {
		/* Unpacking reads it too: in one go, if that has to be anyway. */
		if (b->plan.runs && b->storage != BUILD_STORAGE_COPIES)
			r = do_snapshot(b, l, e);
		if (r == 0 && !l->index)
			r = scan(b, l, e);
	}
	*index = l->index;
	pthread_mutex_unlock(&l->lock);
	return r;
}

int build_layer_keep_index(struct build *b, struct build_layer *l,
			   struct layer_index *index, struct err *e)
{
	int r;

	pthread_mutex_lock(&l->lock);
	take_index(l, index);
	r = write_index(b, l, e);
	pthread_mutex_unlock(&l->lock);
	return r;
}

void build_layers_free(struct build *b)
{
	for (size_t i = 0; i < b->nlayers; i++) {
		struct build_layer *l = b->layers[i];

		oci_descriptor_free(&l->blob);
		clean_close(&l->held);
		clean_close(&l->snapshot);
		clean_close(&l->held_snapshot);
		if (l->index)
			layer_index_free(l->index);
		free(l->index);
		pthread_mutex_destroy(&l->lock);
		free(l);
	}
	free(b->layers);
	b->layers = NULL;
	b->nlayers = 0;
}

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

static bool is_above(const struct build_chain *c, size_t place)
{
	for (size_t i = place + 1; i < c->n; i++)
		if (c->v[i] == c->v[place])
			return true;
	return false;
}

int build_chain_snapshots(struct build *b, const struct build_chain *c, int **fds,
			  size_t *n, struct err *e)
{
	*fds = xcalloc(c->n + 1, sizeof **fds);
	*n = 0;
	for (size_t i = c->n; i-- > 0;) {
		int fd;

		if (is_above(c, i))
			continue;
		fd = build_layer_snapshot(b, c->v[i], e);
		if (fd < 0)
			return fd;
		(*fds)[(*n)++] = fd;
	}
	return 0;
}

int build_chain_view(struct build *b, const struct build_chain *c,
		     struct layer_view *view, struct err *e)
{
	*view = (struct layer_view){.layers = xcalloc(c->n + 1, sizeof *view->layers),
				    .n = c->n};
	for (size_t i = 0; i < c->n; i++) {
		int r = build_layer_index(b, c->v[i], &view->layers[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}

int build_chain_open(struct build *b, const struct build_chain *c, struct err *e)
{
	AUTO_FREE int *lower = NULL;
	struct priv_overlay o = {.upper = -1, .work = -1, .userxattr = b->userxattr};
	int r;

	if (!c->n) {
		r = openat(b->empty.fs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return r < 0 ? err_sys(e, -errno, "cannot open a folder of the store")
			     : r;
	}
	r = build_copies_needed(b, e);
	if (r < 0)
		return r;
	if (r)
		return build_copy_show(b, c, e);
	r = build_chain_snapshots(b, c, &lower, &o.nlower, e);
	if (r < 0)
		return r;
	/* Without a place to write, the kernel wants two. */
	if (o.nlower < 2)
		lower[o.nlower++] = b->empty.fs;
	o.lower = lower;
	return priv_overlay_new(&o, e);
}
