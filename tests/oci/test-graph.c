/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "oci/graph.h"
#include "oci/layout.h"
#include "tests/tap.h"

static struct oci_blobs *blobs;

static void add_blob(const char *text, struct oci_descriptor *d)
{
	d->media_type = xstrdup("x/y");
	d->size = strlen(text);
	if (oci_blobs_add(blobs, text, strlen(text), &d->digest, NULL) < 0)
		abort();
}

static void add_document(struct oci_index *index, const struct oci_document *doc)
{
	if (oci_blobs_add(blobs, doc->data, doc->len, NULL, NULL) < 0)
		abort();
	oci_document_descriptor(doc, oci_index_add(index));
}

/* An image with a layer of its own and one that others have, too. */
static void add_image(struct oci_index *index, const char *config, const char *layer)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};

	add_blob(config, &m.config);
	add_blob("shared", oci_manifest_add_layer(&m));
	add_blob(layer, oci_manifest_add_layer(&m));
	oci_manifest_write(&m, &doc);
	add_document(index, &doc);
}

static void test_shared(void)
{
	AUTO_OCI_INDEX struct oci_index inner = {0}, outer = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0}, root = {0};
	AUTO_OCI_GRAPH struct oci_graph g = {0};

	add_image(&inner, "c1", "the largest");
	add_image(&inner, "c2", "other");
	add_image(&inner, "c1", "the largest");
	oci_index_write(&inner, &doc);
	add_document(&outer, &doc);
	add_image(&outer, "c2", "other");
	oci_index_write(&outer, &root);
	ok(oci_graph_of_blobs(&g, &root, blobs, NULL) == 0, "an index in an index");
	is_int((long)g.n_documents, 3, "  each document once");
	is_int((long)g.n_blobs, 5, "  each blob once");
	is_int((long)g.blobs[0].size, 11, "  the largest first");
	ok(oci_document_is_index(&g.documents[2]), "  children before their parent");
}

static void test_two_sizes(void)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	AUTO_OCI_GRAPH struct oci_graph g = {0};

	add_blob("x", &m.config);
	add_blob("x", oci_manifest_add_layer(&m));
	m.layers[0].size = 7;
	oci_manifest_write(&m, &doc);
	is_int(oci_graph_of_blobs(&g, &doc, blobs, NULL), -EINVAL, "one blob, two sizes");
}

static void test_deep(void)
{
	AUTO_OCI_GRAPH struct oci_graph g = {0};
	AUTO_OCI_DOCUMENT struct oci_document root = {0};
	AUTO_ERR struct err e = ERR_INIT;

	for (int i = 0; i < 8; i++) {
		AUTO_OCI_INDEX struct oci_index index = {0};

		if (root.data)
			add_document(&index, &root);
		oci_document_free(&root);
		oci_index_write(&index, &root);
	}
	is_int(oci_graph_of_blobs(&g, &root, blobs, &e), -ELOOP,
	       "too many in each other");
	is_str(e.text, "there are indexes within indexes, 4 deep", "  says so");
}

int main(void)
{
	char path[] = "/tmp/test-graph-XXXXXX";
	AUTO_FREE char *remove = NULL;
	struct oci_layout *l;

	if (!mkdtemp(path) || oci_layout_create(AT_FDCWD, path, &l, NULL) < 0)
		abort();
	blobs = oci_layout_blobs(l);
	test_shared();
	test_two_sizes();
	test_deep();
	oci_layout_close(l);
	remove = xasprintf("rm -r %s", path);
	ok(system(remove) == 0, "cleaned up");
	return tap_done();
}
