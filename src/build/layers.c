/* SPDX-License-Identifier: MIT */
#include "build/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "build/key.h"
#include "layer/read.h"
#include "priv/overlay.h"
#include "registry/pull.h"

enum { FETCH_THREADS = 3 };

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
		pthread_mutex_init(&l->fetching, NULL);
		build_arrival_init(&l->arrival, b);
		l->held = -1;
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
	pthread_mutex_lock(&l->lock);
	if (!l->origin && !l->from && oci_digest_equal(&l->blob.digest, blob)) {
		l->origin = origin;
		l->from = from;
		l->cache = cache;
	}
	pthread_mutex_unlock(&l->lock);
}

/* With the layer's lock. -1: there is none in this build. */
static int find_snapshot(const struct build_layer *l, const char *form)
{
	for (size_t i = 0; i < l->nsnapshots; i++)
		if (strcmp(l->snapshots[i].form, form) == 0)
			return l->snapshots[i].fs;
	return -1;
}

/* Takes over what keeps the snapshot in use; its files' fd. With the layer's lock. */
static int take_snapshot(struct build_layer *l, const char *form, int held, struct err *e)
{
	AUTO_CLOSE int owned = held;
	struct build_snapshot *s;
	int fs = find_snapshot(l, form);

	if (fs >= 0)
		return fs;
	fs = openat(held, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs < 0)
		return err_sys(e, -errno, "cannot open a layer's files in the store");
	GROW(l->snapshots, l->nsnapshots);
	s = &l->snapshots[l->nsnapshots++];
	*s = (struct build_snapshot){.held = TAKE_FD(owned), .fs = fs};
	snprintf(s->form, sizeof s->form, "%s", form);
	return fs;
}

int build_layer_hold(struct build *b, struct build_layer *l, int blob, int snapshot,
		     struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&l->fetching);
	if (l->held < 0)
		l->held = TAKE_FD(blob);
	pthread_mutex_unlock(&l->fetching);
	pthread_mutex_lock(&l->lock);
	if (snapshot >= 0)
		r = take_snapshot(l, b->form, snapshot, e);
	pthread_mutex_unlock(&l->lock);
	clean_close(&blob);
	return r < 0 ? r : 0;
}

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

/* --- Reading. From here on what begins with `do_` is with the layer's lock --- */

/* Unpacks into a folder, or (-1) only looks; the index is known then. */
static int do_take(struct build *b, struct build_layer *l, layer_source source,
		   void *context, int folder, struct layer_unpack_options *o,
		   struct err *e)
{
	struct layer_index index = LAYER_INDEX_INIT;
	struct layer_result result;
	int r;

	o->read.digest = &l->blob.digest;
	o->read.diff_id = &l->diff_id;
	o->read.index = l->index ? NULL : &index;
	r = folder < 0 ? layer_scan(source, context, &o->read, &result, e)
		       : layer_unpack(folder, source, context, o, &result, e);
	if (r == 0 && !l->index) {
		take_index(l, &index);
		r = write_index(b, l, e);
	}
	layer_index_free(&index);
	return r;
}

/* Somebody who fetches a layer while another reads it. */
struct fetcher {
	struct build *b;
	struct build_layer *l;
	pthread_t thread;
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

/* Signals are for the first thread. */
static int start_thread(pthread_t *thread, void *(*run)(void *context), void *context)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

/* -EAGAIN: the blob is there now, but was not read well while it came. */
static int do_follow(struct build *b, struct build_layer *l, int folder,
		     struct layer_unpack_options *o, struct err *e)
{
	struct fetcher fetcher = {.b = b, .l = l, .e = ERR_INIT};
	struct build_follower follower;
	int r;

