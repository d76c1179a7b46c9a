/* SPDX-License-Identifier: MIT */
#include "registry/pull.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/graph.h"
#include "registry/client-internal.h"
#include "registry/route.h"

/* In one line: of several with the same name, some proxies pass on the last only. */
#define ACCEPT                                                                           \
	"Accept: " OCI_MEDIA_INDEX ", " OCI_MEDIA_MANIFEST ", " DOCKER_MEDIA_INDEX       \
	", " DOCKER_MEDIA_MANIFEST

/* The digest that a registry says the answer has; 0 when it says none. */
static int announced_digest(const struct http_answer *a, struct oci_digest *digest)
{
	const char *text = http_answer_header(a, "Docker-Content-Digest", 0);

	return text && oci_digest_parse(digest, text, NULL) == 0;
}

static int ask_manifest(struct repository *repo, const char *method, const char *name,
			struct http_answer *a, struct err *e)
{
	AUTO_STRV struct strv headers = STRV_INIT;
	AUTO_FREE char *url = repository_url(repo, "manifests/%s", name);
	AUTO_FREE char *what = xasprintf("read %s/%s%c%s", repo->host->name, repo->path,
					 strchr(name, ':') ? '@' : ':', name);
	struct http_request q = {.method = method,
				 .url = url,
				 .headers = &headers,
				 .max = OCI_DOCUMENT_MAX};
	int r;

	strv_add(&headers, ACCEPT);
	r = repository_perform(repo, &q, a, e);
	if (r < 0)
		return err_wrap(e, r, "cannot %s", what);
	return a->status == 200 ? 0 : repository_refused(repo, a, what, e);
}

/* Held against the digest that was asked for, or else the one that was announced. */
static int check_digest(const struct oci_document *doc, const struct oci_digest *expected,
			const struct http_answer *a, const char *name, struct err *e)
{
	struct oci_digest announced;

	if (!expected && announced_digest(a, &announced))
		expected = &announced;
	if (!expected || oci_digest_equal(&doc->digest, expected))
		return 0;
	return err_set(e, -EBADMSG,
		       "the manifest that came for %s has another digest: it was damaged "
		       "or replaced on its way",
		       name);
}

static int get_once(struct repository *repo, const char *name,
		    const struct oci_digest *expected, struct oci_document *doc,
		    struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_OCI_DOCUMENT struct oci_document d = {0};
	int r = ask_manifest(repo, "GET", name, &a, e);
	size_t len = a.body.len;

	if (r < 0)
		return r;
	r = oci_document_init(&d, http_answer_header(&a, "Content-Type", 0),
			      len ? strbuf_take(&a.body) : xstrdup(""), len, e);
	if (r == 0)
		r = check_digest(&d, expected, &a, name, e);
	if (r < 0)
		return err_wrap(e, r, "%s/%s", repo->host->name, repo->path);
	*doc = d;
	d = (struct oci_document){0};
	return 0;
}

/* Damage on the way may be gone the next time. */
static int get_document(struct repository *repo, const char *name,
			const struct oci_digest *expected, struct oci_document *doc,
			struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	int r = get_once(repo, name, expected, doc, &why);

	if (r == -EBADMSG) {
		registry_log(repo->host->client, "%s; trying again", why.text);
		return get_once(repo, name, expected, doc, e);
	}
	return r < 0 ? err_set(e, r, "%s", why.text) : 0;
}

static int resolve(void *context, struct repository *repo,
		   const struct oci_reference *ref, struct err *e)
{
	struct oci_digest digest;
	int r = ref->digest ? oci_digest_parse(&digest, ref->digest, e) : 0;

	if (r < 0)
		return r;
	return get_document(repo, ref->digest ? ref->digest : ref->tag,
			    ref->digest ? &digest : NULL, context, e);
}

int registry_resolve(struct registry *r, const struct oci_reference *ref,
		     struct oci_document *doc, struct err *e)
{
	return route_follow(r, ref, resolve, doc, e);
}

static int head(void *context, struct repository *repo, const struct oci_reference *ref,
		struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	struct oci_descriptor *d = context;
	struct oci_digest digest;
	const char *type, *length;
	int r = ask_manifest(repo, "HEAD", ref->digest ? ref->digest : ref->tag, &a, e);

	if (r < 0)
		return r;
	type = http_answer_header(&a, "Content-Type", 0);
	length = http_answer_header(&a, "Content-Length", 0);
	if (!announced_digest(&a, &digest) || !type || !length)
		return err_set(e, -EOPNOTSUPP, "%s does not say what digest %s/%s has",
			       ref->host, ref->host, ref->path);
	*d = (struct oci_descriptor){.media_type = xstrndup(type, strcspn(type, "; ")),
				     .digest = digest,
				     .size = strtoull(length, NULL, 10)};
	return 0;
}

int registry_head(struct registry *r, const struct oci_reference *ref,
		  struct oci_descriptor *d, struct err *e)
{
	return route_follow(r, ref, head, d, e);
}

