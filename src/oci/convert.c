/* SPDX-License-Identifier: MIT */
#include "oci/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/json-internal.h"

/* Layers that a licence keeps where they are. */
#define FOREIGN_LAYER	     "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
#define DOCKER_FOREIGN_LAYER "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

#define DOCKER_TYPES "application/vnd.docker."

enum { DEPTH_MAX = 4 }; /* indexes in indexes */

struct oci_conversion {
	struct oci_blobs blobs; /* first */
	struct oci_blobs *from;
	enum oci_format format;
	struct oci_document *documents; /* the converted ones below the root */
	size_t n;
};

/* Each under its OCI and its Docker name. */
static const char *const media_types[][2] = {
	{OCI_MEDIA_INDEX, DOCKER_MEDIA_INDEX},
	{OCI_MEDIA_MANIFEST, DOCKER_MEDIA_MANIFEST},
	{OCI_MEDIA_CONFIG, DOCKER_MEDIA_CONFIG},
	{OCI_MEDIA_LAYER_GZIP, DOCKER_MEDIA_LAYER_GZIP},
	{OCI_MEDIA_LAYER, DOCKER_MEDIA_LAYER},
	{FOREIGN_LAYER, DOCKER_FOREIGN_LAYER},
};

/*
 * What is not in the table stays as it is: OCI takes all types, and Docker's format those
 * of Docker. NULL: the format has none for it.
 */
static const char *type_in(const char *media_type, enum oci_format format)
{
	enum oci_format other =
		format == OCI_FORMAT_OCI ? OCI_FORMAT_DOCKER : OCI_FORMAT_OCI;

	for (size_t i = 0; i < ARRAY_SIZE(media_types); i++)
		if (strcmp(media_type, media_types[i][other]) == 0)
			return media_types[i][format];
	if (format == OCI_FORMAT_OCI ||
	    strncmp(media_type, DOCKER_TYPES, strlen(DOCKER_TYPES)) == 0)
		return media_type;
	return NULL;
}

int oci_descriptor_convert(struct oci_descriptor *d, enum oci_format format,
			   struct err *e)
{
	const char *type = type_in(d->media_type, format);
	char text[OCI_DIGEST_TEXT];

	if (!type && strcmp(d->media_type, OCI_MEDIA_LAYER_ZSTD) == 0)
		return err_set(e, -EINVAL,
			       "layer %s is compressed with zstd, which Docker's format "
			       "does not have; keep the OCI format, or build it anew "
			       "with --compression=gzip",
			       oci_digest_format(&d->digest, text));
	if (!type)
		return err_set(e, -EINVAL,
			       "%s has the type %s, which Docker's format has not",
			       oci_digest_format(&d->digest, text), d->media_type);
	if (strcmp(type, d->media_type) == 0)
		return 0;
	free(d->media_type);
	d->media_type = xstrdup(type);
	return 1;
}

/* Docker's documents have no place for these. */
static void drop_extras(enum oci_format format, struct oci_map *annotations,
			struct json_t **other)
{
	if (format != OCI_FORMAT_DOCKER)
		return;
	oci_map_free(annotations);
	json_decref(TAKE_PTR(*other));
}

static int convert_manifest(struct oci_conversion *c, const struct oci_document *doc,
			    struct oci_document *made, struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	int r = oci_manifest_parse(&m, doc, e);
	bool changed = m.format != c->format;

	if (r == 0)
		r = oci_descriptor_convert(&m.config, c->format, e);
	changed = changed || r > 0;
	for (size_t i = 0; i < m.n && r >= 0; i++) {
		r = oci_descriptor_convert(&m.layers[i], c->format, e);
		changed = changed || r > 0;
	}
	if (r < 0 || !changed)
		return r < 0 ? r : 0;
	m.format = c->format;
	drop_extras(c->format, &m.annotations, &m.other);
	oci_manifest_write(&m, made);
	return 1;
}