	build_follow(&l->arrival, l->blob.size, &follower);
	r = start_thread(&fetcher.thread, run_fetcher, &fetcher);
	if (r < 0)
		return err_sys(e, r, "cannot start a thread");
	r = do_take(b, l, build_follower_read, &follower, folder, o, e);
	pthread_join(fetcher.thread, NULL);
	if (fetcher.result < 0)
		r = err_set(e, fetcher.result, "%s", fetcher.e.text);
	else if (r < 0 && !build_follower_is_last(&follower))
		r = -EAGAIN;
	err_free(&fetcher.e);
	build_follower_free(&follower);
	return r;
}

/* Whether it comes from a registry, or has to. */
static bool do_ask_whether_it_comes(struct build *b, struct build_layer *l)
{
	bool comes;

	if (!l->origin || l->from)
		return false;
	if (pthread_mutex_trylock(&l->fetching) != 0)
		return true;
	comes = hold(b, l, NULL) == -ENOENT;
	pthread_mutex_unlock(&l->fetching);
	return comes;
}

static int do_read_stored(struct build *b, struct build_layer *l, int folder,
			  struct layer_unpack_options *o, struct err *e)
{
	int source, r = build_layer_fetch(b, l, e);

	if (r < 0)
		return r;
	if (lseek(l->held, 0, SEEK_SET) < 0)
		return err_sys(e, -errno, "cannot read a layer of the store");
	source = l->held;
	return do_take(b, l, layer_source_fd, &source, folder, o, e);
}

/* -EAGAIN as do_follow(): the second try is not to follow. */
static int do_read(struct build *b, struct build_layer *l, bool first, int folder,
		   struct layer_unpack_options *o, struct err *e)
{
	return first && do_ask_whether_it_comes(b, l)
		       ? do_follow(b, l, folder, o, e)
		       : do_read_stored(b, l, folder, o, e);
}

/* --- Snapshots --- */

/*
 * Folders that a layer does not have itself look, in its snapshot, as those below do. So
 * there is a snapshot for each way in which they look, and the plain form is only of
 * layers without such folders.
 */
struct borrowing {
	const struct layer_view *below;
	struct build_key key;
	bool any;
};

static int add_borrowed(void *context, const char *path)
{
	struct borrowing *g = context;
	const struct layer_entry *entry = layer_view_find(g->below, path, NULL);

	g->any = true;
	build_key_text(&g->key, path);
	if (!entry || entry->type != LAYER_FOLDER) {
		build_key_number(&g->key, -1);
		return 0;
	}
	build_key_number(&g->key, entry->mode);
	build_key_number(&g->key, entry->uid);
	build_key_number(&g->key, entry->gid);
	build_key_number(&g->key, entry->mtime);
	build_key_number(&g->key, (int64_t)entry->nxattrs);
	for (size_t i = 0; i < entry->nxattrs; i++) {
		build_key_text(&g->key, entry->xattrs[i].name);
		build_key_bytes(&g->key, entry->xattrs[i].value, entry->xattrs[i].size);
	}
	return 0;
}

static void form_of(const struct build *b, struct layer_index *index,
		    const struct layer_view *below, char form[STORE_FORM_MAX + 1])
{
	struct borrowing g = {.below = below};
	char text[OCI_DIGEST_TEXT];
	struct oci_digest digest;

	build_key_begin(&g.key, "borrowed");
	(void)layer_index_borrowed(index, add_borrowed, &g);
	build_key_end(&g.key, &digest);
	if (g.any)
		snprintf(form, STORE_FORM_MAX + 1, "%s-%.16s", b->form,
			 oci_digest_hex(oci_digest_format(&digest, text)));
	else
		snprintf(form, STORE_FORM_MAX + 1, "%s", b->form);
}

/* Each try is into a draft of its own. */
static int do_try_to_unpack(struct build *b, struct build_layer *l, bool first,
			    const struct layer_view *below, char form[STORE_FORM_MAX + 1],
			    struct err *e)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	struct layer_unpack_options o = {
		.form = LAYER_UNPACK_SNAPSHOT,
		.userxattr = b->userxattr,
		.owner_xattr = b->one_owner,
		.devices = !b->userxattr,
		.below = below,
	};
	int r = store_draft_new(b->store, &draft, e);

