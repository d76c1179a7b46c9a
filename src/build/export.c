/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "registry/push.h"
#include "store/image.h"

static int complete_reference(const char *name, struct oci_reference *ref, struct err *e)
{
	int r = oci_reference_parse(ref, name, e);

	if (r == 0)
		oci_reference_complete(ref);
	return r;
}

size_t build_origins(const struct build *b, const struct oci_reference *ref,
		     struct oci_reference **origins)
{
	size_t n = 0;

	*origins = xcalloc(b->images.n + b->caches.n + 1, sizeof **origins);
	for (size_t i = 0; i < b->images.n; i++)
		if (!b->images.v[i]->local &&
		    strcmp(b->images.v[i]->ref.host, ref->host) == 0)
			(*origins)[n++] = b->images.v[i]->ref;
	for (size_t i = 0; i < b->caches.n; i++)
		if (!b->caches.v[i]->layout &&
		    strcmp(b->caches.v[i]->ref.host, ref->host) == 0)
			(*origins)[n++] = b->caches.v[i]->ref;
	return n;
}

int build_push(struct build *b, const char *name, bool by_digest, struct err *e)
{
	char digest[OCI_DIGEST_TEXT];
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_FREE struct oci_reference *origins = NULL;
	size_t n;
	int r = complete_reference(name, &ref, e);

	if (r < 0)
		return r;
	if (by_digest) {
		oci_digest_format(&build_result(b)->digest, digest);
		free(TAKE_PTR(ref.tag));
		free(ref.digest);
		ref.digest = xstrdup(digest);
	}
	n = build_origins(b, &ref, &origins);
	return registry_push(b->registry, &ref, build_result(b), &b->blobs, origins, n,
			     e);
}

int build_fetch(struct build *b, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < b->nplatforms; i++) {
		const struct build_chain *c = &b->plan.targets[i]->last->layers;

		for (size_t n = 0; n < c->n && r == 0; n++)
			r = build_layer_fetch(b, c->v[n], e);
	}
	return r;
}

int build_tag(struct build *b, const char *name, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	const struct oci_document *doc = build_result(b);
	const struct store_image image = {.digest = doc->digest,
					  .media_type = doc->media_type};
	AUTO_FREE char *whole = NULL;
	int r = complete_reference(name, &ref, e);

	if (r < 0)
		return r;
	whole = oci_reference_format(&ref);
	return store_image_write(b->store, whole, &image, e);
}

int build_export(struct build *b, const struct transport_name *to, struct err *e)
{
	return transport_write(to, build_result(b), &b->blobs, e);
}
