/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "layer/write.h"
#include "oci/graph.h"
#include "oci/layout.h"
#include "registry/push.h"
#include "store/image.h"

static int complete_reference(const char *name, struct oci_reference *ref, struct err *e)
{
	int r = oci_reference_parse(ref, name, e);

	if (r == 0)
		oci_reference_complete(ref);
	return r;
}

int build_push(struct build *b, const char *name, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_FREE struct oci_reference *origins =
		xcalloc(b->images.n + 1, sizeof *origins);
	size_t n = 0;
	int r = complete_reference(name, &ref, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < b->images.n; i++)
		if (!b->images.v[i]->local &&
		    strcmp(b->images.v[i]->ref.host, ref.host) == 0)
			origins[n++] = b->images.v[i]->ref; /* lent */
	return registry_push(b->registry, &ref, build_result(b), &b->blobs, origins, n,
			     e);
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

int build_export_layout(struct build *b, const char *folder, const char *name,
			struct err *e)
{
	AUTO_OCI_LAYOUT struct oci_layout *layout = NULL;
	AUTO_OCI_DESCRIPTOR struct oci_descriptor image = {0};
	int r = oci_layout_create(AT_FDCWD, folder, &layout, e);

	if (r == 0)
		r = oci_blobs_copy(build_result(b), &b->blobs, oci_layout_blobs(layout),
				   e);
	if (r < 0)
		return r;
	oci_document_descriptor(build_result(b), &image);
	return oci_layout_set(layout, name, &image, e);
}

/* --- An archive: a tar of the layout, by the writer of layers --- */

static int into_file(void *context, const void *data, size_t n, struct err *e)
{
	const char *p = data;

	while (n) {
		ssize_t done = write(*(int *)context, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_sys(e, -errno, "cannot write the archive");
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int add_entry(struct build *b, struct layer_writer *w, enum layer_type type,
		     const char *path, uint64_t size, int fd, struct err *e)
{
	struct layer_entry entry = {.type = type,
				    .mode = type == LAYER_FOLDER ? 0755 : 0644,
				    .size = size,
				    .mtime = b->now};
	AUTO_FREE char *copy = xstrdup(path);

	entry.path = copy;
	return layer_writer_add(w, &entry, fd, e);
}

static int add_text(struct build *b, struct layer_writer *w, const char *path,
		    const char *text, size_t len, struct err *e)
{
	AUTO_CLOSE int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return err_sys(e, -errno, "cannot make a temporary file");
	r = into_file(&fd, text, len, e);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_sys(e, -errno, "cannot use a temporary file");
	return r < 0 ? r : add_entry(b, w, LAYER_FILE, path, len, fd, e);
}

static int add_stored(struct build *b, struct layer_writer *w,
		      const struct oci_digest *digest, struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	AUTO_FREE char *path = xasprintf(OCI_LAYOUT_BLOBS "/%s",
					 oci_digest_hex(oci_digest_format(digest, text)));
	AUTO_OCI_BLOB struct oci_blob *blob = NULL;
	AUTO_CLOSE int fd = -1;
	uint64_t size;
	/* Whatever has to be fetched is in the store then. */
	int r = b->blobs.open(&b->blobs, digest, &blob, e);

	if (r < 0)
		return r;
	fd = store_blob_open(b->store, digest, &size, e);
	return fd < 0 ? fd : add_entry(b, w, LAYER_FILE, path, size, fd, e);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct oci_digest));
}

/* The digests of all that the image consists of, in order; *digests is the caller's. */
static int list_blobs(struct build *b, struct oci_digest **digests, size_t *n,
		      struct err *e)
{
	AUTO_OCI_GRAPH struct oci_graph g = {0};
	int r = oci_graph_of_blobs(&g, build_result(b), &b->blobs, e);

	if (r < 0)
		return r;
	*digests = xcalloc(g.n_documents + g.n_blobs + 1, sizeof **digests);
	for (size_t i = 0; i < g.n_documents; i++)
		(*digests)[(*n)++] = g.documents[i].digest;
	for (size_t i = 0; i < g.n_blobs; i++)
		(*digests)[(*n)++] = g.blobs[i].digest;
	(*digests)[(*n)++] = build_result(b)->digest;
	qsort(*digests, *n, sizeof **digests, by_bytes);
	return 0;
}

static int write_archive(struct build *b, struct layer_writer *w, const char *name,
			 struct err *e)
{
	AUTO_OCI_DESCRIPTOR struct oci_descriptor image = {0};
	AUTO_OCI_DOCUMENT struct oci_document index = {0};
	AUTO_FREE struct oci_digest *digests = NULL;
	size_t n = 0;
	int r = list_blobs(b, &digests, &n, e);

	oci_document_descriptor(build_result(b), &image);
	oci_layout_index_of(name, &image, &index);
	if (r == 0)
		r = add_entry(b, w, LAYER_FOLDER, "blobs", 0, -1, e);
	if (r == 0)
		r = add_entry(b, w, LAYER_FOLDER, OCI_LAYOUT_BLOBS, 0, -1, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_stored(b, w, &digests[i], e);
	if (r == 0)
		r = add_text(b, w, OCI_LAYOUT_INDEX, index.data, index.len, e);
	return r < 0 ? r
		     : add_text(b, w, OCI_LAYOUT_FILE, OCI_LAYOUT_CONTENT,
				strlen(OCI_LAYOUT_CONTENT), e);
}

int build_export_archive(struct build *b, const char *file, const char *name,
			 struct err *e)
{
	const struct layer_write_options o = {.compression = LAYER_PLAIN, .epoch = -1};
	AUTO_FREE char *temporary = xasprintf("%s.tmp%ld", file, (long)getpid());
	AUTO_CLOSE int fd =
		open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	struct layer_writer *w = NULL;
	struct layer_result result;
	int r;

	if (fd < 0)
		return err_sys(e, -errno, "cannot make %s", temporary);
	r = layer_writer_new(&w, &o, into_file, &fd, e);
	if (r == 0)
		r = write_archive(b, w, name, e);
	if (r == 0)
		r = layer_writer_finish(w, &result, e);
	layer_writer_free(w);
	if (r == 0 && rename(temporary, file) < 0)
		r = err_sys(e, -errno, "cannot rename %s to %s", temporary, file);
	if (r < 0)
		(void)unlink(temporary); /* the failure is told already */
	return r;
}