struct document_fetch {
	const struct oci_descriptor *d;
	struct oci_document *doc;
};

static int fetch_document(void *context, struct repository *repo,
			  const struct oci_reference *ref, struct err *e)
{
	struct document_fetch *f = context;
	char text[OCI_DIGEST_TEXT];

	return get_document(repo, oci_digest_format(&f->d->digest, text), &f->d->digest,
			    f->doc, e);
}

int registry_fetch_document(struct registry *r, const struct oci_reference *ref,
			    const struct oci_descriptor *d, struct oci_document *doc,
			    struct err *e)
{
	struct document_fetch f = {d, doc};

	return route_follow(r, ref, fetch_document, &f, e);
}

/* ---- blobs ---- */

/* A blob on its way down. */
struct download {
	struct repository *repo;
	const struct oci_descriptor *d;
	struct oci_blob_writer *writer;
	struct oci_hasher *hasher;
	uint64_t got;
};

static int receive(void *context, const char *bytes, size_t n, struct err *e)
{
	struct download *t = context;

	if (n > t->d->size - t->got)
		return err_set(e, -EIO, "more comes than the %llu bytes that there are",
			       (unsigned long long)t->d->size);
	t->got += n;
	oci_hasher_add(t->hasher, bytes, n);
	registry_progress(t->repo->host->client, &t->d->digest, false, t->got,
			  t->d->size);
	return t->writer->append(t->writer, bytes, n, e);
}

static int check_download(struct download *t, struct err *e)
{
	struct oci_digest digest;

	oci_hasher_finish(t->hasher, &digest);
	if (t->got != t->d->size)
		return err_set(e, -EBADMSG, "%llu bytes came, it should have %llu",
			       (unsigned long long)t->got,
			       (unsigned long long)t->d->size);
	if (!oci_digest_equal(&digest, &t->d->digest))
		return err_set(e, -EBADMSG, "what came has another digest");
	return 0;
}

static int transfer(struct download *t, const char *what, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	char text[OCI_DIGEST_TEXT];
	AUTO_FREE char *url = repository_url(t->repo, "blobs/%s",
					     oci_digest_format(&t->d->digest, text));
	struct http_request q = {
		.method = "GET", .url = url, .write = receive, .write_data = t};
	int r = repository_perform(t->repo, &q, &a, e);

	if (r < 0)
		return err_wrap(e, r, "cannot %s", what);
	/* Broken off at the very end, so that there was no more to ask for. */
	if (a.status == 416 && t->got == t->d->size)
		a.status = 206;
	if (a.status != 200 && a.status != 206)
		return repository_refused(t->repo, &a, what, e);
	r = check_download(t, e);
	return r < 0 ? err_wrap(e, r, "cannot %s", what) : 0;
}

static int download(struct repository *repo, const struct oci_descriptor *d,
		    struct oci_blobs *into, struct err *e)
{
	struct download t = {.repo = repo, .d = d};
	char text[OCI_DIGEST_TEXT];
	AUTO_FREE char *what = xasprintf("read %s/%s@%s", repo->host->name, repo->path,
					 oci_digest_format(&d->digest, text));
	int r = into->create(into, &t.writer, e);

	if (r < 0)
		return r;
	t.hasher = oci_hasher_new();
	r = transfer(&t, what, e);
	oci_hasher_free(t.hasher);
	if (r == 0)
		return t.writer->commit(t.writer, &d->digest, e);
	t.writer->abort(t.writer);
	return r;
}

struct blob_fetch {
	const struct oci_descriptor *d;
	struct oci_blobs *into;
};

static int fetch_blob(void *context, struct repository *repo,
		      const struct oci_reference *ref, struct err *e)
{
	struct blob_fetch *f = context;
	AUTO_ERR struct err why = ERR_INIT;
	int r;

	if (oci_blobs_has(f->into, &f->d->digest, f->d->size))
		return 0;
	r = download(repo, f->d, f->into, &why);
	if (r == -EBADMSG) { /* as with documents */
		registry_log(repo->host->client, "%s; trying again", why.text);
		r = download(repo, f->d, f->into, e);
	} else if (r < 0) {
		err_set(e, r, "%s", why.text);
	}
	if (r == 0)
		repository_note(repo, &f->d->digest);
	return r;
}

int registry_fetch_blob(struct registry *r, const struct oci_reference *ref,
			const struct oci_descriptor *d, struct oci_blobs *into,
			struct err *e)
{
	struct blob_fetch f = {d, into};

	if (oci_blobs_has(into, &d->digest, d->size))
		return 0;
	return route_follow(r, ref, fetch_blob, &f, e);
}

/* ---- whole images ---- */

struct pull {
	struct registry *registry;
	const struct oci_reference *ref;
	struct oci_blobs *into;
	struct oci_graph graph;
};

