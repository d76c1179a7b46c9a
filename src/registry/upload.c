/* SPDX-License-Identifier: MIT */
#include "registry/upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "registry/retry.h"

enum {
	WHOLE_MAX = 256 << 10,	/* bytes that go up in the request that ends the upload */
	SMALL_CHUNK = 32 << 20, /* for registries that refuse larger requests */
};

struct upload {
	struct repository *repo;
	const struct oci_descriptor *d;
	struct oci_blob *blob;
	char *session;	   /* URL; NULL: none is open */
	uint64_t offset;   /* bytes that the registry has */
	uint64_t chunk;	   /* bytes of one request; 0: all that is left */
	unsigned failures; /* in a row */
	unsigned sessions;
	bool damaged; /* once, on its way */
	bool misread; /* what was read had another digest, once */
	char digest[OCI_DIGEST_TEXT];
	char *what; /* "write HOST/PATH@DIGEST", for messages */
};

/* What one step of an upload comes to, besides failing. */
enum step { AGAIN, DONE };

static ssize_t read_blob(void *context, char *buffer, size_t n, uint64_t offset,
			 struct err *e)
{
	struct upload *u = context;
	ssize_t got = u->blob->read(u->blob, buffer, n, u->offset + offset, e);

	if (got > 0)
		registry_progress(u->repo->host->client, &u->d->digest, true,
				  u->offset + offset + (uint64_t)got, u->d->size);
	return got;
}

static int exists(struct upload *u, bool *there, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_FREE char *url = repository_url(u->repo, "blobs/%s", u->digest);
	struct http_request q = {.method = "HEAD", .url = url};
	int r = repository_perform(u->repo, &q, &a, e);

	if (r < 0)
		return r;
	*there = a.status == 200;
	if (a.status == 200 || a.status == 404)
		return 0;
	return repository_refused(u->repo, &a, u->what, e);
}

/* Where the next request of the session goes. */
static int take_location(struct upload *u, const struct http_answer *a, struct err *e)
{
	const char *location = http_answer_header(a, "Location", 0);
	char *url = location ? http_url_resolve(a->url, location) : NULL;

	if (!url)
		return err_set(e, -EIO, "cannot %s: %s gave no place to upload to",
			       u->what, u->repo->host->name);
	if (!u->repo->host->insecure && strncasecmp(a->url, "https:", 6) == 0 &&
	    strncasecmp(url, "https:", 6) != 0) {
		free(url);
		return err_set(e, -EIO,
			       "cannot %s: %s wants it sent to an address without TLS; "
			       "that is done only with --tls-verify=false",
			       u->what, u->repo->host->name);
	}
	free(u->session);
	u->session = url;
	return 0;
}

/* A leftover at the registry is removed; it would go by itself, but later. */
static void close_session(struct upload *u)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	struct http_request q = {.method = "DELETE",
				 .url = u->session,
				 .attempts = 1,
				 .even_canceled = true};

	if (u->session)
		(void)repository_perform(u->repo, &q, &a, NULL); /* best effort */
	free(TAKE_PTR(u->session));
	u->offset = 0;
}

/* Chunks may have to have a size, if the registry wants any. */
static void take_minimum(struct upload *u, const struct http_answer *a)
{
	const char *text = http_answer_header(a, "OCI-Chunk-Min-Length", 0);
	uint64_t least = text ? strtoull(text, NULL, 10) : 0;

	if (u->chunk && u->chunk < least)
		u->chunk = least;
}

/* origin: a path to mount the blob from, or NULL. */
static int post(struct upload *u, const char *origin, enum step *step, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_FREE char *path = origin ? http_escape(origin) : NULL;
	AUTO_FREE char *url =
		origin ? repository_url(u->repo, "blobs/uploads/?mount=%s&from=%s",
					u->digest, path)
		       : repository_url(u->repo, "blobs/uploads/");
	struct http_request q = {.method = "POST", .url = url};
	int r = repository_perform(u->repo, &q, &a, e);

	if (r < 0)
		return err_wrap(e, r, "cannot %s", u->what);
	*step = AGAIN;
	if (origin && a.status == 201)
		*step = DONE;
	else if (a.status == 202)
		r = take_location(u, &a, e);
	else if (!origin)
		r = repository_refused(u->repo, &a, u->what, e);
	take_minimum(u, &a);
	return r;
}

