/* SPDX-License-Identifier: MIT */

/* What is made: configurations, manifests, and the index of several. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/compression.h"
#include "build/image.h"
#include "build/internal.h"
#include "oci/convert.h"

static int put(struct build *b, const void *data, size_t len, struct err *e)
{
	return oci_blobs_add(b->stored, data, len, NULL, e);
}

/* The image that a stage was begun from; NULL: from nothing. */
static const struct build_image *base_of(const struct build_stage *s)
{
	const struct build_step *step = s->last;

	while (step->parent)
		step = step->parent;
	return step->image;
}

/* --- Annotations --- */

static bool is_for(const struct build_annotation *a, enum build_annotated what,
		   const struct oci_platform *platform)
{
	struct oci_platform p;

	if (a->what != what)
		return false;
	return !a->platform || !platform ||
	       (oci_platform_parse(&p, a->platform, NULL) == 0 &&
		oci_platform_equal(&p, platform));
}

static void add_given(struct build *b, struct oci_map *map, enum build_annotated what,
		      const struct oci_platform *platform)
{
	const struct build_settings *s = b->settings;

	for (size_t i = 0; i < s->nannotations; i++)
		if (is_for(&s->annotations[i], what, platform))
			oci_map_set(map, s->annotations[i].name, s->annotations[i].value);
}

/* Those that image-spec, annotations.md, has for where an image comes from. */
static void add_origin(struct oci_map *map, const struct build_stage *s)
{
	const struct build_image *base = base_of(s);
	AUTO_FREE char *name = NULL;
	char digest[OCI_DIGEST_TEXT];

	if (s->config.created)
		oci_map_set(map, "org.opencontainers.image.created", s->config.created);
	if (!base)
		return;
	/* One out of a folder has no name that means something elsewhere. */
	name = base->layout ? NULL : oci_reference_format(&base->ref);
	if (name)
		oci_map_set(map, "org.opencontainers.image.base.name", name);
	oci_map_set(map, "org.opencontainers.image.base.digest",
		    oci_digest_format(&base->digest, digest));
}

/* --- Images --- */

/* What the stage's steps came to, or, squashed, the base's and one more. */
static int choose_layers(struct build *b, const struct build_stage *s,
			 struct build_chain *layers, struct err *e)
{
	const struct build_image *base = base_of(s);
	size_t nbase = base ? base->layers.n : 0;
	struct build_layer *one = NULL;
	int r;

	build_chain_copy(layers, &s->last->layers);
	if (!b->settings->squash || layers->n - nbase < 2)
		return 0;
	r = build_squash(b, s, nbase, &one, e);
	layers->n = nbase;
	if (one)
		layers->v[layers->n++] = one;
	return r;
}

static int add_layers(struct build *b, struct oci_manifest *m,
		      const struct build_stage *s, const struct build_chain *layers,
		      struct err *e)
{
	const struct build_image *base = base_of(s);
	int r = 0;

	for (size_t i = 0; i < layers->n && r >= 0; i++) {
		struct oci_descriptor *d = oci_manifest_add_layer(m);

		/* The base's are as they came. */
		if (i >= (base ? base->layers.n : 0))
			r = build_layer_compress(b, layers->v[i], e);
		d->media_type = xstrdup(layers->v[i]->blob.media_type);
		d->digest = layers->v[i]->blob.digest;
		d->size = layers->v[i]->blob.size;
		if (r >= 0)
			r = oci_descriptor_convert(d, b->settings->format, e);
	}
	return r < 0 ? r : 0;
}

static int add_config(struct build *b, struct oci_manifest *m,
		      const struct build_stage *s, struct err *e)
{
	size_t len;
	AUTO_FREE char *config = oci_config_write(&s->config, &len);

	m->config.media_type = xstrdup(
		m->format == OCI_FORMAT_DOCKER ? DOCKER_MEDIA_CONFIG : OCI_MEDIA_CONFIG);
	oci_digest_of(config, len, &m->config.digest);
	m->config.size = len;
	return put(b, config, len, e);
}

static int write_image(struct build *b, size_t platform, struct err *e)
{
	struct build_stage *s = b->plan.targets[platform];
	AUTO_OCI_MANIFEST struct oci_manifest m = {.format = b->settings->format};
	struct oci_document *doc = &b->manifests[platform];
	CLEAN(build_chain_free) struct build_chain layers = {0};
	int r = choose_layers(b, s, &layers, e);

	if (r < 0)
		return r;
	build_stage_finish(b, s, &layers);
	r = add_config(b, &m, s, e);
	if (r == 0)
		r = add_layers(b, &m, s, &layers, e);
	if (r < 0)
		return r;
	if (m.format == OCI_FORMAT_OCI) {
		add_origin(&m.annotations, s);
		add_given(b, &m.annotations, BUILD_ANNOTATE_MANIFEST,
			  &b->platforms[platform]);
	}
	oci_manifest_write(&m, doc);
	return put(b, doc->data, doc->len, e);
}

static int write_index(struct build *b, struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {.format = b->settings->format};

	for (size_t i = 0; i < b->nplatforms; i++) {
		struct oci_descriptor *d = oci_index_add(&index);

		oci_document_descriptor(&b->manifests[i], d);
		d->has_platform = true;
		d->platform = b->platforms[i];
		add_given(b, &d->annotations, BUILD_ANNOTATE_DESCRIPTOR,
			  &b->platforms[i]);
	}
	add_given(b, &index.annotations, BUILD_ANNOTATE_INDEX, NULL);
	oci_index_write(&index, &b->result);
	return put(b, b->result.data, b->result.len, e);
}

int build_images_write(struct build *b, struct err *e)
{
	b->manifests = xcalloc(b->nplatforms, sizeof *b->manifests);
	for (size_t i = 0; i < b->nplatforms; i++) {
		int r = write_image(b, i, e);

		if (r < 0)
			return r;
	}
	return b->several ? write_index(b, e) : 0;
}

const struct oci_document *build_result(const struct build *b)
{
	return b->several ? &b->result : &b->manifests[0];
}

void build_result_descriptor(const struct build *b, struct oci_descriptor *d)
{
	oci_document_descriptor(build_result(b), d);
	d->has_platform = !b->several;
	d->platform = b->platforms[0];
}

void build_image_id(const struct build *b, struct oci_digest *id)
{
	*id = build_result(b)->digest;
}