	if (r == 0)
		r = do_read(b, l, first, draft.fs, &o, e);
	if (r < 0)
		return r;
	form_of(b, l->index, below, form);
	return store_draft_commit(&draft, &l->diff_id, form, e);
}

static int do_unpack(struct build *b, struct build_layer *l,
		     const struct layer_view *below, char form[STORE_FORM_MAX + 1],
		     struct err *e)
{
	int r = do_try_to_unpack(b, l, true, below, form, e);

	return r == -EAGAIN ? do_try_to_unpack(b, l, false, below, form, e) : r;
}

/* One that there is already: its fd, or -ENOENT. */
static int do_open(struct build *b, struct build_layer *l, const char *form,
		   struct err *e)
{
	int r = find_snapshot(l, form);

	if (r >= 0)
		return r;
	r = store_snapshot_open(b->store, &l->diff_id, form, e);
	return r < 0 ? r : take_snapshot(l, form, r, e);
}

/* Under the store's lock for the layer, since others may make it as well. */
static int do_make(struct build *b, struct build_layer *l, const struct layer_view *below,
		   struct err *e)
{
	char form[STORE_FORM_MAX + 1];
	int r = -ENOENT;

	if (l->index || read_index(b, l)) {
		form_of(b, l->index, below, form);
		r = do_open(b, l, form, e);
	}
	if (r != -ENOENT)
		return r;
	r = do_unpack(b, l, below, form, e);
	return r < 0 ? r : take_snapshot(l, form, r, e);
}

static int make_snapshot(struct build *b, struct build_layer *l,
			 const struct layer_view *below, struct err *e)
{
	int lock = store_lock(b->store, &l->diff_id, true, e);
	int r;

	if (lock < 0)
		return lock;
	pthread_mutex_lock(&l->lock);
	r = do_make(b, l, below, e);
	pthread_mutex_unlock(&l->lock);
	store_unlock(b->store, &l->diff_id, lock);
	return r;
}

static int view_of_first(struct build *b, const struct build_chain *c, size_t n,
			 struct layer_view *view, struct err *e);

int build_chain_snapshot(struct build *b, const struct build_chain *c, size_t i,
			 struct err *e)
{
	struct build_layer *l = c->v[i];
	struct layer_view below;
	int r;

	pthread_mutex_lock(&l->lock);
	r = do_open(b, l, b->form, e);
	pthread_mutex_unlock(&l->lock);
	if (r != -ENOENT)
		return r;
	r = view_of_first(b, c, i, &below, e);
	if (r == 0)
		r = make_snapshot(b, l, &below, e);
	free(below.layers);
	return r;
}

/* --- Indexes --- */

static int do_scan(struct build *b, struct build_layer *l, struct err *e)
{
	struct layer_unpack_options o = {0};
	int r = do_read(b, l, true, -1, &o, e);

	return r == -EAGAIN ? do_read(b, l, false, -1, &o, e) : r;
}

/* What is known of it without reading the layer. Snapshots go by the first kind alone. */
static struct layer_index *do_know(struct build *b, struct build_layer *l)
{
	if (l->index || read_index(b, l))
		return l->index;
	if (!l->asked)
		l->told = build_caches_index(b, &l->diff_id);
	l->asked = true;
	return l->told;
}

struct layer_index *build_layer_known_index(struct build *b, struct build_layer *l)
{
	struct layer_index *index;

	pthread_mutex_lock(&l->lock);
	index = do_know(b, l);
	pthread_mutex_unlock(&l->lock);
	return index;
}

int build_layer_index(struct build *b, struct build_layer *l, struct layer_index **index,
		      struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&l->lock);
	*index = do_know(b, l);
	if (!*index) {
		r = do_scan(b, l, e);
		*index = l->index;
	}
	pthread_mutex_unlock(&l->lock);
	return r;
}

