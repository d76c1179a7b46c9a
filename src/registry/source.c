/* SPDX-License-Identifier: MIT */

/*
 * A registry's repository as a place that has blobs. A blob is fetched into a file
 * without a name when it is opened, and verified, so that nothing damaged is handed on
 * and a broken upload can go back.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "oci/graph.h"
#include "registry/client-internal.h"
#include "registry/pull.h"

struct source {
	struct oci_blobs blobs; /* first */
	struct registry *registry;
	const struct oci_reference *ref;
	const struct oci_document *doc;
	pthread_mutex_t lock; /* of the two below */
	bool loaded;
	struct oci_graph graph; /* what there is, and how large */
};

/* The file, seen as a place to which one blob can be added. */
struct spool {
	struct oci_blobs blobs;	       /* first */
	struct oci_blob_writer writer; /* what create() hands out */
	int fd;
	uint64_t size;
};

static struct spool *of_writer(struct oci_blob_writer *w)
{
	return (struct spool *)((char *)w - offsetof(struct spool, writer));
}

static int append(struct oci_blob_writer *w, const void *data, size_t n, struct err *e)
{
	struct spool *s = of_writer(w);
	const char *p = data;

	while (n) {
		ssize_t done = pwrite(s->fd, p, n, (off_t)s->size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_sys(e, -errno, "cannot write a temporary file");
		p += done;
		n -= (size_t)done;
		s->size += (uint64_t)done;
	}
	return 0;
}

static int commit(struct oci_blob_writer *w, const struct oci_digest *digest,
		  struct err *e)
{
	return 0;
}

static void forget(struct oci_blob_writer *w)
{
}

static int open_none(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **b, struct err *e)
{
	return err_set(e, -ENOENT, "it was not fetched yet");
}

static int create(struct oci_blobs *blobs, struct oci_blob_writer **w, struct err *e)
{
	struct spool *s = (struct spool *)blobs;

	s->size = 0;
	*w = &s->writer;
	return 0;
}

static int open_temporary(struct err *e)
{
	const char *folder = getenv("TMPDIR");
	AUTO_FREE char *path = NULL;
	int fd;

	folder = folder && *folder ? folder : "/var/tmp";
	path = xasprintf("%s/mab-build-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make a temporary file in %s", folder);
	(void)unlink(path); /* at worst an empty name stays */
	return fd;
}

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
	struct spool spool = {{open_none, create}, {append, commit, forget}, -1, 0};
	const struct oci_document *doc;
	const struct oci_descriptor *d;
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
	spool.fd = open_temporary(e);
	if (spool.fd < 0)
		return spool.fd;
	r = registry_fetch_blob(s->registry, s->ref, d, &spool.blobs, e);
	if (r < 0) {
		close(spool.fd);
		return r;
	}
	*b = oci_blob_of_file(spool.fd, 0, spool.size);
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
