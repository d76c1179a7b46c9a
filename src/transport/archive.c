/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/graph.h"
#include "oci/layout.h"
#include "transport/blob.h"
#include "transport/members.h"
#include "transport/tar-file.h"
#include "transport/transport-internal.h"

enum { LAYOUT_FILE_MAX = 4096 };

struct archive_source {
	struct transport_source source; /* first */
	struct oci_blobs blobs;
	struct members members;
	char *file; /* what members borrow */
};

static struct archive_source *of_blobs(struct oci_blobs *blobs)
{
	return (struct archive_source *)(void *)((char *)blobs -
						 offsetof(struct archive_source, blobs));
}

static char *blob_path(const struct oci_digest *digest)
{
	char text[OCI_DIGEST_TEXT];

	return xasprintf(OCI_LAYOUT_BLOBS "/%s",
			 oci_digest_hex(oci_digest_format(digest, text)));
}

static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **b, struct err *e)
{
	struct archive_source *s = of_blobs(blobs);
	AUTO_FREE char *path = blob_path(digest);
	const struct member *member;
	int r = members_find(&s->members, path, &member, e);

	return r < 0 ? r : members_blob(&s->members, member, digest, b, e);
}

static void close_archive(struct transport_source *source)
{
	struct archive_source *s = (struct archive_source *)source;

	members_free(&s->members);
	free(s->file);
	free(s);
}

static int read_index(const struct archive_source *s, struct oci_index *index,
		      struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	AUTO_FREE char *version = NULL;
	char *data;
	size_t len;
	int r = members_read(&s->members, OCI_LAYOUT_FILE, LAYOUT_FILE_MAX, &version,
			     &len, e);

	if (r == 0)
		r = oci_layout_check(s->file, version, len, e);
	if (r == 0)
		r = members_read(&s->members, OCI_LAYOUT_INDEX, OCI_DOCUMENT_MAX, &data,
				 &len, e);
	if (r < 0)
		return r;
	r = oci_document_init(&doc, OCI_MEDIA_INDEX, data, len, e);
	if (r == 0)
		r = oci_index_parse(index, &doc, e);
	return r < 0 ? err_wrap(e, r, "archive %s: " OCI_LAYOUT_INDEX, s->file) : 0;
}

static int read_archive(struct archive_source *s, const char *name, struct err *e)
{
	AUTO_OCI_DESCRIPTOR struct oci_descriptor d = {0};
	AUTO_OCI_INDEX struct oci_index index = {0};
	char *data;
	size_t len;
	int r = members_open(&s->members, s->file, e);

	if (r == 0)
		r = read_index(s, &index, e);
	if (r == 0)
		r = oci_layout_choose(&index, s->file, name, &d, e);
	if (r == 0)
		r = oci_blobs_read(&s->blobs, &d.digest, OCI_DOCUMENT_MAX, &data, &len,
				   e);
	if (r < 0)
		return r;
	r = oci_document_init(&s->source.doc, d.media_type, data, len, e);
	return r < 0 ? err_wrap(e, r, "archive %s", s->file) : 0;
}

int transport_archive_open(const struct transport_name *name,
			   struct transport_source **source, struct err *e)
{
	struct archive_source *s = xcalloc(1, sizeof *s);
	int r;

	s->source.blobs = &s->blobs;
	s->source.close = close_archive;
	s->blobs.open = open_blob;
	s->file = xstrdup(name->path);
	r = read_archive(s, name->name, e);
	if (r < 0)
		transport_close(&s->source);
	else
		*source = &s->source;
	return r;
}

/* --- Writing --- */

/* What the image consists of, by digest: equal images are equal archives. */
static int list_blobs(const struct oci_document *root, struct oci_blobs *from,
		      struct oci_descriptor **list, size_t *n, struct err *e)
{
	AUTO_OCI_GRAPH struct oci_graph g = {0};
	int r = oci_graph_of_blobs(&g, root, from, e);

	if (r < 0)
		return r;
	*list = xcalloc(g.n_documents + g.n_blobs + 1, sizeof **list);
	for (size_t i = 0; i < g.n_blobs; i++)
		oci_descriptor_copy(&(*list)[(*n)++], &g.blobs[i]);
	for (size_t i = 0; i < g.n_documents; i++)
		oci_document_descriptor(&g.documents[i], &(*list)[(*n)++]);
	return 0;
}

static int by_digest(const void *a, const void *b)
{
	const struct oci_descriptor *x = a, *y = b;

	return memcmp(x->digest.bytes, y->digest.bytes, OCI_DIGEST_SIZE);
}

static int add_stored(struct tar_file *t, struct oci_blobs *from,
		      const struct oci_descriptor *d, struct err *e)
{
	AUTO_FREE char *path = blob_path(&d->digest);
	AUTO_OCI_BLOB struct oci_blob *b = NULL;
	int r = transport_open_verified(from, d, &b, e);

	return r < 0 ? r : tar_file_add_blob(t, path, b, e);
}

static int add_blobs(struct tar_file *t, const struct oci_document *root,
		     struct oci_blobs *from, struct err *e)
{
	struct oci_descriptor *list = NULL;
	size_t n = 0;
	int r = list_blobs(root, from, &list, &n, e);

	if (n)
		qsort(list, n, sizeof *list, by_digest);
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = add_stored(t, from, &list[i], e);
		oci_descriptor_free(&list[i]);
	}
	free(list);
	return r;
}

static int add_document(struct tar_file *t, const struct oci_document *doc, struct err *e)
{
	AUTO_FREE char *path = blob_path(&doc->digest);

	return tar_file_add_bytes(t, path, doc->data, doc->len, e);
}

int transport_archive_write(const struct transport_name *name,
			    const struct oci_document *doc, struct oci_blobs *from,
			    struct err *e)
{
	AUTO_OCI_DESCRIPTOR struct oci_descriptor image = {0};
	AUTO_OCI_DOCUMENT struct oci_document index = {0};
	AUTO_TAR_FILE struct tar_file t;
	int r = tar_file_create(&t, name->path, e);

	if (r == 0)
		r = tar_file_add_folder(&t, "blobs", e);
	if (r == 0)
		r = tar_file_add_folder(&t, OCI_LAYOUT_BLOBS, e);
	if (r == 0)
		r = add_blobs(&t, doc, from, e);
	if (r == 0)
		r = add_document(&t, doc, e);
	if (r < 0)
		return r;
	oci_document_descriptor(doc, &image);
	oci_layout_index_of(name->name, &image, &index);
	r = tar_file_add_bytes(&t, OCI_LAYOUT_INDEX, index.data, index.len, e);
	if (r == 0)
		r = tar_file_add_bytes(&t, OCI_LAYOUT_FILE, OCI_LAYOUT_CONTENT,
				       strlen(OCI_LAYOUT_CONTENT), e);
	return r < 0 ? r : tar_file_commit(&t, e);
}