/* Unpacking reads it too: in one go, if that has to be anyway. */
static int get_index(struct build *b, const struct build_chain *c, size_t i,
		     struct layer_index **index, struct err *e)
{
	struct build_layer *l = c->v[i];
	int r = 0;

	if (b->plan.runs && b->copies.storage != BUILD_STORAGE_COPIES &&
	    !build_layer_known_index(b, l))
		r = build_chain_snapshot(b, c, i, e);
	return r < 0 ? r : build_layer_index(b, l, index, e);
}

static int view_of_first(struct build *b, const struct build_chain *c, size_t n,
			 struct layer_view *view, struct err *e)
{
	*view = (struct layer_view){.layers = xcalloc(n + 1, sizeof *view->layers),
				    .n = n};
	for (size_t i = 0; i < n; i++) {
		int r = get_index(b, c, i, &view->layers[i], e);

		if (r < 0)
			return r;
	}
	return 0;
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
		build_arrival_free(&l->arrival);
		for (size_t n = 0; n < l->nsnapshots; n++) {
			clean_close(&l->snapshots[n].fs);
			clean_close(&l->snapshots[n].held);
		}
		free(l->snapshots);
		if (l->index)
			layer_index_free(l->index);
		free(l->index);
		if (l->told)
			layer_index_free(l->told);
		free(l->told);
		pthread_mutex_destroy(&l->lock);
		pthread_mutex_destroy(&l->fetching);
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

/* Layers of a base on their way while the first ones are unpacked. */
struct fetching {
	struct build *b;
	struct build_layer **v;
	size_t n;
	atomic_size_t next;
	pthread_t threads[FETCH_THREADS];
	unsigned nthreads;
};

static void *fetch_some(void *context)
{
	struct fetching *f = context;
	size_t i;

	/* If it fails, who needs the layer will try again, and tell. */
	while ((i = atomic_fetch_add(&f->next, 1)) < f->n)
		(void)build_layer_fetch(f->b, f->v[i], NULL);
	return NULL;
}

static bool is_elsewhere(struct build *b, struct build_layer *l)
{
	bool elsewhere;

	pthread_mutex_lock(&l->lock);
	elsewhere = l->origin && do_open(b, l, b->form, NULL) < 0;
	pthread_mutex_unlock(&l->lock);
	return elsewhere;
}

/* Without threads each is fetched when its turn comes. */
static void begin_fetching(struct fetching *f, struct build *b,
			   const struct build_chain *c)
{
	*f = (struct fetching){.b = b, .v = xcalloc(c->n + 1, sizeof *f->v)};
	for (size_t i = 0; i < c->n; i++)
		if (is_elsewhere(b, c->v[i]))
			f->v[f->n++] = c->v[i];
	f->next = 1; /* the first is fetched by who unpacks it */
	while (f->nthreads < FETCH_THREADS && f->nthreads + 1 < f->n &&
	       start_thread(&f->threads[f->nthreads], fetch_some, f) == 0)
		f->nthreads++;
}

static void end_fetching(struct fetching *f)
{
	f->next = f->n;
	while (f->nthreads)
		pthread_join(f->threads[--f->nthreads], NULL);
	free(f->v);
}

int build_chain_snapshots(struct build *b, const struct build_chain *c, int **fds,
			  size_t *n, struct err *e)
{
	struct fetching fetching;
	int fd = 0;

	*fds = xcalloc(c->n + 1, sizeof **fds);
	*n = 0;
	for (size_t i = 0; i < c->n; i++)
		*n += !is_above(c, i);
	begin_fetching(&fetching, b, c);
	/* Unpacked from below, listed from above. */
	for (size_t i = 0, at = *n; fd >= 0 && i < c->n; i++)
		if (!is_above(c, i))
			(*fds)[--at] = fd = build_chain_snapshot(b, c, i, e);
	end_fetching(&fetching);
	return fd < 0 ? fd : 0;
}

int build_chain_view(struct build *b, const struct build_chain *c,
		     struct layer_view *view, struct err *e)
{
	return view_of_first(b, c, c->n, view, e);
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
