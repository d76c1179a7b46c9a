/* SPDX-License-Identifier: MIT */

/* A registry's repository as a place that has blobs, which come while they are read. */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "oci/graph.h"
#include "registry/client-internal.h"
#include "registry/pull.h"
#include "registry/route.h"
#include "registry/stream.h"

struct source {
	struct oci_blobs blobs; /* first */
	struct registry *registry;
	const struct oci_reference *ref;
	const struct oci_document *doc;
	pthread_mutex_t lock; /* of the two below */
	bool loaded;
	struct oci_graph graph; /* what there is, and how large */
};

static int load_documents(void *context, const struct oci_descriptor *const *d, size_t n,
			  struct oci_document *docs, struct err *e)
{
	struct source *s = context;

	return registry_load_documents(s->registry, s->ref, NULL, d, n, docs, e);
}

/* Only who wants a blob needs to know them; a copy of what is there wants none. */
static int load(struct source *s, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	if (!s->loaded) {
		oci_graph_free(&s->graph);
		r = oci_graph_load(&s->graph, s->doc, load_documents, s, e);
		s->loaded = r == 0;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static const struct oci_document *find_document(const struct source *s,
						const struct oci_digest *digest)
{
	for (size_t i = 0; i < s->graph.n_documents; i++)
		if (oci_digest_equal(&s->graph.documents[i].digest, digest))
			return &s->graph.documents[i];
	return NULL;
}

static const struct oci_descriptor *find_blob(const struct source *s,
					      const struct oci_digest *digest)
{
	for (size_t i = 0; i < s->graph.n_blobs; i++)
		if (oci_digest_equal(&s->graph.blobs[i].digest, digest))
			return &s->graph.blobs[i];
	return NULL;
}

static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **b, struct err *e)
{
	struct source *s = (struct source *)blobs;
	const struct oci_document *doc;
	const struct oci_descriptor *d;
	struct repository *repo;
	char text[OCI_DIGEST_TEXT];
	int r = load(s, e);

	if (r < 0)
		return r;
	doc = find_document(s, digest);
	d = find_blob(s, digest);
	if (doc) {
		*b = oci_blob_of_bytes(doc->data, doc->len);
		return 0;
	}
	if (!d)
		return err_set(e, -ENOENT, "the image has no %s",
			       oci_digest_format(digest, text));
	r = route_now(s->registry, s->ref, &repo, e);
	if (r < 0)
		return r;
	repository_note(repo, digest);
	*b = stream_open(repo, d);
	return 0;
}

struct oci_blobs *registry_blobs_of(struct registry *r, const struct oci_reference *ref,
				    const struct oci_document *doc)
{
	struct source *s = xcalloc(1, sizeof *s);

	s->blobs.open = open_blob;
	s->registry = r;
	s->ref = ref;
	s->doc = doc;
	pthread_mutex_init(&s->lock, NULL);
	return &s->blobs;
}

void registry_blobs_free(struct oci_blobs *blobs)
{
	struct source *s = (struct source *)blobs;

	if (!s)
		return;
	oci_graph_free(&s->graph);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
