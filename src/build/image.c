/* SPDX-License-Identifier: MIT */
#include "build/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "oci/reference.h"
#include "registry/pull.h"
#include "store/image.h"

/* The document of a digest out of the store. */
static int stored_document(struct build *b, const struct oci_digest *digest,
			   const char *media_type, struct oci_document *doc,
			   struct err *e)
{
	char *data;
	size_t len;
	int r = oci_blobs_read(b->stored, digest, OCI_DOCUMENT_MAX, &data, &len, e);

	return r < 0 ? r : oci_document_init(doc, media_type, data, len, e);
}

/* The manifest that serves the platform, of a name in the store. */
static int stored_manifest(struct build *b, const struct store_image *local,
			   struct build_image *i, struct oci_document *doc, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document top = {0};
	AUTO_OCI_INDEX struct oci_index index = {0};
	const struct oci_descriptor *chosen;
	int r = stored_document(b, &local->digest, local->media_type, &top, e);

	if (r < 0)
		return r;
	i->lone = !oci_document_is_index(&top);
	if (i->lone) {
		*doc = top;
		top = (struct oci_document){0};
		return 0;
	}
	r = oci_index_parse(&index, &top, e);
	if (r == 0)
		r = oci_index_select(&index, &i->platform, &chosen, e);
	return r < 0 ? r
		     : stored_document(b, &chosen->digest, chosen->media_type, doc, e);
}

/* Of a list that was put together, the layers may be in a registry. */
static int take_origin(struct build_image *i, const struct store_image *local,
		       const struct oci_document *doc, struct err *e)
{
	const char *origin = store_image_origin(local, &doc->digest);
	int r;

	i->local = !origin;
	if (!origin)
		return 0;
	oci_reference_free(&i->ref);
	r = oci_reference_parse(&i->ref, origin, e);
	oci_reference_complete(&i->ref);
	return r;
}

/*
 * What no index says, the configuration does. Where they differ the index counts: many a
 * configuration tells of the machine that made it.
 */
static int check_platform(struct build *b, const struct build_image *i,
			  const struct oci_config *config, struct err *e)
{
	struct oci_platform is = config->platform;
	char is_text[OCI_PLATFORM_TEXT], wanted_text[OCI_PLATFORM_TEXT];
	AUTO_FREE char *note = NULL;

	oci_platform_normalize(&is);
	if (oci_platform_rank(&i->platform, &is))
		return 0;
	oci_platform_format(&is, is_text);
	oci_platform_format(&i->platform, wanted_text);
	if (i->lone)
		return err_set(e, -ENOENT,
			       "there is no image for %s, only for %s "
			       "(FROM --platform=%s takes that one)",
			       wanted_text, is_text, is_text);
	note = xasprintf("the configuration of image %s says %s, its index %s", i->name,
			 is_text, wanted_text);
	build_say(b, BUILD_NOTE, NULL, note);
	return 0;
}

/* Whether the only one that the store has is for the platform. */
static int check_stored(struct build *b, const struct build_image *i,
			const struct oci_document *doc, struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_OCI_CONFIG struct oci_config config = {0};
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = i->lone ? oci_manifest_parse(&m, doc, e) : 0;

	if (r < 0 || !i->lone)
		return r;
	r = oci_blobs_read(b->stored, &m.config.digest, OCI_CONFIG_MAX, &data, &len, e);
	if (r == 0)
		r = oci_config_parse(&config, data, len, e);
	return r < 0 ? r : check_platform(b, i, &config, e);
}

static int resolve_local(struct build *b, struct build_image *i, const char *name,
			 struct oci_document *doc, struct err *e)
{
	AUTO_STORE_IMAGE struct store_image local = {0};
	int r = store_image_read(b->store, name, &local, e);

	/* Words are for what is there, and does not do. */
	if (r == -ENOENT && e)
		err_free(e);
	if (r == 0)
		r = stored_manifest(b, &local, i, doc, e);
	if (r == 0)
		r = check_stored(b, i, doc, e);
	if (r == 0)
		r = take_origin(i, &local, doc, e);
	if (r < 0)
		oci_document_free(doc);
	return r;
}

