/* SPDX-License-Identifier: MIT */
#include "oci/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	DEPTH_MAX = 4,	      /* indexes in indexes */
	BYTES_MAX = 64 << 20, /* of all documents */
	BLOBS_MAX = 64 << 10,
	PUMP = 256 << 10,
};

struct walk {
	struct oci_graph *g;
	oci_graph_load_fn *load;
	void *context;
	size_t bytes;
};

static int add_blob(struct oci_graph *g, const struct oci_descriptor *d, struct err *e)
{
	if (g->n_blobs == BLOBS_MAX)
		return err_set(e, -E2BIG, "the image has more than %d blobs", BLOBS_MAX);
	GROW(g->blobs, g->n_blobs);
	oci_descriptor_copy(&g->blobs[g->n_blobs++], d);
	return 0;
}

static int visit_manifest(struct walk *w, const struct oci_document *doc, struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	int r = oci_manifest_parse(&m, doc, e);

	if (r == 0)
		r = add_blob(w->g, &m.config, e);
	for (size_t i = 0; i < m.n && r == 0; i++)
		r = add_blob(w->g, &m.layers[i], e);
	return r;
}

static bool is_known(const struct oci_graph *g, const struct oci_digest *digest)
{
	for (size_t i = 0; i < g->n_documents; i++)
		if (oci_digest_equal(&g->documents[i].digest, digest))
			return true;
	return false;
}

/* What an index names and is not known yet, each once. */
struct children {
	const struct oci_descriptor **d;
	struct oci_document *docs;
	size_t n;
};

static void children_free(struct children *c)
{
	for (size_t i = 0; c->docs && i < c->n; i++)
		oci_document_free(&c->docs[i]);
	free(c->docs);
	free(c->d);
}

static bool is_child(const struct children *c, const struct oci_digest *digest)
{
	for (size_t i = 0; i < c->n; i++)
		if (oci_digest_equal(&c->d[i]->digest, digest))
			return true;
	return false;
}

static int find_children(struct walk *w, const struct oci_index *index,
			 struct children *c, struct err *e)
{
	c->d = xcalloc(index->n + 1, sizeof *c->d);
	for (size_t i = 0; i < index->n; i++) {
		const struct oci_descriptor *d = &index->manifests[i];

		if (is_known(w->g, &d->digest) || is_child(c, &d->digest))
			continue;
		if (d->size > OCI_DOCUMENT_MAX || d->size > BYTES_MAX - w->bytes)
			return err_set(e, -E2BIG, "the manifests have more than %d MiB",
				       BYTES_MAX >> 20);
		w->bytes += d->size;
		c->d[c->n++] = d;
	}
	return 0;
}

/* Sizes count towards a limit, so they must be true. */
static int load_children(struct walk *w, struct children *c, struct err *e)
{
	int r;

	c->docs = xcalloc(c->n + 1, sizeof *c->docs);
	r = c->n ? w->load(w->context, c->d, c->n, c->docs, e) : 0;
	for (size_t i = 0; i < c->n && r == 0; i++) {
		char text[OCI_DIGEST_TEXT];

		if (c->docs[i].data && c->docs[i].len != c->d[i]->size)
			r = err_set(e, -EINVAL,
				    "the manifest %s has %zu bytes, its index says %llu",
				    oci_digest_format(&c->d[i]->digest, text),
				    c->docs[i].len, (unsigned long long)c->d[i]->size);
	}
	return r;
}

static int visit(struct walk *w, const struct oci_document *doc, int depth,
		 struct err *e);

/* Children come before their parents. */
static int visit_children(struct walk *w, struct children *c, int depth, struct err *e)
{
	struct oci_graph *g = w->g;
	int r = 0;

	for (size_t i = 0; i < c->n && r == 0; i++) {
		if (!c->docs[i].data || is_known(g, &c->d[i]->digest))
			continue; /* left out, or a sibling names it, too */
		r = visit(w, &c->docs[i], depth, e);
		if (r < 0)
			return r;
		GROW(g->documents, g->n_documents);
		g->documents[g->n_documents++] = c->docs[i];
		c->docs[i] = (struct oci_document){0};
	}
	return r;
}

static int visit_index(struct walk *w, const struct oci_document *doc, int depth,
		       struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	struct children c = {0};
	int r;

	if (depth == DEPTH_MAX)
		return err_set(e, -ELOOP, "there are indexes within indexes, %d deep",
			       DEPTH_MAX);
	r = oci_index_parse(&index, doc, e);
	if (r == 0)
		r = find_children(w, &index, &c, e);
	if (r == 0)
		r = load_children(w, &c, e);
	if (r == 0)
		r = visit_children(w, &c, depth + 1, e);
	children_free(&c);
	return r;
}

static int visit(struct walk *w, const struct oci_document *doc, int depth, struct err *e)
{
	return oci_document_is_index(doc) ? visit_index(w, doc, depth, e)
					  : visit_manifest(w, doc, e);
}

static int by_digest(const void *a, const void *b)
{
	const struct oci_descriptor *x = a, *y = b;

	return memcmp(x->digest.bytes, y->digest.bytes, OCI_DIGEST_SIZE);
}

