/* SPDX-License-Identifier: MIT */

/* What steps came to, for other machines (--cache-to). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "registry/push.h"

/* Its documents are here alone; the layers are the build's. */
struct writing {
	struct oci_blobs blobs; /* first */
	struct build *b;
	const struct build_cache_place *to;
	struct oci_cache cache;
	struct oci_manifest manifest;
	struct text {
		struct oci_digest digest;
		char *data;
		size_t len;
	} * texts;
	size_t n;
};

static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **blob, struct err *e)
{
	struct writing *w = (struct writing *)blobs;

	for (size_t i = 0; i < w->n; i++)
		if (oci_digest_equal(&w->texts[i].digest, digest)) {
			*blob = oci_blob_of_bytes(w->texts[i].data, w->texts[i].len);
			return 0;
		}
	return w->b->blobs.open(&w->b->blobs, digest, blob, e);
}

/* Takes over data; d is what names it. */
static void add_text(struct writing *w, const char *media_type, char *data, size_t len,
		     struct oci_descriptor *d)
{
	struct text *t;

	GROW(w->texts, w->n);
	t = &w->texts[w->n++];
	*t = (struct text){.data = data, .len = len};
	oci_digest_of(data, len, &t->digest);
	*d = (struct oci_descriptor){
		.media_type = xstrdup(media_type), .digest = t->digest, .size = len};
}

/* --- The document --- */

static bool is_in_image(const struct build *b, const struct build_layer *l)
{
	for (size_t i = 0; i < b->nplatforms; i++) {
		const struct build_chain *c = &b->plan.targets[i]->last->layers;

		for (size_t n = 0; n < c->n; n++)
			if (c->v[n] == l)
				return true;
	}
	return false;
}

static bool is_wanted(const struct writing *w, const struct build_layer *l)
{
	return !w->to->image_only || is_in_image(w->b, l);
}

static struct oci_cache_layer *get_layer(struct writing *w, const struct build_layer *l)
{
	struct oci_cache *c = &w->cache;
	struct oci_cache_layer *layer = oci_cache_find_layer(c, &l->diff_id);

	if (layer)
		return layer;
	GROW(c->layers, c->n_layers);
	layer = &c->layers[c->n_layers++];
	*layer = (struct oci_cache_layer){.diff_id = l->diff_id};
	return layer;
}

static void add_step(struct writing *w, const struct build_made *made)
{
	struct oci_cache *c = &w->cache;
	struct oci_cache_step step = {.key = made->key, .created = made->result.created};
	const struct build_layer *l = made->result.layer;
	struct oci_cache_layer *layer;

	if (l && !is_wanted(w, l))
		return;
	if (l) {
		layer = get_layer(w, l);
		if (!layer->blob.media_type)
			oci_descriptor_copy(&layer->blob, &l->blob);
		layer->level = l->level;
		step.wrote = true;
		step.layer = (size_t)(layer - c->layers);
	}
	GROW(c->steps, c->n_steps);
	c->steps[c->n_steps++] = step;
}

/* What is known of the names in layers, those of bases too. */
static void add_index(struct writing *w, struct build_layer *l)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	struct layer_index *index;
	struct oci_cache_layer *layer;
	size_t len;

	if (!is_wanted(w, l))
		return;
	layer = oci_cache_find_layer(&w->cache, &l->diff_id);
	if (layer && layer->index.media_type)
		return;
	index = build_layer_known_index(w->b, l);
	if (!index)
		return;
	layer_index_format(index, &text);
	len = text.len;
	add_text(w, OCI_MEDIA_LAYER_INDEX, strbuf_take(&text), len,
		 &get_layer(w, l)->index);
}

static int compare(const void *a, const void *b)
{
	const struct build_made *first = a, *second = b;

	return memcmp(first->key.bytes, second->key.bytes, OCI_DIGEST_SIZE);
}

/* Sorted, so that the same steps give the same document, in whatever order they ended. */
static void fill(struct writing *w)
{
	const struct build_plan *p = &w->b->plan;
	const struct build_outcomes *made = &w->b->made;

	if (made->n)
		qsort(made->v, made->n, sizeof *made->v, compare);
	for (size_t i = 0; i < made->n; i++)
		add_step(w, &made->v[i]);
	for (size_t i = 0; i < p->nsteps; i++)
		for (size_t n = 0; n < p->steps[i]->layers.n; n++)
			add_index(w, p->steps[i]->layers.v[n]);
}

/* --- Writing --- */

static int make_manifest(struct writing *w, struct oci_document *doc, struct err *e)
{
	const struct oci_cache *c = &w->cache;
	struct oci_manifest *m = &w->manifest;
	size_t len;
	char *text;

	for (size_t i = 0; i < c->n_layers; i++) {
		if (c->layers[i].blob.media_type)
			oci_descriptor_copy(oci_manifest_add_layer(m),
					    &c->layers[i].blob);
		if (c->layers[i].index.media_type)
			oci_descriptor_copy(oci_manifest_add_layer(m),
					    &c->layers[i].index);
	}
	text = oci_cache_write(c, &len);
	add_text(w, OCI_MEDIA_CACHE, text, len, &m->config);
	if (len > OCI_DOCUMENT_MAX || m->n > OCI_ITEMS_MAX ||
	    c->n_steps > OCI_CACHE_STEPS_MAX)
		return err_set(e, -EFBIG,
			       "%zu steps and %zu layers are more than one cache holds "
			       "(mode=min writes fewer)",
			       c->n_steps, c->n_layers);
	oci_manifest_write(m, doc);
	return 0;
}

/* What was pushed just now can be mounted, besides what comes from there. */
static int push(struct writing *w, const struct oci_document *doc, struct err *e)
{
	struct build *b = w->b;
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_FREE struct oci_reference *origins = NULL;
	size_t n;
	int r = oci_reference_parse(&ref, w->to->where, e);

	if (r < 0)
		return r;
	oci_reference_complete(&ref);
	n = build_origins(b, &ref, &origins);
	origins = xrealloc(origins, n + b->ahead.nto + 1, sizeof *origins);
	for (size_t i = 0; i < b->ahead.nto; i++)
		origins[n++] = b->ahead.to[i];
	return registry_push(b->registry, &ref, doc, &w->blobs, origins, n, e);
}

static void writing_free(struct writing *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->texts[i].data);
	free(w->texts);
	oci_cache_free(&w->cache);
	oci_manifest_free(&w->manifest);
}

int build_cache_export(struct build *b, const struct build_cache_place *to, struct err *e)
{
	const struct transport_name layout = {TRANSPORT_OCI, to->where, to->name};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	CLEAN(writing_free)
	struct writing w = {.blobs = {.open = open_blob}, .b = b, .to = to};
	int r;

	build_ahead_finish(b);
	fill(&w);
	r = make_manifest(&w, &doc, e);
	if (r == 0)
		r = to->local ? transport_write(&layout, &doc, &w.blobs, e)
			      : push(&w, &doc, e);
	return r < 0 ? err_wrap(e, r, "cannot write the cache %s", to->where) : 0;
}