/*
 * docker-registry forgets a session of which a request broke off. One more than there are
 * attempts, for that which is given up because the registry refused its large request.
 */
static int open_session(struct upload *u, struct err *e)
{
	unsigned max = http_attempts(u->repo->host->client->http) + 1;
	enum step step;

	if (u->sessions++ == max)
		return err_set(e, -EIO, "cannot %s: %s lost what was uploaded, %u times",
			       u->what, u->repo->host->name, max);
	return post(u, NULL, &step, e);
}

/* A failure that may pass: waits, and counts. */
static int pause_after(struct upload *u, const char *text, struct err *e)
{
	struct http *http = u->repo->host->client->http;
	unsigned ms = http_delay_ms(http, ++u->failures);

	if (u->failures >= http_attempts(http))
		return err_set(e, -EIO, "cannot %s: %s (%u attempts)", u->what, text,
			       u->failures);
	http_log(http, "%s: %s; going on in %.1f s (%u of %u)", u->what, text, ms / 1e3,
		 u->failures + 1, http_attempts(http));
	return http_sleep(http, ms) < 0 ? err_set(e, -ECANCELED, "canceled") : 0;
}

/*
 * "0-N" of a Range. "0-0" is what some answer for nothing and some for one byte, so then
 * it is better to begin again.
 */
static bool take_range(struct upload *u, const struct http_answer *a)
{
	const char *range = http_answer_header(a, "Range", 0);
	const char *dash = range ? strchr(range, '-') : NULL;
	uint64_t last = dash ? strtoull(dash + 1, NULL, 10) : 0;

	if (!last || last >= u->d->size)
		return false;
	u->offset = last + 1;
	return true;
}

/* After a break: how far did it get? The session is closed when that is not known. */
static int ask_offset(struct upload *u, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	struct http_request q = {.method = "GET", .url = u->session};
	uint64_t before = u->offset;
	int r = repository_perform(u->repo, &q, &a, e);

	if (r < 0)
		return err_wrap(e, r, "cannot %s", u->what);
	if (a.status / 100 == 2 && http_answer_header(&a, "Location", 0))
		r = take_location(u, &a, e);
	if (r == 0 && (a.status / 100 != 2 || !take_range(u, &a)))
		close_session(u);
	if (u->offset > before)
		u->failures = 0;
	return r;
}

/* Failures of the way to the registry; all others are here, and do not pass. */
static bool is_transport(int code)
{
	return code == -EIO || code == -ETIMEDOUT || code == -EPROTO ||
	       code == -EHOSTUNREACH;
}

/* What is read from has failed, and has tried all that helps. */
static bool is_sources(int code)
{
	return code == -EBADMSG || code == -EREMOTEIO;
}

/* But once, damage may be the way's fault: then all of it is read and sent anew. */
static int after_reading(struct upload *u, int code, const struct err *why, struct err *e)
{
	if (code != -EBADMSG || u->misread)
		return err_set(e, code, "cannot %s: %s", u->what, why->text);
	u->misread = true;
	registry_log(u->repo->host->client, "%s; trying again", why->text);
	close_session(u);
	return 0;
}