static int large_first(const void *a, const void *b)
{
	const struct oci_descriptor *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return by_digest(a, b);
}

static int drop_copies(struct oci_graph *g, struct err *e)
{
	size_t n = 0;

	if (!g->n_blobs)
		return 0;
	qsort(g->blobs, g->n_blobs, sizeof *g->blobs, by_digest);
	for (size_t i = 1; i < g->n_blobs; i++) {
		char text[OCI_DIGEST_TEXT];

		if (by_digest(&g->blobs[n], &g->blobs[i]) != 0) {
			struct oci_descriptor d = g->blobs[++n];

			g->blobs[n] = g->blobs[i];
			g->blobs[i] = d;
			continue;
		}
		if (g->blobs[n].size != g->blobs[i].size)
			return err_set(e, -EINVAL, "the image has %s with two sizes",
				       oci_digest_format(&g->blobs[n].digest, text));
	}
	while (g->n_blobs > n + 1)
		oci_descriptor_free(&g->blobs[--g->n_blobs]);
	/* So that the last transfer to end is a small one. */
	qsort(g->blobs, g->n_blobs, sizeof *g->blobs, large_first);
	return 0;
}

int oci_graph_load(struct oci_graph *g, const struct oci_document *root,
		   oci_graph_load_fn *load, void *context, struct err *e)
{
	struct walk w = {g, load, context, 0};
	int r = visit(&w, root, 0, e);

	return r < 0 ? r : drop_copies(g, e);
}

static int load_blobs(void *context, const struct oci_descriptor *const *d, size_t n,
		      struct oci_document *docs, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		char *data;
		size_t len;

		r = oci_blobs_read(context, &d[i]->digest, OCI_DOCUMENT_MAX, &data, &len,
				   e);
		if (r == 0)
			r = oci_document_init(&docs[i], d[i]->media_type, data, len, e);
	}
	return r;
}

int oci_graph_of_blobs(struct oci_graph *g, const struct oci_document *root,
		       struct oci_blobs *from, struct err *e)
{
	return oci_graph_load(g, root, load_blobs, from, e);
}

/* Until the end, hashed on the way. */
static int pump(struct oci_blob *b, struct oci_blob_writer *w, struct oci_digest *digest,
		struct err *e)
{
	AUTO_FREE char *buffer = xcalloc(PUMP, 1);
	struct oci_hasher *h = oci_hasher_new();
	uint64_t at = 0;
	ssize_t n;

	while ((n = b->read(b, buffer, PUMP, at, e)) > 0) {
		int r = w->append(w, buffer, (size_t)n, e);

		if (r < 0) {
			n = r;
			break;
		}
		oci_hasher_add(h, buffer, (size_t)n);
		at += (uint64_t)n;
	}
	oci_hasher_finish(h, digest);
	oci_hasher_free(h);
	return n < 0 ? (int)n : 0;
}

static int copy_blob(const struct oci_descriptor *d, struct oci_blobs *from,
		     struct oci_blobs *into, struct err *e)
{
	AUTO_OCI_BLOB struct oci_blob *b = NULL;
	AUTO_OCI_BLOB_WRITER struct oci_blob_writer *w = NULL;
	struct oci_digest digest;
	char text[OCI_DIGEST_TEXT];
	int r;

	if (oci_blobs_has(into, &d->digest, d->size))
		return 0;
	r = from->open(from, &d->digest, &b, e);
	if (r == 0)
		r = oci_blob_check_size(b, &d->digest, d->size, e);
	if (r == 0)
		r = into->create(into, &w, e);
	if (r == 0)
		r = pump(b, w, &digest, e);
	if (r < 0)
		return r;
	if (!oci_digest_equal(&digest, &d->digest))
		return err_set(e, -EIO, "%s is damaged",
			       oci_digest_format(&d->digest, text));
	return w->commit(TAKE_PTR(w), &digest, e);
}

static int copy_document(const struct oci_document *doc, struct oci_blobs *into,
			 struct err *e)
{
	return oci_blobs_has(into, &doc->digest, doc->len)
		       ? 0
		       : oci_blobs_add(into, doc->data, doc->len, NULL, e);
}

int oci_blobs_copy(const struct oci_document *root, struct oci_blobs *from,
		   struct oci_blobs *into, struct err *e)
{
	AUTO_OCI_GRAPH struct oci_graph g = {0};
	int r = oci_graph_of_blobs(&g, root, from, e);

	for (size_t i = 0; i < g.n_blobs && r == 0; i++)
		r = copy_blob(&g.blobs[i], from, into, e);
	for (size_t i = 0; i < g.n_documents && r == 0; i++)
		r = copy_document(&g.documents[i], into, e);
	return r < 0 ? r : copy_document(root, into, e);
}

void oci_graph_free(struct oci_graph *g)
{
	for (size_t i = 0; i < g->n_documents; i++)
		oci_document_free(&g->documents[i]);
	for (size_t i = 0; i < g->n_blobs; i++)
		oci_descriptor_free(&g->blobs[i]);
	free(g->documents);
	free(g->blobs);
	*g = (struct oci_graph){0};
}
