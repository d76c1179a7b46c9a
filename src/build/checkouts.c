/* SPDX-License-Identifier: MIT */
#include "build/checkouts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

struct build_checkout {
	char *url;
	bool keep_git_dir;
	char *commit; /* that it must be; or NULL */
	struct store_draft draft;
	char *path; /* of its fs */
	char *told; /* what tells the commit; NULL: nobody was asked */
	bool moved; /* it was another one when it was fetched */
	int root;   /* its files; -1: it is not fetched */
};

void build_checkouts_init(struct build_checkouts *c, struct store *store)
{
	*c = (struct build_checkouts){.store = store};
	pthread_mutex_init(&c->lock, NULL);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The one of this address, with a folder for its files. With the lock. */
static int get(struct build_checkouts *c, const struct build_git *g,
	       struct build_checkout **checkout, struct err *e)
{
	struct build_checkout *new;
	struct store_draft draft;
	int r;

	for (size_t i = 0; i < c->n; i++)
		if (same(c->v[i]->url, g->url) && same(c->v[i]->commit, g->commit) &&
		    c->v[i]->keep_git_dir == g->keep_git_dir) {
			*checkout = c->v[i];
			return 0;
		}
	r = store_draft_new(c->store, &draft, e);
	if (r < 0)
		return r;
	new = xcalloc(1, sizeof *new);
	*new = (struct build_checkout){
		.url = xstrdup(g->url),
		.keep_git_dir = g->keep_git_dir,
		.commit = g->commit ? xstrdup(g->commit) : NULL,
		.draft = draft,
		.path = xasprintf("%s/fs", draft.path),
		.root = -1,
	};
	GROW(c->v, c->n);
	*checkout = c->v[c->n++] = new;
	return 0;
}

int build_checkout_ask(struct build_checkouts *c, const struct build_git *g,
		       const char **told, struct err *e)
{
	struct build_checkout *checkout;
	int r;

	pthread_mutex_lock(&c->lock);
	r = get(c, g, &checkout, e);
	if (r == 0 && !checkout->told)
		r = build_git_ask(g, checkout->draft.fs, checkout->path, &checkout->told,
				  e);
	if (r == 0)
		*told = checkout->moved ? "" : checkout->told;
	pthread_mutex_unlock(&c->lock);
	return r;
}

static int fetch(struct build_checkout *checkout, const struct build_git *g,
		 struct err *e)
{
	AUTO_FREE char *commit = NULL;

	checkout->root =
		build_git_fetch(g, checkout->draft.fs, checkout->path, NULL, &commit, e);
	if (checkout->root >= 0 && checkout->told)
		checkout->moved = !strstr(checkout->told, commit);
	return checkout->root;
}

int build_checkout(struct build_checkouts *c, const struct build_git *g, struct err *e)
{
	struct build_checkout *checkout;
	int r;

	pthread_mutex_lock(&c->lock);
	r = get(c, g, &checkout, e);
	if (r == 0)
		r = checkout->root >= 0 ? checkout->root : fetch(checkout, g, e);
	pthread_mutex_unlock(&c->lock);
	return r;
}

static void checkout_free(struct build_checkout *checkout)
{
	free(checkout->url);
	free(checkout->commit);
	free(checkout->told);
	free(checkout->path);
	clean_close(&checkout->root);
	store_draft_discard(&checkout->draft);
	free(checkout);
}

void build_checkouts_free(struct build_checkouts *c)
{
	for (size_t i = 0; i < c->n; i++)
		checkout_free(c->v[i]);
	free(c->v);
	if (c->store)
		pthread_mutex_destroy(&c->lock);
	*c = (struct build_checkouts){0};
}
