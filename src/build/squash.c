/* SPDX-License-Identifier: MIT */

/*
 * Several layers as one: of each path what shows of it, and what hides the base's. Their
 * indexes tell that; the bytes come from the snapshots.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/changes.h"
#include "build/internal.h"

struct squash {
	struct layer_view view; /* of the layers that become one */
	struct build_chain base;
	struct layer_view below; /* of the base; layers is NULL until it is asked for */
	struct build_changes changes;
};

static bool is_hidden(const struct squash *s, size_t layer, const char *path)
{
	for (size_t i = layer + 1; i < s->view.n; i++)
		if (layer_index_hides(s->view.layers[i], path))
			return true;
	return false;
}

/* A folder that was made anew after the base's had been removed. */
static bool is_new_folder(const struct squash *s, size_t layer, const char *path)
{
	for (size_t i = 0; i < layer; i++) {
		const struct layer_entry *e = layer_index_find(s->view.layers[i], path);

		if (e && (e->type != LAYER_FOLDER || e->opaque))
			return true;
	}
	return false;
}

static bool is_in_new_folder(const struct squash *s, size_t layer, const char *path)
{
	AUTO_FREE char *folder = xstrdup(path);
	char *slash;

	while ((slash = strrchr(folder, '/'))) {
		*slash = '\0';
		/* This layer's own mark counts too. */
		if (is_new_folder(s, layer + 1, folder))
			return true;
	}
	return false;
}

/*
 * Whether something of the base is to be hidden at a path: 1, or 0. Marks are only for
 * that: overlay shows a whiteout as a name where there is no folder of the base below.
 */
static int shows_base(struct build *b, struct squash *s, size_t layer, const char *path,
		      struct err *e)
{
	bool implied = false;
	int r = 0;

	if (is_in_new_folder(s, layer, path))
		return 0;
	if (!s->below.layers)
		r = build_chain_view(b, &s->base, &s->below, e);
	return r < 0 ? r : layer_view_find(&s->below, path, &implied) || implied;
}

/* The place in the index of the file that a name is of. */
static size_t file_of(struct layer_index *index, size_t place)
{
	const struct layer_entry *e = &index->entries[place];

	if (e->type == LAYER_HARDLINK)
		e = layer_index_find(index, e->target);
	return e ? (size_t)(e - index->entries) : place;
}

/* Files with several names; *linked is the caller's, by place in the index. */
static void find_linked(struct layer_index *index, bool **linked)
{
	*linked = xcalloc(index->n + 1, sizeof **linked);
	for (size_t i = 0; i < index->n; i++)
		if (index->entries[i].type == LAYER_HARDLINK)
			(*linked)[file_of(index, i)] = true;
}

static void add_entry(struct squash *s, size_t layer, size_t place, int snapshot,
		      const bool *linked, bool opaque)
{
	struct layer_index *index = s->view.layers[layer];
	const char *path = index->entries[place].path;
	size_t file = file_of(index, place);
	const struct layer_entry *entry = &index->entries[file];
	struct build_change *c = build_changes_add(&s->changes, entry->type, path);

	layer_entry_clear(&c->entry);
	layer_entry_copy(&c->entry, entry);
	free(c->entry.path);
	c->entry.path = xstrdup(path);
	c->entry.opaque = opaque;
	if (entry->type != LAYER_FILE)
		return;
	c->root = snapshot;
	c->from = xstrdup(path);
	if (linked[file]) {
		c->dev = layer + 1;
		c->ino = file + 1;
	}
}

/* Whether an entry is to hide what the base has: 1, or 0. */
static int hides_base(struct build *b, struct squash *s, size_t layer,
		      const struct layer_entry *entry, struct err *e)
{
	if (entry->type != LAYER_WHITEOUT &&
	    (entry->type != LAYER_FOLDER ||
	     (!entry->opaque && !is_new_folder(s, layer, entry->path))))
		return 0;
	return shows_base(b, s, layer, entry->path, e);
}

static int add_layer(struct build *b, struct squash *s, size_t layer,
		     const struct build_chain *all, size_t at, struct err *e)
{
	struct layer_index *index = s->view.layers[layer];
	AUTO_FREE bool *linked = NULL;
	int snapshot = build_chain_snapshot(b, all, at, e);

	if (snapshot < 0)
		return snapshot;
	find_linked(index, &linked);
	for (size_t i = 0; i < index->n; i++) {
		const struct layer_entry *entry = &index->entries[i];
		int hides;

		if (!*entry->path || is_hidden(s, layer, entry->path))
			continue;
		hides = hides_base(b, s, layer, entry, e);
		if (hides < 0)
			return hides;
		if (hides || entry->type != LAYER_WHITEOUT)
			add_entry(s, layer, i, snapshot, linked,
				  hides && entry->type == LAYER_FOLDER);
	}
	return 0;
}

int build_squash(struct build *b, const struct build_stage *stage, size_t nbase,
		 struct build_layer **layer, struct err *e)
{
	const struct build_chain *all = &stage->last->layers;
	const struct build_chain top = {all->v + nbase, all->n - nbase};
	struct squash s = {.base = {all->v, nbase}};
	int r = build_chain_view(b, &top, &s.view, e);

	for (size_t i = 0; i < top.n && r == 0; i++)
		r = add_layer(b, &s, i, all, nbase + i, e);
	*layer = NULL;
	if (r == 0) {
		build_changes_settle(&s.changes, b->now);
		r = build_changes_write(b, &s.changes, layer, e);
	}
	build_changes_free(&s.changes);
	free(s.view.layers);
	free(s.below.layers);
	return r;
}
