/* SPDX-License-Identifier: MIT */

/* What the layers have in them, found out once. */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "build/internal.h"
#include "build/layers-internal.h"

static int write_record(struct build *b, struct build_layer *l, struct layer_index *index,
			struct err *e)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;

	layer_index_format(index, &text);
	return store_record_write(b->store, STORE_LAYER, &l->diff_id, text.data, text.len,
				  e);
}

/* One of another version, or damaged, is made anew. */
static struct layer_index *read_record(struct build *b, const struct build_layer *l)
{
	struct layer_index index = LAYER_INDEX_INIT, *read;
	AUTO_FREE char *text = NULL;
	size_t len;

	if (store_record_read(b->store, STORE_LAYER, &l->diff_id, &text, &len, NULL) < 0)
		return NULL;
	if (layer_index_parse(&index, text, len, NULL) < 0) {
		layer_index_free(&index);
		return NULL;
	}
	read = xcalloc(1, sizeof *read);
	*read = index;
	return read;
}

/* With `knowing`. An index that is there stays as it is. */
static struct layer_index *find(struct build *b, struct build_layer *l)
{
	if (!l->index)
		l->index = read_record(b, l);
	return l->index;
}

/* The same, or what a cache tells; snapshots do not go by that. */
static struct layer_index *find_or_be_told(struct build *b, struct build_layer *l)
{
	if (find(b, l))
		return l->index;
	if (!l->asked)
		l->told = build_caches_index(b, &l->diff_id);
	l->asked = true;
	return l->told;
}

/* With `knowing`: waits for who reads the layer, if somebody does. */
static void wait_for_reader(struct build_layer *l)
{
	while (l->reading)
		pthread_cond_wait(&l->known, &l->knowing);
}

struct layer_index *build_index_claim(struct build *b, struct build_layer *l)
{
	struct layer_index *index;

	pthread_mutex_lock(&l->knowing);
	wait_for_reader(l);
	index = find(b, l);
	l->reading = !index;
	pthread_mutex_unlock(&l->knowing);
	return index;
}

static void end_reading(struct build_layer *l)
{
	l->reading = false;
	pthread_cond_broadcast(&l->known);
}

int build_layer_keep_index(struct build *b, struct build_layer *l,
			   struct layer_index *index, struct err *e)
{
	/* This also sorts it: nobody changes it any more. */
	int r = write_record(b, l, index, e);

	pthread_mutex_lock(&l->knowing);
	if (!l->index) {
		l->index = xcalloc(1, sizeof *l->index);
		*l->index = *index;
		*index = (struct layer_index)LAYER_INDEX_INIT;
	}
	end_reading(l);
	pthread_mutex_unlock(&l->knowing);
	layer_index_free(index);
	return r;
}

void build_index_give_up(struct build_layer *l)
{
	pthread_mutex_lock(&l->knowing);
	end_reading(l);
	pthread_mutex_unlock(&l->knowing);
}

struct layer_index *build_layer_known_index(struct build *b, struct build_layer *l)
{
	struct layer_index *index;

	pthread_mutex_lock(&l->knowing);
	index = find_or_be_told(b, l);
	pthread_mutex_unlock(&l->knowing);
	return index;
}

/* --- Reading a layer for its index alone --- */

static int scan(void *context, layer_source source, void *from,
		const struct layer_read_options *options, struct err *e)
{
	struct layer_index *index = context;
	struct layer_read_options o = *options;
	struct layer_result result;

	o.index = index;
	layer_index_free(index); /* that of a try before */
	*index = (struct layer_index)LAYER_INDEX_INIT;
	return layer_scan(source, from, &o, &result, e);
}

int build_layer_index(struct build *b, struct build_layer *l, struct layer_index **index,
		      struct err *e)
{
	struct layer_index new = LAYER_INDEX_INIT;
	int r;

	pthread_mutex_lock(&l->knowing);
	wait_for_reader(l);
	*index = find_or_be_told(b, l);
	l->reading = !*index;
	pthread_mutex_unlock(&l->knowing);
	if (*index)
		return 0;
	r = build_layer_pass(b, l, scan, &new, e);
	if (r < 0) {
		layer_index_free(&new);
		build_index_give_up(l);
		return r;
	}
	r = build_layer_keep_index(b, l, &new, e);
	*index = l->index;
	return r;
}

void build_index_free(struct build_layer *l)
{
	struct layer_index *all[] = {l->index, l->told};

	for (size_t i = 0; i < 2; i++) {
		if (all[i])
			layer_index_free(all[i]);
		free(all[i]);
	}
	pthread_mutex_destroy(&l->knowing);
	pthread_cond_destroy(&l->known);
}

/* --- Several --- */

int build_index_view(struct build *b, const struct build_chain *c, size_t n,
		     struct layer_view *view, struct err *e)
{
	*view = (struct layer_view){.layers = xcalloc(n + 1, sizeof *view->layers),
				    .n = n};
	for (size_t i = 0; i < n; i++) {
		int r = build_layer_index(b, c->v[i], &view->layers[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}
