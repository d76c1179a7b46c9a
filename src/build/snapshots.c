/* SPDX-License-Identifier: MIT */

/* The files of layers, unpacked once. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "build/internal.h"
#include "build/key.h"
#include "build/layers-internal.h"
#include "priv/overlay.h"

enum { THREADS = 4 }; /* that fetch and unpack layers of one image */

/* Making one: of the layer at a place in a chain. */
struct unpacking {
	struct build *b;
	const struct build_chain *c;
	size_t at;
	struct build_layer *l;
	bool claimed; /* its index, which nobody knows */
	struct layer_index index;
	struct layer_view below; /* layers is NULL until it is asked for */
	struct store_draft draft;
};

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

int build_snapshot_hold(struct build *b, struct build_layer *l, int snapshot,
			struct err *e)
{
	int r;

	pthread_mutex_lock(&l->lock);
	r = take_snapshot(l, b->form, snapshot, e);
	pthread_mutex_unlock(&l->lock);
	return r < 0 ? r : 0;
}

void build_snapshots_free(struct build_layer *l)
{
	for (size_t n = 0; n < l->nsnapshots; n++) {
		clean_close(&l->snapshots[n].fs);
		clean_close(&l->snapshots[n].held);
	}
	free(l->snapshots);
	pthread_mutex_destroy(&l->lock);
}

/* --- Layers below --- */

static int see_below(struct unpacking *u, struct err *e)
{
	int r;

	if (u->below.layers)
		return 0;
	r = build_index_view(u->b, u->c, u->at, &u->below, e);
	if (r < 0)
		free(TAKE_PTR(u->below.layers));
	return r;
}

/*
 * Folders that a layer does not have itself look, in its snapshot, as those below do. So
 * there is a snapshot for each way in which they look, and the plain form is only of
 * layers without such folders.
 */
struct borrowing {
	struct unpacking *u;
	struct build_key key;
	bool any;
	struct err *e;
};