/* What a name means in its registry, asked for once. Valid until the next call. */
static int find_top(struct build *b, const struct oci_reference *ref, const char *name,
		    const struct oci_document **doc, struct err *e)
{
	struct build_images *all = &b->images;
	struct oci_document top = {0};
	int r;

	for (size_t n = 0; n < all->ntops; n++)
		if (strcmp(all->tops[n].name, name) == 0) {
			*doc = &all->tops[n].doc;
			return 0;
		}
	r = registry_resolve(b->registry, ref, &top, e);
	/* What has a digest need not be asked for again. */
	if (r == 0 && ref->digest)
		r = oci_blobs_add(b->stored, top.data, top.len, NULL, e);
	if (r < 0)
		return r;
	GROW(all->tops, all->ntops);
	all->tops[all->ntops] = (struct build_top){xstrdup(name), top};
	*doc = &all->tops[all->ntops++].doc;
	return 0;
}

/* Manifests of an index stay in the store, so that the index is all to ask for again. */
static int resolve_remote(struct build *b, struct build_image *i,
			  const struct oci_reference *ref, struct oci_document *doc,
			  struct err *e)
{
	AUTO_FREE char *name = oci_reference_format(ref);
	AUTO_OCI_INDEX struct oci_index index = {0};
	const struct oci_descriptor *chosen;
	const struct oci_document *top;
	int r = find_top(b, ref, name, &top, e);

	if (r < 0)
		return r;
	i->lone = !oci_document_is_index(top);
	if (i->lone) {
		oci_document_copy(doc, top);
		return 0;
	}
	r = oci_index_parse(&index, top, e);
	if (r == 0)
		r = oci_index_select(&index, &i->platform, &chosen, e);
	/* Who calls says what was typed. */
	if (r < 0)
		return strcmp(name, i->name) == 0 ? r : err_wrap(e, r, "%s", name);
	if (stored_document(b, &chosen->digest, chosen->media_type, doc, NULL) == 0)
		return 0;
	r = registry_fetch_document(b->registry, ref, chosen, doc, e);
	return r < 0 ? r : oci_blobs_add(b->stored, doc->data, doc->len, NULL, e);
}

/* What the name, which may be a short one, means besides docker.io's. */
static int find_remote(struct build *b, struct build_image *i, struct err *e)
{
	struct oci_reference ref = {0};
	int r = oci_reference_parse(&ref, i->name, e);

	if (r == 0)
		r = registry_complete(b->registry, &ref, e);
	if (r < 0) {
		oci_reference_free(&ref);
		return r;
	}
	oci_reference_free(&i->ref);
	i->ref = ref;
	return 0;
}

/* By its digest, whatever it is called; what is missing of it comes from its registry. */
static int resolve_digest(struct build *b, struct build_image *i,
			  struct oci_document *doc, struct err *e)
{
	struct store_image whole = {0};
	int r;

	/* What is wrong with it, the registry tells too. */
	if (!i->ref.digest || oci_digest_parse(&whole.digest, i->ref.digest, NULL) < 0 ||
	    stored_manifest(b, &whole, i, doc, NULL) < 0)
		return -ENOENT;
	r = find_remote(b, i, e);
	if (r < 0)
		oci_document_free(doc);
	return r;
}

static int resolve_name(struct build *b, struct build_image *i, struct oci_document *doc,
			struct err *e)
{
	AUTO_FREE char *typed = oci_reference_format(&i->ref);
	AUTO_FREE char *whole = NULL;
	int r = resolve_digest(b, i, doc, e);

	/* What --tag gave a short name has it as it was typed. */
	if (r == -ENOENT)
		r = resolve_local(b, i, typed, doc, e);
	if (r != -ENOENT)
		return r;
	oci_reference_complete(&i->ref);
	whole = oci_reference_format(&i->ref);
	return strcmp(whole, typed) == 0 ? r : resolve_local(b, i, whole, doc, e);
}

/* names: held, so that what the store has of it stays until its layers are held. */
static int resolve_in_store(struct build *b, struct build_image *i, int *names,
			    struct oci_document *doc, struct err *e)
{
	int r = *names = store_names_hold(b->store, e);

	if (r < 0)
		return r;
	r = resolve_name(b, i, doc, e);
	if (r == -ENOENT) {
		clean_close(names);
		*names = -1;
	}
	return r;
}