/* Documents of an index on their way. */
struct batch {
	struct registry *registry;
	const struct oci_reference *ref;
	struct oci_blobs *have; /* where they may be already; NULL: nowhere */
	const struct oci_descriptor *const *d;
	struct oci_document *docs;
};

static int load_document(void *context, size_t i, struct err *e)
{
	struct batch *b = context;
	const struct oci_descriptor *d = b->d[i];
	char *data;
	size_t len;

	if (b->have &&
	    oci_blobs_read(b->have, &d->digest, OCI_DOCUMENT_MAX, &data, &len, NULL) == 0)
		return oci_document_init(&b->docs[i], d->media_type, data, len, e);
	return registry_fetch_document(b->registry, b->ref, d, &b->docs[i], e);
}

int registry_load_documents(struct registry *r, const struct oci_reference *ref,
			    struct oci_blobs *have, const struct oci_descriptor *const *d,
			    size_t n, struct oci_document *docs, struct err *e)
{
	struct batch b = {r, ref, have, d, docs};

	return registry_parallel(r, n, load_document, &b, e);
}

static int load_documents(void *context, const struct oci_descriptor *const *d, size_t n,
			  struct oci_document *docs, struct err *e)
{
	struct pull *p = context;

	return registry_load_documents(p->registry, p->ref, p->into, d, n, docs, e);
}

static int pull_blob(void *context, size_t i, struct err *e)
{
	struct pull *p = context;

	return registry_fetch_blob(p->registry, p->ref, &p->graph.blobs[i], p->into, e);
}

static int add_document(struct oci_blobs *into, const struct oci_document *doc,
			struct err *e)
{
	if (oci_blobs_has(into, &doc->digest, doc->len))
		return 0;
	return oci_blobs_add(into, doc->data, doc->len, NULL, e);
}

int registry_pull(struct registry *r, const struct oci_reference *ref,
		  const struct oci_document *doc, struct oci_blobs *into, struct err *e)
{
	struct pull p = {.registry = r, .ref = ref, .into = into};
	int result = oci_graph_load(&p.graph, doc, load_documents, &p, e);

	if (result == 0)
		result = registry_parallel(r, p.graph.n_blobs, pull_blob, &p, e);
	for (size_t i = 0; i < p.graph.n_documents && result == 0; i++)
		result = add_document(into, &p.graph.documents[i], e);
	if (result == 0)
		result = add_document(into, doc, e);
	oci_graph_free(&p.graph);
	return result;
}

/* ---- tags ---- */

static int read_tags(const struct http_answer *a, struct strv *tags, struct err *e)
{
	json_t *root = json_loadb(a->body.data, a->body.len, 0, NULL), *item;
	json_t *list = json_object_get(root, "tags");
	size_t i;
	int r = 0;

	if (!json_is_array(list) && !json_is_null(list))
		r = err_set(e, -EINVAL, "the answer is no list of tags");
	json_array_foreach(list, i, item) if (json_is_string(item))
		strv_add(tags, json_string_value(item));
	json_decref(root);
	return r;
}

/* `Link: </v2/…?n=…>; rel="next"` leads to the next page; NULL: that was the last. */
static char *next_page(const struct http_answer *a)
{
	const char *link = http_answer_header(a, "Link", 0);
	AUTO_FREE char *target = NULL;

	if (!link || link[0] != '<' || !strchr(link, '>'))
		return NULL;
	target = xstrndup(link + 1, strcspn(link + 1, ">"));
	return http_url_resolve(a->url, target);
}

static int turn_page(char **url, const struct http_answer *a, struct err *e)
{
	char *next = next_page(a);

	if (next && strcmp(next, *url) == 0) {
		free(next);
		return err_set(e, -ELOOP, "its next page is one that was there before");
	}
	free(*url);
	*url = next;
	return 0;
}

int registry_tags(struct registry *r, const struct oci_reference *ref, struct strv *tags,
		  struct err *e)
{
	enum { PAGES_MAX = 10000, TAGS_MAX = 1 << 20 };
	AUTO_FREE char *what = xasprintf("list the tags of %s/%s", ref->host, ref->path);
	AUTO_FREE char *url = NULL;
	struct repository *repo;
	int result = route_last(r, ref, &repo, e);

	if (result == 0)
		url = repository_url(repo, "tags/list?n=1000");
	for (int page = 1; url && result == 0; page++) {
		AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
		struct http_request q = {.method = "GET", .url = url};

		result = repository_perform(repo, &q, &a, e);
		if (result == 0 && a.status != 200)
			return repository_refused(repo, &a, what, e);
		if (result == 0)
			result = read_tags(&a, tags, e);
		if (result == 0 && (tags->n > TAGS_MAX || page > PAGES_MAX))
			result = err_set(e, -E2BIG, "the list has no end");
		if (result == 0)
			result = turn_page(&url, &a, e);
		if (result < 0)
			return err_wrap(e, result, "cannot %s", what);
	}
	strv_sort(tags);
	return result;
}