/* What the answer to a part, or its lack, means. */
static int after_part(struct upload *u, int sent, uint64_t n, const struct http_answer *a,
		      const struct err *why, struct err *e)
{
	AUTO_FREE char *status =
		xasprintf("%s answered %ld", u->repo->host->name, a->status);
	int r;

	if (sent == 0 && a->status / 100 == 2) {
		u->failures = 0;
		if (!take_range(u, a))
			u->offset += n;
		return take_location(u, a, e);
	}
	if (sent == 0 && a->status == 413 && !u->chunk && n > SMALL_CHUNK) {
		u->chunk = SMALL_CHUNK;
		close_session(u);
		return 0;
	}
	if (is_sources(sent))
		return after_reading(u, sent, why, e);
	if (sent < 0 && !is_transport(sent))
		return err_set(e, sent, "cannot %s: %s", u->what, why->text);
	if (sent == 0 && a->status != 416 && a->status != 404 && !retry_status(a->status))
		return repository_refused(u->repo, a, u->what, e);
	r = pause_after(u, sent < 0 ? why->text : status, e);
	return r < 0 ? r : ask_offset(u, e);
}

static int send_part(struct upload *u, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	AUTO_ERR struct err why = ERR_INIT;
	uint64_t n = u->d->size - u->offset;
	struct http_request q = {.method = "PATCH",
				 .url = u->session,
				 .headers = &headers,
				 .attempts = 1,
				 .read = read_blob,
				 .read_data = u};
	int r;

	if (u->chunk && n > u->chunk)
		n = u->chunk;
	q.read_size = n;
	strv_add(&headers, "Content-Type: application/octet-stream");
	if (u->offset || u->chunk)
		strv_addf(&headers, "Content-Range: %llu-%llu",
			  (unsigned long long)u->offset,
			  (unsigned long long)(u->offset + n - 1));
	r = repository_perform(u->repo, &q, &a, &why);
	return after_part(u, r, n, &a, &why, e);
}

/* The answer to the last request was bad or lost, yet the blob may be there. */
static int after_end(struct upload *u, int sent, const struct http_answer *a,
		     const struct err *why, enum step *step, struct err *e)
{
	AUTO_FREE char *status =
		xasprintf("%s answered %ld", u->repo->host->name, a->status);
	bool there, damaged = sent == 0 && a->status == 400 && !u->damaged;
	int r;

	if (sent == -ECANCELED)
		return err_set(e, sent, "canceled");
	*step = AGAIN;
	if (is_sources(sent))
		return after_reading(u, sent, why, e);
	r = exists(u, &there, e);
	if (r < 0)
		return r;
	*step = there ? DONE : AGAIN;
	if (there)
		return 0;
	/* What arrived is not what was sent: once, that may be the way's fault. */
	u->damaged |= damaged;
	if (sent == 0 && a->status != 404 && a->status != 416 && !damaged &&
	    !retry_status(a->status))
		return repository_refused(u->repo, a, u->what, e);
	r = pause_after(u, sent < 0 && why->text ? why->text : status, e);
	if (r == 0 && u->d->size > WHOLE_MAX && !damaged)
		return ask_offset(u, e);
	close_session(u);
	return r;
}

/* Ends the upload; of a small blob this is all of it. */
static int send_end(struct upload *u, enum step *step, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_FREE char *url = xasprintf("%s%cdigest=%s", u->session,
					strchr(u->session, '?') ? '&' : '?', u->digest);
	struct http_request q = {.method = "PUT",
				 .url = url,
				 .headers = &headers,
				 .attempts = 1,
				 .read = read_blob,
				 .read_data = u,
				 .read_size = u->d->size - u->offset};
	int r;

	strv_add(&headers, "Content-Type: application/octet-stream");
	r = repository_perform(u->repo, &q, &a, &why);
	if (r == 0 && a.status / 100 == 2) {
		*step = DONE;
		return 0;
	}
	return after_end(u, r, &a, &why, step, e);
}

static int run(struct upload *u, struct err *e)
{
	enum step step = AGAIN;
	int r = 0;

	while (r == 0 && step != DONE) {
		if (!u->session)
			r = open_session(u, e);
		else if (u->offset < u->d->size && u->d->size > WHOLE_MAX)
			r = send_part(u, e);
		else
			r = send_end(u, &step, e);
	}
	return r;
}