/* --pull=always and newer; 1: the store is to be looked into. */
static int resolve_first_remote(struct build *b, struct build_image *i,
				struct oci_document *doc, struct err *e)
{
	bool needed = b->settings->pull == BUILD_PULL_ALWAYS;
	struct oci_reference whole;
	int r = oci_reference_parse(&whole, i->name, e);

	if (r < 0)
		return r;
	r = registry_complete(b->registry, &whole, e);
	if (r < 0) {
		oci_reference_free(&whole);
		return r;
	}
	r = resolve_remote(b, i, &whole, doc, needed ? e : NULL);
	if (r == 0 || needed) {
		oci_reference_free(&i->ref);
		i->ref = whole;
		return r;
	}
	oci_reference_free(&whole);
	return 1;
}

static int resolve(struct build *b, struct build_image *i, int *names,
		   struct oci_document *doc, struct err *e)
{
	enum build_pull pull = b->settings->pull;
	AUTO_ERR struct err stored = ERR_INIT;
	int r = oci_reference_parse(&i->ref, i->name, e);

	if (r < 0)
		return r;
	if (pull == BUILD_PULL_ALWAYS || pull == BUILD_PULL_NEWER) {
		r = resolve_first_remote(b, i, doc, e);
		if (r <= 0)
			return r;
	}
	r = resolve_in_store(b, i, names, doc, &stored);
	if (r != -ENOENT)
		return r < 0 ? err_set(e, r, "%s",
				       stored.text ? stored.text : strerror(-r))
			     : r;
	if (pull == BUILD_PULL_NEVER)
		return err_set(e, r, "%s, and --pull=never",
			       stored.text ? stored.text : "the store has no such image");
	r = find_remote(b, i, e);
	if (r == 0)
		r = resolve_remote(b, i, &i->ref, doc, e);
	return r < 0 && stored.text
		       ? err_wrap(e, r, "of the store: %s; of its registry", stored.text)
		       : r;
}

static int document_of_layout(struct build_image *i, const char *name,
			      struct oci_document *top, struct err *e)
{
	AUTO_OCI_DESCRIPTOR struct oci_descriptor found = {0};
	struct oci_index index = {0};
	struct oci_digest digest;
	int r;

	if (!name || *name != '@') {
		r = oci_layout_find(i->layout, name, &found, e);
		return r < 0 ? r : oci_layout_document(i->layout, &found, top, e);
	}
	r = oci_digest_parse(&digest, name + 1, e);
	if (r == 0)
		r = oci_layout_index(i->layout, &index, e);
	if (r < 0)
		return r;
	r = err_set(e, -ENOENT, "its index has no image %s", name + 1);
	for (size_t n = 0; n < index.n; n++)
		if (oci_digest_equal(&index.manifests[n].digest, &digest)) {
			err_free(e);
			r = oci_layout_document(i->layout, &index.manifests[n], top, e);
			break;
		}
	oci_index_free(&index);
	return r;
}

static int resolve_layout(struct build_image *i, const char *name,
			  struct oci_document *doc, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document top = {0};
	AUTO_OCI_INDEX struct oci_index index = {0};
	const struct oci_descriptor *chosen;
	int r = document_of_layout(i, name, &top, e);

	if (r < 0)
		return r;
	i->lone = !oci_document_is_index(&top);
	if (i->lone) {
		*doc = top;
		top = (struct oci_document){0};
		return 0;
	}
	r = oci_index_parse(&index, &top, e);
	if (r == 0)
		r = oci_index_select(&index, &i->platform, &chosen, e);
	return r < 0 ? r : oci_layout_document(i->layout, chosen, doc, e);
}

static int read_config(struct build *b, struct build_image *i,
		       const struct oci_manifest *m, struct err *e)
{
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = 0;

	if (i->layout)
		r = build_blob_take(b, oci_layout_blobs(i->layout), &m->config, e);
	else if (!i->local &&
		 !oci_blobs_has(b->stored, &m->config.digest, m->config.size))
		r = registry_fetch_blob(b->registry, &i->ref, &m->config, b->stored, e);
	if (r == 0)
		r = oci_blobs_read(b->stored, &m->config.digest, OCI_CONFIG_MAX, &data,
				   &len, e);
	if (r == 0)
		r = oci_config_parse(&i->config, data, len, e);
	if (r == 0 && i->config.n_diff_ids != m->n)
		r = err_set(e, -EINVAL,
			    "its manifest has %zu layers and its configuration %zu", m->n,
			    i->config.n_diff_ids);
	return r;
}

