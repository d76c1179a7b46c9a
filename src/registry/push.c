/* SPDX-License-Identifier: MIT */
#include "registry/push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/client-internal.h"
#include "oci/graph.h"
#include "registry/upload.h"

struct push {
	struct repository *repo;
	struct oci_blobs *from;
	struct strv origins;	/* paths on the same host */
	struct oci_graph graph; /* without the manifests that are there already */
};

struct text {
	const char *data;
};

static ssize_t read_text(void *context, char *buffer, size_t n, uint64_t offset,
			 struct err *e)
{
	memcpy(buffer, ((struct text *)context)->data + offset, n);
	return (ssize_t)n;
}

/* Whether the registry has this document under a name, its tag or digest. */
static int has_document(struct repository *repo, const struct oci_document *doc,
			const char *name, bool *there, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	AUTO_FREE char *url = repository_url(repo, "manifests/%s", name);
	struct http_request q = {.method = "HEAD", .url = url, .headers = &headers};
	char digest[OCI_DIGEST_TEXT];
	const char *announced;
	int r;

	strv_addf(&headers, "Accept: %s", doc->media_type);
	r = repository_perform(repo, &q, &a, e);
	announced = http_answer_header(&a, "Docker-Content-Digest", 0);
	*there = r == 0 && a.status == 200 && announced &&
		 strcmp(announced, oci_digest_format(&doc->digest, digest)) == 0;
	return r;
}

static int put_document(struct repository *repo, const struct oci_document *doc,
			const char *name, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	AUTO_FREE char *url = repository_url(repo, "manifests/%s", name);
	AUTO_FREE char *what = xasprintf("write %s/%s%c%s", repo->host->name, repo->path,
					 strchr(name, ':') ? '@' : ':', name);
	struct text text = {doc->data};
	struct http_request q = {.method = "PUT",
				 .url = url,
				 .headers = &headers,
				 .read = read_text,
				 .read_data = &text,
				 .read_size = doc->len};
	char digest[OCI_DIGEST_TEXT];
	const char *announced;
	int r;

	strv_addf(&headers, "Content-Type: %s", doc->media_type);
	r = repository_perform(repo, &q, &a, e);
	if (r < 0)
		return err_wrap(e, r, "cannot %s", what);
	if (a.status / 100 != 2)
		return repository_refused(repo, &a, what, e);
	announced = http_answer_header(&a, "Docker-Content-Digest", 0);
	if (announced && strncmp(announced, "sha256:", 7) == 0 &&
	    strcmp(announced, oci_digest_format(&doc->digest, digest)) != 0)
		return err_set(e, -EIO, "cannot %s: %s changed it, to %.80s", what,
			       repo->host->name, announced);
	return 0;
}

static int push_blob(void *context, size_t i, struct err *e)
{
	struct push *p = context;

	return upload_blob(p->repo, &p->graph.blobs[i], p->from, &p->origins, e);
}

static int push_document(void *context, size_t i, struct err *e)
{
	struct push *p = context;
	const struct oci_document *doc = &p->graph.documents[i];
	char digest[OCI_DIGEST_TEXT];

	return put_document(p->repo, doc, oci_digest_format(&doc->digest, digest), e);
}

/* Children come before their parents, so an index of indexes goes one after the other. */
static int push_documents(struct push *p, struct registry *r, struct err *e)
{
	bool nested = false;
	int result = 0;

	for (size_t i = 0; i < p->graph.n_documents; i++)
		nested |= oci_document_is_index(&p->graph.documents[i]);
	if (!nested)
		return registry_parallel(r, p->graph.n_documents, push_document, p, e);
	for (size_t i = 0; i < p->graph.n_documents && result == 0; i++)
		result = push_document(p, i, e);
	return result;
}

/* The manifests of an index, on their way here. */
struct lookup {
	struct push *push;
	const struct oci_descriptor *const *d;
	struct oci_document *docs;
};