static int add_borrowed(void *context, const char *path)
{
	struct borrowing *g = context;
	const struct layer_entry *entry;
	int r = see_below(g->u, g->e);

	if (r < 0)
		return r;
	entry = layer_view_find(&g->u->below, path, NULL);
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

static int form_of(struct unpacking *u, struct layer_index *index,
		   char form[STORE_FORM_MAX + 1], struct err *e)
{
	struct borrowing g = {.u = u, .e = e};
	char text[OCI_DIGEST_TEXT];
	struct oci_digest digest;
	int r;

	build_key_begin(&g.key, "borrowed");
	r = layer_index_borrowed(index, add_borrowed, &g);
	build_key_end(&g.key, &digest);
	if (g.any)
		snprintf(form, STORE_FORM_MAX + 1, "%s-%.16s", u->b->form,
			 oci_digest_hex(oci_digest_format(&digest, text)));
	else
		snprintf(form, STORE_FORM_MAX + 1, "%s", u->b->form);
	return r;
}

/* --- Unpacking --- */

/* Others may be waiting for its index, and it for theirs: first it tells its own. */
static int tell_index(struct unpacking *u, struct err *e)
{
	if (!u->claimed)
		return 0;
	u->claimed = false;
	return build_layer_keep_index(u->b, u->l, &u->index, e);
}

static int give_below(void *context, const struct layer_view **view, struct err *e)
{
	struct unpacking *u = context;
	int r = tell_index(u, e);

	*view = &u->below;
	return r < 0 ? r : see_below(u, e);
}

/* Each try is into a draft of its own. */
static int unpack(void *context, layer_source source, void *from,
		  const struct layer_read_options *options, struct err *e)
{
	struct unpacking *u = context;
	struct layer_unpack_options o = {
		.read = *options,
		.form = LAYER_UNPACK_SNAPSHOT,
		.userxattr = u->b->userxattr,
		.owner_xattr = u->b->one_owner,
		.devices = !u->b->userxattr,
		.below = give_below,
		.context = u,
	};
	struct layer_result result;
	int r;

	o.read.index = u->claimed ? &u->index : NULL;
	store_draft_discard(&u->draft);
	layer_index_free(&u->index);
	u->index = (struct layer_index)LAYER_INDEX_INIT;
	r = store_draft_new(u->b->store, &u->draft, e);
	if (r == 0)
		r = layer_unpack(u->draft.fs, source, from, &o, &result, e);
	return r < 0 ? r : tell_index(u, e);
}

/* With the layer's lock. One that there is already: its fd, or -ENOENT. */
static int open_snapshot(struct build *b, struct build_layer *l, const char *form,
			 struct err *e)
{
	int r = find_snapshot(l, form);

	if (r >= 0)
		return r;
	r = store_snapshot_open(b->store, &l->diff_id, form, e);
	return r < 0 ? r : take_snapshot(l, form, r, e);
}

/* The same, or made. Under the store's lock for the layer too, as others may make it. */
static int make_snapshot(struct unpacking *u, struct err *e)
{
	struct layer_index *index = build_index_claim(u->b, u->l);
	char form[STORE_FORM_MAX + 1];
	int r;

	u->claimed = !index;
	if (index) {
		r = form_of(u, index, form, e);
		if (r == 0)
			r = open_snapshot(u->b, u->l, form, e);
		if (r != -ENOENT)
			return r;
	}
	r = build_layer_pass(u->b, u->l, unpack, u, e);
	if (u->claimed)
		build_index_give_up(u->l);
	if (r == 0 && !index)
		r = form_of(u, u->l->index, form, e);
	if (r == 0)
		r = store_draft_commit(&u->draft, &u->l->diff_id, form, e);
	return r < 0 ? r : take_snapshot(u->l, form, r, e);
}

int build_chain_snapshot(struct build *b, const struct build_chain *c, size_t i,
			 struct err *e)
{
	struct build_layer *l = c->v[i];
	struct unpacking u = {.b = b,
			      .c = c,
			      .at = i,
			      .l = l,
			      .index = LAYER_INDEX_INIT,
			      .draft = STORE_DRAFT_INIT};
	int lock, r;

	pthread_mutex_lock(&l->lock);
	r = open_snapshot(b, l, b->form, e);
	pthread_mutex_unlock(&l->lock);
	if (r != -ENOENT)
		return r;
	lock = store_lock(b->store, &l->diff_id, true, e);
	if (lock < 0)
		return lock;
	pthread_mutex_lock(&l->lock);
	r = make_snapshot(&u, e);
	pthread_mutex_unlock(&l->lock);
	store_unlock(b->store, &l->diff_id, lock);
	store_draft_discard(&u.draft);
	layer_index_free(&u.index);
	free(u.below.layers);
	return r;
}

/* --- Several --- */

static bool is_above(const struct build_chain *c, size_t place)
{
	for (size_t i = place + 1; i < c->n; i++)
		if (c->v[i] == c->v[place])
			return true;
	return false;
}

/* Layers that are to be there, by their places in a chain. */
struct wanted {
	struct build *b;
	const struct build_chain *c;
	size_t *places, n;
	bool files; /* else their indexes are enough */
};

static int get_one(void *context, size_t i, struct err *e)
{
	const struct wanted *w = context;
	struct layer_index *index;
	int r;

	if (w->files)
		r = build_chain_snapshot(w->b, w->c, w->places[i], e);
	else
		r = build_layer_index(w->b, w->c->v[w->places[i]], &index, e);
	return r < 0 ? r : 0;
}

/* None waits for one above it, and for one below only once that has told its index. */
static int get_wanted(struct build *b, const struct build_chain *c, bool files,
		      bool (*wanted)(struct build *b, struct build_layer *l),
		      struct err *e)
{
	AUTO_FREE size_t *places = xcalloc(c->n + 1, sizeof *places);
	struct wanted w = {b, c, places, 0, files};

	for (size_t i = 0; i < c->n; i++)
		if (!is_above(c, i) && wanted(b, c->v[i]))
			places[w.n++] = i;
	return thread_each(THREADS, w.n, get_one, &w, e);
}

static bool is_packed(struct build *b, struct build_layer *l)
{
	bool packed;

	pthread_mutex_lock(&l->lock);
	packed = open_snapshot(b, l, b->form, NULL) < 0;
	pthread_mutex_unlock(&l->lock);
	return packed;
}

static bool is_unknown(struct build *b, struct build_layer *l)
{
	return !build_layer_known_index(b, l);
}

int build_chain_snapshots(struct build *b, const struct build_chain *c, int **fds,
			  size_t *n, struct err *e)
{
	size_t at = 0;
	int r = get_wanted(b, c, true, is_packed, e);

	*fds = xcalloc(c->n + 1, sizeof **fds);
	for (size_t i = c->n; r >= 0 && i-- > 0;)
		if (!is_above(c, i))
			(*fds)[at++] = r = build_chain_snapshot(b, c, i, e);
	*n = at;
	return r < 0 ? r : 0;
}

static bool any_is_unknown(struct build *b, const struct build_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_unknown(b, c->v[i]))
			return true;
	return false;
}

/* Unpacking reads a layer too: in one go, if that has to be anyway. */
int build_chain_view(struct build *b, const struct build_chain *c,
		     struct layer_view *view, struct err *e)
{
	int r = 0;

	*view = (struct layer_view){NULL, 0};
	if (any_is_unknown(b, c)) {
		r = b->plan.runs ? build_copies_needed(b, e) : 1;
		if (r >= 0)
			r = get_wanted(b, c, !r, is_unknown, e);
	}
	return r < 0 ? r : build_index_view(b, c, c->n, view, e);
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