/* name is that in its layout. */
static int load(struct build *b, struct build_image *i, const char *name, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_CLOSE int names = -1;
	int r = i->layout ? resolve_layout(i, name, &doc, e)
			  : resolve(b, i, &names, &doc, e);

	if (r == 0)
		r = oci_manifest_parse(&m, &doc, e);
	if (r == 0)
		r = read_config(b, i, &m, e);
	if (r == 0)
		r = check_platform(b, i, &i->config, e);
	if (r < 0)
		return err_wrap(e, r, "image %s", i->name);
	i->digest = doc.digest;
	for (size_t n = 0; r == 0 && n < m.n; n++) {
		bool remote = !i->local && !i->layout;
		struct build_layer *l =
			build_layer_get(b, &i->config.diff_ids[n], &m.layers[n], 0,
					remote ? &i->ref : NULL);

		if (i->layout && !l->from)
			l->from = oci_layout_blobs(i->layout);
		build_chain_add(&i->layers, l);
		if (i->local && !l->origin)
			r = build_layer_fetch(b, l, e);
	}
	return r < 0 ? err_wrap(e, r, "image %s", i->name) : 0;
}

static void image_free(struct build_image *i)
{
	free(i->name);
	oci_reference_free(&i->ref);
	oci_layout_close(i->layout);
	oci_config_free(&i->config);
	build_chain_free(&i->layers);
	free(i);
}

static struct build_image *find(const struct build *b, const char *name,
				const struct oci_platform *platform)
{
	for (size_t n = 0; n < b->images.n; n++)
		if (strcmp(b->images.v[n]->name, name) == 0 &&
		    oci_platform_equal(&b->images.v[n]->platform, platform))
			return b->images.v[n];
	return NULL;
}

static struct build_image *new_image(const char *name,
				     const struct oci_platform *platform)
{
	struct build_image *i = xcalloc(1, sizeof *i);

	i->name = xstrdup(name);
	i->platform = *platform;
	return i;
}

/* Loads it and takes it over. r is what went wrong before. */
static int add(struct build *b, struct build_image *i, const char *name, int r,
	       struct build_image **image, struct err *e)
{
	if (r == 0)
		r = load(b, i, name, e);
	if (r < 0) {
		image_free(i);
		return r;
	}
	GROW(b->images.v, b->images.n);
	b->images.v[b->images.n++] = i;
	*image = i;
	return 0;
}

int build_image_get(struct build *b, const char *name,
		    const struct oci_platform *platform, struct build_image **image,
		    struct err *e)
{
	*image = find(b, name, platform);
	return *image ? 0 : add(b, new_image(name, platform), NULL, 0, image, e);
}

int build_image_of_layout(struct build *b, const char *folder, const char *name,
			  const struct oci_platform *platform, struct build_image **image,
			  struct err *e)
{
	AUTO_FREE char *whole =
		xasprintf("oci-layout://%s%s%s", folder, name && *name != '@' ? ":" : "",
			  name ? name : "");
	struct build_image *i;

	*image = find(b, whole, platform);
	if (*image)
		return 0;
	i = new_image(whole, platform);
	return add(b, i, name, oci_layout_open(AT_FDCWD, folder, &i->layout, e), image,
		   e);
}

void build_images_free(struct build *b)
{
	for (size_t i = 0; i < b->images.n; i++)
		image_free(b->images.v[i]);
	free(b->images.v);
	for (size_t i = 0; i < b->images.ntops; i++) {
		free(b->images.tops[i].name);
		oci_document_free(&b->images.tops[i].doc);
	}
	free(b->images.tops);
	for (size_t i = 0; b->manifests && i < b->nplatforms; i++)
		oci_document_free(&b->manifests[i]);
	free(b->manifests);
	oci_document_free(&b->result);
}