/* Mounted, or a session is open. */
static int mount(struct upload *u, const struct strv *origins, enum step *step,
		 struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < origins->n && r == 0 && *step != DONE; i++) {
		close_session(u);
		r = post(u, origins->v[i], step, e);
	}
	return r;
}

/* From where the caller does not know of it, but an earlier call saw it. */
static int mount_remembered(struct upload *u, const struct strv *origins, enum step *step,
			    struct err *e)
{
	struct repository *repo = u->repo;
	struct registry_memory *m = repo->host->client->settings.memory;
	AUTO_FREE char *path =
		m ? m->recall(m, repo->host->name, repo->path, &u->d->digest) : NULL;

	if (!path || strv_has(origins, path) || !repository_add_origin(repo, path))
		return 0;
	return post(u, path, step, e);
}

static int send_blob(struct upload *u, struct oci_blobs *from, const struct strv *origins,
		     struct err *e)
{
	enum step step = AGAIN;
	bool there;
	int r = exists(u, &there, e);

	if (r < 0 || there)
		return r;
	r = mount_remembered(u, origins, &step, e);
	if (r == 0 && step != DONE)
		r = mount(u, origins, &step, e);
	if (r == 0 && step != DONE)
		r = from->open(from, &u->d->digest, &u->blob, e);
	if (r < 0 || step == DONE)
		return r;
	if (u->blob->size != u->d->size)
		return err_set(
			e, -EIO,
			"cannot %s: it has %llu bytes here, its manifest says %llu",
			u->what, (unsigned long long)u->blob->size,
			(unsigned long long)u->d->size);
	return run(u, e);
}

/* With the repository's lock, which the entry is good for. */
static struct repository_blob *entry(struct repository *repo,
				     const struct oci_digest *digest)
{
	for (size_t i = 0; i < repo->nblobs; i++)
		if (oci_digest_equal(&repo->blobs[i].digest, digest))
			return &repo->blobs[i];
	return NULL;
}

/*
 * Whether it is the caller's to send, who then calls finish(). What went up in this
 * process need not be asked for again; what another thread is sending is waited for, and
 * is the caller's if that fails.
 */
static bool begin(struct repository *repo, const struct oci_digest *digest)
{
	struct repository_blob *blob;

	pthread_mutex_lock(&repo->lock);
	while ((blob = entry(repo, digest)) && !blob->there)
		pthread_cond_wait(&repo->blobs_changed, &repo->lock);
	if (!blob) {
		GROW(repo->blobs, repo->nblobs);
		repo->blobs[repo->nblobs++] = (struct repository_blob){.digest = *digest};
	}
	pthread_mutex_unlock(&repo->lock);
	return !blob;
}

static void finish(struct repository *repo, const struct oci_digest *digest, bool there)
{
	struct repository_blob *blob;

	pthread_mutex_lock(&repo->lock);
	blob = entry(repo, digest);
	blob->there = there;
	if (!there)
		*blob = repo->blobs[--repo->nblobs];
	pthread_cond_broadcast(&repo->blobs_changed);
	pthread_mutex_unlock(&repo->lock);
	if (there)
		repository_note(repo, digest);
}

int upload_blob(struct repository *repo, const struct oci_descriptor *d,
		struct oci_blobs *from, const struct strv *origins, struct err *e)
{
	struct upload u = {.repo = repo, .d = d};
	int r;

	if (!begin(repo, &d->digest))
		return 0;
	oci_digest_format(&d->digest, u.digest);
	u.what = xasprintf("write %s/%s@%s", repo->host->name, repo->path, u.digest);
	r = send_blob(&u, from, origins, e);
	if (r < 0)
		close_session(&u);
	finish(repo, &d->digest, r == 0);
	oci_blob_close(u.blob);
	free(u.session);
	free(u.what);
	return r;
}
