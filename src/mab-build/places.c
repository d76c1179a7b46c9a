/* SPDX-License-Identifier: MIT */
#include "mab-build/places.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "registry/pull.h"

struct place {
	struct oci_reference ref;
	struct oci_document doc;
	struct oci_blobs *blobs; /* that the document names */
};

struct places {
	struct oci_blobs blobs; /* first */
	struct oci_blobs *first;
	struct place **v;
	size_t n;
};

static int open_at(struct place *place, const struct oci_digest *digest,
		   struct oci_blob **b, struct err *e)
{
	if (!oci_digest_equal(&place->doc.digest, digest))
		return place->blobs->open(place->blobs, digest, b, e);
	*b = oci_blob_of_bytes(place->doc.data, place->doc.len);
	return 0;
}

static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **b, struct err *e)
{
	struct places *p = (struct places *)blobs;
	AUTO_ERR struct err why = ERR_INIT;
	char text[OCI_DIGEST_TEXT];
	int r = p->first ? p->first->open(p->first, digest, b, &why) : -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < p->n; i++) {
		err_free(&why);
		r = open_at(p->v[i], digest, b, &why);
	}
	if (r == -ENOENT)
		return err_set(e, r, "%s is missing", oci_digest_format(digest, text));
	return r < 0 ? err_set(e, r, "%s", why.text) : 0;
}

struct places *places_new(struct oci_blobs *first)
{
	struct places *p = xcalloc(1, sizeof *p);

	p->blobs.open = open_blob;
	p->first = first;
	return p;
}

static void copy_reference(struct oci_reference *ref, const struct oci_reference *from)
{
	*ref = (struct oci_reference){
		.host = xstrdup(from->host),
		.path = xstrdup(from->path),
		.tag = from->tag ? xstrdup(from->tag) : NULL,
		.digest = from->digest ? xstrdup(from->digest) : NULL,
	};
}

void places_add(struct places *p, struct registry *client,
		const struct oci_reference *ref, struct oci_document *doc)
{
	struct place *place = xcalloc(1, sizeof *place);

	copy_reference(&place->ref, ref);
	place->doc = *doc;
	*doc = (struct oci_document){0};
	place->blobs = registry_blobs_of(client, &place->ref, &place->doc);
	GROW(p->v, p->n);
	p->v[p->n++] = place;
}

struct oci_blobs *places_blobs(struct places *p)
{
	return &p->blobs;
}

size_t places_references(const struct places *p, struct oci_reference **refs)
{
	*refs = xcalloc(p->n + 1, sizeof **refs);
	for (size_t i = 0; i < p->n; i++)
		(*refs)[i] = p->v[i]->ref; /* lent */
	return p->n;
}

void places_free(struct places *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		registry_blobs_free(p->v[i]->blobs);
		oci_document_free(&p->v[i]->doc);
		oci_reference_free(&p->v[i]->ref);
		free(p->v[i]);
	}
	free(p->v);
	free(p);
}

void places_free_p(struct places **p)
{
	places_free(*p);
}
