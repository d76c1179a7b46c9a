/* SPDX-License-Identifier: MIT */
#include "build/caches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "registry/pull.h"

static const size_t INDEX_MAX = (size_t)64 << 20; /* bytes */

/* --- Reading --- */

static int open_registry(struct build *b, struct build_cache_source *c, struct err *e)
{
	int r = oci_reference_parse(&c->ref, c->name, e);

	if (r == 0)
		r = registry_complete(b->registry, &c->ref, e);
	if (r == 0)
		r = registry_resolve(b->registry, &c->ref, &c->doc, e);
	if (r == 0)
		c->blobs = registry_blobs_of(b->registry, &c->ref, &c->doc);
	return r;
}

static int open_layout(struct build_cache_source *c, const struct build_cache_place *p,
		       struct err *e)
{
	const struct transport_name name = {TRANSPORT_OCI, p->where, p->name};
	const struct oci_document *doc;
	int r = transport_open(&name, &c->layout, e);

	if (r < 0)
		return r;
	doc = transport_document(c->layout);
	c->blobs = transport_blobs(c->layout);
	return oci_document_init(&c->doc, doc->media_type, xstrdup(doc->data), doc->len,
				 e);
}

static int read_document(struct build_cache_source *c, struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_FREE char *text = NULL;
	size_t len;
	int r;

	if (oci_document_is_index(&c->doc))
		return err_set(e, -EINVAL, "it is an index of images, and no cache");
	r = oci_manifest_parse(&m, &c->doc, e);
	if (r < 0)
		return r;
	if (strcmp(m.config.media_type, OCI_MEDIA_CACHE) != 0)
		return err_set(e, -EINVAL,
			       "it is an image or what another program wrote (%s), and "
			       "no cache of --cache-to",
			       m.config.media_type);
	r = oci_blobs_read(c->blobs, &m.config.digest, OCI_DOCUMENT_MAX, &text, &len, e);
	return r < 0 ? r : oci_cache_parse(&c->cache, text, len, e);
}

static void source_free(struct build_cache_source *c)
{
	if (c->layout)
		transport_close(c->layout);
	else
		registry_blobs_free(c->blobs);
	oci_document_free(&c->doc);
	oci_reference_free(&c->ref);
	oci_cache_free(&c->cache);
	free(c);
}

static void tell(struct build *b, const char *name, int r, const struct err *e)
{
	AUTO_FREE char *why = err_message(e);
	AUTO_FREE char *note =
		r == -ENOENT ? xasprintf("there is no cache in %s yet", name)
			     : xasprintf("the cache %s is left out: %s", name, why);

	build_say(b, BUILD_NOTE, NULL, note);
}

static void add_source(struct build *b, const struct build_cache_place *p)
{
	struct build_cache_source *c = xcalloc(1, sizeof *c);
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	c->name = p->where;
	r = p->local ? open_layout(c, p, &e) : open_registry(b, c, &e);
	if (r == 0) {
		r = read_document(c, &e);
		r = r == -ENOENT ? -EIO : r; /* a part is missing, not the cache */
	}
	if (r < 0) {
		tell(b, p->where, r, &e);
		source_free(c);
		return;
	}
	GROW(b->caches.v, b->caches.n);
	b->caches.v[b->caches.n++] = c;
}

void build_caches_read(struct build *b)
{
	const struct build_settings *s = b->settings;

	for (size_t i = 0; !s->no_cache && i < s->ncache_from; i++)
		add_source(b, &s->cache_from[i]);
}

void build_caches_free(struct build *b)
{
	for (size_t i = 0; i < b->caches.n; i++)
		source_free(b->caches.v[i]);
	free(b->caches.v);
	b->caches = (struct build_caches){0};
}

/* --- Steps --- */

static const struct oci_cache_step *find_step(const struct oci_cache *c,
					      const struct oci_digest *key)
{
	for (size_t i = 0; i < c->n_steps; i++)
		if (oci_digest_equal(&c->steps[i].key, key))
			return &c->steps[i];
	return NULL;
}

static bool take(struct build *b, const struct build_cache_source *c,
		 const struct oci_cache_step *step, struct build_outcome *result)
{
	const struct oci_cache_layer *l;

	*result = (struct build_outcome){.created = step->created};
	if (!step->wrote)
		return true;
	l = &c->cache.layers[step->layer];
	/* Of a registry it would have to be asked for: there it is taken to be. */
	if (c->layout && !oci_blobs_has(c->blobs, &l->blob.digest, l->blob.size))
		return false;
	result->layer = build_layer_get(b, &l->diff_id, &l->blob, l->level, NULL);
	build_layer_offer(result->layer, &l->blob.digest, c->layout ? NULL : &c->ref,
			  c->layout ? c->blobs : NULL, c->name);
	return true;
}

bool build_caches_find(struct build *b, const struct oci_digest *key,
		       struct build_outcome *result)
{
	for (size_t i = 0; i < b->caches.n; i++) {
		const struct build_cache_source *c = b->caches.v[i];
		const struct oci_cache_step *step = find_step(&c->cache, key);

		if (step && take(b, c, step, result))
			return true;
	}
	return false;
}

/* --- Indexes --- */

/* A path that no layer can have would lead steps out of their folder. */
static bool has_clean_paths(const struct layer_index *index)
{
	for (size_t i = 0; i < index->n; i++) {
		AUTO_FREE char *path = xstrdup(index->entries[i].path);

		if (layer_path_clean(path) < 0 ||
		    strcmp(path, index->entries[i].path) != 0)
			return false;
	}
	return true;
}

static int read_index(const struct build_cache_source *c, const struct oci_descriptor *d,
		      struct layer_index *index, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int r = oci_blobs_read(c->blobs, &d->digest, INDEX_MAX, &text, &len, e);

	if (r == 0)
		r = layer_index_parse(index, text, len, e);
	if (r == 0 && !has_clean_paths(index))
		r = err_set(e, -EBADMSG, "the index of a layer is damaged");
	/* It is sorted when it is first used: now, and not by several threads. */
	if (r == 0)
		(void)layer_index_find(index, "");
	return r;
}

static struct layer_index *take_index(struct build *b, const struct build_cache_source *c,
				      const struct oci_descriptor *d)
{
	AUTO_ERR struct err e = ERR_INIT;
	struct layer_index *index = xcalloc(1, sizeof *index);
	AUTO_FREE char *note = NULL;

	*index = (struct layer_index)LAYER_INDEX_INIT;
	if (read_index(c, d, index, &e) == 0)
		return index;
	layer_index_free(index);
	free(index);
	note = xasprintf("cache %s: a layer is read, since its index cannot be: %s",
			 c->name, e.text);
	build_say(b, BUILD_NOTE, NULL, note);
	return NULL;
}

struct layer_index *build_caches_index(struct build *b, const struct oci_digest *diff_id)
{
	for (size_t i = 0; i < b->caches.n; i++) {
		const struct build_cache_source *c = b->caches.v[i];
		const struct oci_cache_layer *l =
			oci_cache_find_layer(&c->cache, diff_id);
		struct layer_index *index = NULL;

		if (l && l->index.media_type)
			index = take_index(b, c, &l->index);
		if (index)
			return index;
	}
	return NULL;
}