/* 1 when it has another form, that in *made; 0: it stays as it is. */
static int convert_document(struct oci_conversion *c, const struct oci_document *doc,
			    int depth, struct oci_document *made, struct err *e);

/* The document of a descriptor; when it is converted, d is then of its other form. */
static int convert_child(struct oci_conversion *c, struct oci_descriptor *d, int depth,
			 struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	struct oci_document made;
	char *data;
	size_t len;
	int r = oci_blobs_read(c->from, &d->digest, OCI_DOCUMENT_MAX, &data, &len, e);

	if (r == 0)
		r = oci_document_init(&doc, d->media_type, data, len, e);
	if (r == 0)
		r = convert_document(c, &doc, depth, &made, e);
	if (r <= 0)
		return r;
	GROW(c->documents, c->n);
	c->documents[c->n++] = made;
	free(d->media_type);
	d->media_type = xstrdup(made.media_type);
	d->digest = made.digest;
	d->size = made.len;
	return 1;
}

/* What BuildKit adds for attestations is no image, and has no form in Docker's. */
static bool is_image(const struct oci_descriptor *d)
{
	return !d->has_platform || strcmp(d->platform.os, "unknown") != 0;
}

static void drop_attestations(struct oci_index *index)
{
	size_t n = 0;

	for (size_t i = 0; i < index->n; i++)
		if (is_image(&index->manifests[i]))
			index->manifests[n++] = index->manifests[i];
		else
			oci_descriptor_free(&index->manifests[i]);
	index->n = n;
}

static int convert_index(struct oci_conversion *c, const struct oci_document *doc,
			 int depth, struct oci_document *made, struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	int r = oci_index_parse(&index, doc, e);
	bool changed = index.format != c->format;

	if (r == 0 && depth == DEPTH_MAX)
		r = err_set(e, -ELOOP, "there are indexes within indexes, %d deep",
			    DEPTH_MAX);
	if (r == 0 && c->format == OCI_FORMAT_DOCKER)
		drop_attestations(&index);
	for (size_t i = 0; i < index.n && r >= 0; i++) {
		r = convert_child(c, &index.manifests[i], depth + 1, e);
		changed = changed || r > 0;
	}
	if (r < 0 || !changed)
		return r < 0 ? r : 0;
	index.format = c->format;
	drop_extras(c->format, &index.annotations, &index.other);
	oci_index_write(&index, made);
	return 1;
}

static int convert_document(struct oci_conversion *c, const struct oci_document *doc,
			    int depth, struct oci_document *made, struct err *e)
{
	if (oci_document_is_index(doc))
		return convert_index(c, doc, depth, made, e);
	return convert_manifest(c, doc, made, e);
}

static int open_converted(struct oci_blobs *blobs, const struct oci_digest *digest,
			  struct oci_blob **b, struct err *e)
{
	struct oci_conversion *c = (struct oci_conversion *)blobs;

	for (size_t i = 0; i < c->n; i++)
		if (oci_digest_equal(&c->documents[i].digest, digest)) {
			*b = oci_blob_of_bytes(c->documents[i].data, c->documents[i].len);
			return 0;
		}
	return c->from->open(c->from, digest, b, e);
}

int oci_convert(struct oci_conversion **conversion, struct oci_document *root,
		struct oci_blobs *from, enum oci_format format, struct err *e)
{
	struct oci_conversion *c = xcalloc(1, sizeof *c);
	struct oci_document made = {0};
	int r;

	*conversion = c;
	c->blobs.open = open_converted;
	c->from = from;
	c->format = format;
	r = convert_document(c, root, 0, &made, e);
	if (r <= 0)
		return r;
	oci_document_free(root);
	*root = made;
	return 1;
}

struct oci_blobs *oci_conversion_blobs(struct oci_conversion *c)
{
	return &c->blobs;
}

void oci_conversion_free(struct oci_conversion *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		oci_document_free(&c->documents[i]);
	free(c->documents);
	free(c);
}
