/* SPDX-License-Identifier: MIT */
#include "build/checkouts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

void build_checkouts_init(struct build_checkouts *c, struct store *store)
{
	*c = (struct build_checkouts){.store = store};
	pthread_mutex_init(&c->lock, NULL);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int find(const struct build_checkouts *c, const struct build_git *g)
{
	for (size_t i = 0; i < c->n; i++)
		if (same(c->v[i].url, g->url) && same(c->v[i].commit, g->commit) &&
		    c->v[i].keep_git_dir == g->keep_git_dir)
			return c->v[i].root;
	return -ENOENT;
}

static int fetch(struct build_checkouts *c, const struct build_git *g, struct err *e)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	AUTO_FREE char *path = NULL;
	int root, r = store_draft_new(c->store, &draft, e);

	if (r < 0)
		return r;
	path = xasprintf("%s/fs", draft.path);
	root = build_git_fetch(g, draft.fs, path, NULL, e);
	if (root < 0)
		return root;
	GROW(c->v, c->n);
	c->v[c->n++] = (struct build_checkout){
		.url = xstrdup(g->url),
		.keep_git_dir = g->keep_git_dir,
		.commit = g->commit ? xstrdup(g->commit) : NULL,
		.draft = draft,
		.root = root,
	};
	draft = (struct store_draft)STORE_DRAFT_INIT;
	return root;
}

int build_checkout(struct build_checkouts *c, const struct build_git *g, struct err *e)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = find(c, g);
	if (r == -ENOENT)
		r = fetch(c, g, e);
	pthread_mutex_unlock(&c->lock);
	return r;
}

void build_checkouts_free(struct build_checkouts *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].url);
		free(c->v[i].commit);
		clean_close(&c->v[i].root);
		store_draft_discard(&c->v[i].draft);
	}
	free(c->v);
	if (c->store)
		pthread_mutex_destroy(&c->lock);
	*c = (struct build_checkouts){0};
}