/* A repository that has a manifest has all that it names: it stays empty. */
static int load_if_missing(void *context, size_t i, struct err *e)
{
	struct lookup *l = context;
	const struct oci_descriptor *d = l->d[i];
	const struct oci_document doc = {.media_type = d->media_type,
					 .digest = d->digest};
	char digest[OCI_DIGEST_TEXT];
	bool there = false;
	char *data;
	size_t len;
	int r = has_document(l->push->repo, &doc, oci_digest_format(&d->digest, digest),
			     &there, e);

	if (r < 0 || there)
		return r;
	r = oci_blobs_read(l->push->from, &d->digest, OCI_DOCUMENT_MAX, &data, &len, e);
	return r < 0 ? r : oci_document_init(&l->docs[i], d->media_type, data, len, e);
}

static int load_missing(void *context, const struct oci_descriptor *const *d, size_t n,
			struct oci_document *docs, struct err *e)
{
	struct push *p = context;
	struct lookup l = {p, d, docs};

	return registry_parallel(p->repo->host->client, n, load_if_missing, &l, e);
}

static int push_parts(struct push *p, struct registry *r, const struct oci_document *doc,
		      struct err *e)
{
	int result = oci_graph_load(&p->graph, doc, load_missing, p, e);

	if (result == 0)
		result = registry_parallel(r, p->graph.n_blobs, push_blob, p, e);
	return result < 0 ? result : push_documents(p, r, e);
}

static int push(struct push *p, struct registry *r, const struct oci_reference *ref,
		const struct oci_document *doc, struct err *e)
{
	char digest[OCI_DIGEST_TEXT];
	const char *name = ref->tag ? ref->tag : ref->digest;
	bool there;
	int result;

	oci_digest_format(&doc->digest, digest);
	if (ref->digest && strcmp(ref->digest, digest) != 0)
		return err_set(e, -EINVAL,
			       "cannot write %s/%s@%s: the image has the digest %s",
			       ref->host, ref->path, ref->digest, digest);
	result = has_document(p->repo, doc, name, &there, e);
	if (result < 0 || there)
		return result;
	/* Under another tag all its parts are there, too. */
	result = has_document(p->repo, doc, digest, &there, e);
	if (result == 0 && !there)
		result = push_parts(p, r, doc, e);
	return result < 0 ? result : put_document(p->repo, doc, name, e);
}

static int begin(struct push *p, struct registry *r, const struct oci_reference *ref,
		 const struct oci_reference *origins, size_t norigins, struct err *e)
{
	const struct registries_entry *entry;
	struct repository_wish wish = {.ref = ref,
				       .actions = "pull,push",
				       .origins = origins,
				       .norigins = norigins};
	int result = registries_find(&r->conf, ref, &entry, e);

	wish.lax = result == 0 && entry && entry->insecure;
	if (result == 0)
		result = repository_get(r, &wish, &p->repo, e);

	for (size_t i = 0; i < norigins; i++)
		if (strcmp(origins[i].host, ref->host) == 0 &&
		    strcmp(origins[i].path, ref->path) != 0 &&
		    !strv_has(&p->origins, origins[i].path))
			strv_add(&p->origins, origins[i].path);
	return result;
}

static void end(struct push *p)
{
	oci_graph_free(&p->graph);
	strv_free(&p->origins);
}

int registry_push(struct registry *r, const struct oci_reference *ref,
		  const struct oci_document *doc, struct oci_blobs *from,
		  const struct oci_reference *origins, size_t norigins, struct err *e)
{
	struct push p = {.from = from, .origins = STRV_INIT};
	int result = begin(&p, r, ref, origins, norigins, e);

	if (result == 0)
		result = push(&p, r, ref, doc, e);
	end(&p);
	return result;
}

int registry_push_blob(struct registry *r, const struct oci_reference *ref,
		       const struct oci_descriptor *d, struct oci_blobs *from,
		       const struct oci_reference *origins, size_t norigins,
		       struct err *e)
{
	struct push p = {.from = from, .origins = STRV_INIT};
	int result = begin(&p, r, ref, origins, norigins, e);

	if (result == 0)
		result = upload_blob(p.repo, d, from, &p.origins, e);
	end(&p);
	return result;
}
