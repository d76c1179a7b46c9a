/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "registry/client-internal.h"
#include "registry/error.h"
#include "registry/proxy.h"
#include "registry/route.h"
#include "registry/tls.h"

/* Docker's registry answers under another name than its images have. */
static const char *address_of(const char *host)
{
	return strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host;
}

/* ---- events ---- */

/* Called by http, by any thread. */
static void on_log(void *data, const char *line)
{
	struct registry *r = data;

	pthread_mutex_lock(&r->events);
	r->settings.log(r->settings.data, line);
	pthread_mutex_unlock(&r->events);
}

void registry_log(struct registry *r, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	if (!r->settings.log)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	on_log(r, s.data);
}

void registry_progress(struct registry *r, const struct oci_digest *blob, bool upload,
		       uint64_t done, uint64_t total)
{
	if (!r->settings.progress)
		return;
	pthread_mutex_lock(&r->events);
	r->settings.progress(r->settings.data, blob, upload, done, total);
	pthread_mutex_unlock(&r->events);
}

int registry_parallel(struct registry *r, size_t n,
		      int (*job)(void *context, size_t i, struct err *e), void *context,
		      struct err *e)
{
	return thread_each(r->settings.jobs ? r->settings.jobs : 4, n, job, context, e);
}

/* ---- hosts ---- */

/*
 * Asks for /v2/ in one way. What is there answers something, if only 401; 400 is what a
 * server of the other way says, for which *base is not set.
 */
static int ask_base(struct registry_host *host, const char *scheme, unsigned attempts,
		    bool doubt, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_FREE char *base = xasprintf("%s://%s", scheme, address_of(host->name));
	AUTO_FREE char *url = xasprintf("%s/v2/", base);
	struct http_request q = {.method = "GET",
				 .url = url,
				 .tls = &host->tls,
				 .allow_plain = host->insecure,
				 .attempts = attempts};
	int r = http_perform(host->client->http, &q, &a, e);

	if (r < 0)
		return r;
	if (doubt && a.status == 400)
		return -EPROTO;
	host->base = TAKE_PTR(base);
	host_challenged(host, &a);
	return 0;
}

/*
 * TLS first; without only where that was allowed. On this machine, where whoever could
 * listen in can read everything anyway, it is the other way round: reading the system's
 * certificates takes longer than the whole conversation.
 */
static int find_base(struct registry_host *host, struct err *e)
{
	bool local = proxy_is_local(host->name);
	bool plain = local || host->tls.skip_verify;
	AUTO_ERR struct err why = ERR_INIT;
	int r;

	host->insecure = plain;
	if (local) {
		r = ask_base(host, "http", 1, true, NULL);
		if (r == 0 || r == -ECANCELED)
			return r < 0 ? err_set(e, r, "canceled") : 0;
	}
	host->insecure = host->tls.skip_verify;
	r = ask_base(host, "https", plain ? 1 : 0, false, &why);
	if (plain && (r == -EPROTO || r == -EHOSTUNREACH || r == -ETIMEDOUT)) {
		host->insecure = true;
		return ask_base(host, "http", 0, false, e);
	}
	if (plain && r == -EIO) /* with TLS, and it broke then */
		return ask_base(host, "https", 0, false, e);
	if (r < 0)
		return err_set(e, r, "%s%s", why.text,
			       r == -EPROTO ? "; if it is meant to be without TLS, use "
					      "--tls-verify=false"
					    : "");
	return 0;
}

static int host_learn(struct registry_host *host, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&host->lock);
	if (!host->base)
		r = find_base(host, e);
	pthread_mutex_unlock(&host->lock);
	return r;
}

static void host_free(struct registry_host *host)
{
	free(host->name);
	tls_free(&host->tls);
	free(host->base);
	free(host->scheme);
	free(host->realm);
	free(host->service);
	pthread_mutex_destroy(&host->lock);
	free(host);
}

/* With the client's lock held. */
static int host_get(struct registry *r, const char *name, bool lax,
		    struct registry_host **found, struct err *e)
{
	struct registry_host *host;
	int result;

	for (host = r->hosts; host; host = host->next)
		if (strcmp(host->name, name) == 0 && host->lax == lax) {
			*found = host;
			return 0;
		}
	host = xcalloc(1, sizeof *host);
	host->client = r;
	host->name = xstrdup(name);
	host->lax = lax;
	pthread_mutex_init(&host->lock, NULL);
	host->tls.skip_verify =
		r->settings.skip_tls_verify || (lax && !r->settings.always_tls_verify);
	result = tls_load(&host->tls, name, r->settings.cert_dir, e);
	if (result < 0) {
		host_free(host);
		return result;
	}
	host->next = r->hosts;
	*found = r->hosts = host;
	return 0;
}

/* ---- repositories ---- */

static char *scopes_of(const struct repository_wish *wish)
{
	const struct oci_reference *ref = wish->ref, *origins = wish->origins;
	struct strbuf s = STRBUF_INIT;

	strbuf_addf(&s, "repository:%s:%s", ref->path, wish->actions);
	for (size_t i = 0; i < wish->norigins; i++)
		if (strcmp(origins[i].host, ref->host) == 0 &&
		    strcmp(origins[i].path, ref->path) != 0)
			strbuf_addf(&s, " repository:%s:pull", origins[i].path);
	return strbuf_take(&s);
}

static struct repository *repository_new(struct registry_host *host, const char *path,
					 const char *scopes)
{
	struct repository *repo = xcalloc(1, sizeof *repo);

	repo->host = host;
	repo->path = xstrdup(path);
	repo->scopes = xstrdup(scopes);
	pthread_mutex_init(&repo->lock, NULL);
	pthread_cond_init(&repo->blobs_changed, NULL);
	return repo;
}

static void repository_free(struct repository *repo)
{
	free(repo->path);
	free(repo->scopes);
	strv_free(&repo->remembered);
	credentials_free(&repo->credentials);
	secret_free(repo->authorization);
	free(repo->blobs);
	pthread_mutex_destroy(&repo->lock);
	pthread_cond_destroy(&repo->blobs_changed);
	free(repo);
}

static int find_repository(struct registry *r, const struct repository_wish *wish,
			   const char *scopes, struct repository **found, struct err *e)
{
	const char *path = wish->ref->path;
	struct registry_host *host;
	struct repository *repo;
	int result = host_get(r, wish->ref->host, wish->lax, &host, e);

	if (result < 0)
		return result;
	for (repo = r->repositories; repo; repo = repo->next)
		if (repo->host == host && strcmp(repo->path, path) == 0 &&
		    strcmp(repo->scopes, scopes) == 0 && repo->foreign == wish->foreign) {
			*found = repo;
			return 0;
		}
	repo = repository_new(host, path, scopes);
	repo->foreign = wish->foreign;
	repo->next = r->repositories;
	*found = r->repositories = repo;
	return 0;
}

int repository_get(struct registry *r, const struct repository_wish *wish,
		   struct repository **repo, struct err *e)
{
	AUTO_FREE char *scopes = scopes_of(wish);
	int result;

	pthread_mutex_lock(&r->lock);
	result = find_repository(r, wish, scopes, repo, e);
	pthread_mutex_unlock(&r->lock);
	return result < 0 ? result : host_learn((*repo)->host, e);
}

int repository_of_host(struct registry *r, const char *name, const struct credentials *c,
		       struct repository **repo, struct err *e)
{
	char everything[] = "";
	const struct oci_reference ref = {(char *)(uintptr_t)name, everything, NULL,
					  NULL};
	const struct registries_entry *entry;
	struct registry_host *host = NULL;
	int result = registries_find(&r->conf, &ref, &entry, e);

	pthread_mutex_lock(&r->lock);
	if (result == 0)
		result = host_get(r, name, entry && entry->insecure, &host, e);
	if (result == 0) {
		*repo = repository_new(host, "", "");
		(*repo)->credentials =
			(struct credentials){xstrdup(c->user), xstrdup(c->password),
					     c->is_identity_token, NULL};
		(*repo)->looked = (*repo)->has_credentials = true;
		(*repo)->next = r->repositories;
		r->repositories = *repo;
	}
	pthread_mutex_unlock(&r->lock);
	return result < 0 ? result : host_learn(host, e);
}

char *repository_url(const struct repository *repo, const char *fmt, ...)
{
	struct strbuf s = STRBUF_INIT;
	va_list ap;

	strbuf_addf(&s, "%s/v2/%s/", repo->host->base, repo->path);
	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	return strbuf_take(&s);
}

void repository_note(const struct repository *repo, const struct oci_digest *blob)
{
	struct registry_memory *m = repo->host->client->settings.memory;

	if (m)
		m->note(m, repo->host->name, repo->path, blob);
}

static bool host_has_tokens(struct registry_host *host)
{
	bool yes;

	pthread_mutex_lock(&host->lock);
	yes = host->scheme && strcasecmp(host->scheme, "Bearer") == 0;
	pthread_mutex_unlock(&host->lock);
	return yes;
}

int repository_perform(struct repository *repo, struct http_request *q,
		       struct http_answer *a, struct err *e)
{
	enum { ROUNDS = 3 }; /* without, with what is known, with a new one */
	struct registry_host *host = repo->host;

	q->tls = &host->tls;
	q->allow_plain = host->insecure;
	for (int round = 1;; round++) {
		AUTO_SECRET char *authorization = NULL;
		unsigned generation = 0;
		int r = 0;

		/* Another server, which it may name for uploads, gets no secrets. */
		if (http_same_origin(host->base, q->url))
			r = repository_authorize(repo, &authorization, &generation, e);
		if (r < 0)
			return r;
		q->authorization = authorization;
		r = http_perform(host->client->http, q, a, e);
		q->authorization = NULL;
		if (r < 0 || a->status != 401 || round == ROUNDS)
			return r;
		r = repository_challenged(repo, a, generation, e);
		if (r < 0)
			return r;
		/* The same password again does no better, but may lock an account. */
		if (authorization && strncmp(authorization, "Basic ", 6) == 0 &&
		    !host_has_tokens(host))
			return 0;
	}
}

/* Words of a few letters are in many messages, and give nothing away. */
static bool repeats(const char *message, const char *secret)
{
	return secret && strlen(secret) >= 4 && strstr(message, secret);
}

char *repository_message(struct repository *repo, const struct http_answer *a,
			 const char *authorization)
{
	char *message = answer_message(&a->body);
	const char *blank = authorization ? strchr(authorization, ' ') : NULL;

	if (!repeats(message, repo->credentials.password) &&
	    !repeats(message, blank ? blank + 1 : NULL))
		return message;
	free(message);
	return xstrdup("(what it says repeats a secret)");
}

/* The same by who does not hold the lock. */
static char *message_of(struct repository *repo, const struct http_answer *a)
{
	char *message;

	pthread_mutex_lock(&repo->lock);
	message = repository_message(repo, a, repo->authorization);
	pthread_mutex_unlock(&repo->lock);
	return message;
}

/* What may help against a status. */
static const char *mend_of(const struct repository *repo, const struct http_answer *a)
{
	switch (a->status) {
	case 401:
	case 403:
		return repo->has_credentials ? "; these credentials may not do that"
					     : "; there are no credentials for it: log "
					       "in, or use --creds";
	case 404:
		return a->url && strstr(a->url, "/manifests/") &&
				       !strstr(a->url, "/manifests/sha256:")
			       ? "; the command 'tags' lists those that there are"
			       : "";
	case 407:
		return "; the address of the proxy, in http_proxy or --proxy, may have "
		       "them: http://USER:PASSWORD@HOST:PORT";
	case 413:
		return "; it, or a proxy before it, takes nothing that large";
	case 429:
		return "; it limits how much may be asked for: log in, or wait";
	case 507:
		return "; it has no room left";
	default:
		return "";
	}
}

/* " (through the proxy X, 3 attempts)", or what there is of that. */
static char *circumstances(const struct http_answer *a)
{
	struct strbuf s = STRBUF_INIT;

	/* A tunnel's answers are the registry's own. */
	if (a->proxy && a->url && strncmp(a->url, "https:", 6) != 0)
		strbuf_addf(&s, "through the proxy %s", a->proxy);
	if (a->attempts > 1)
		strbuf_addf(&s, "%s%u attempts", s.len ? ", " : "", a->attempts);
	if (s.len) {
		AUTO_FREE char *text = strbuf_take(&s);

		strbuf_addf(&s, " (%s)", text);
	}
	return strbuf_take(&s);
}

int repository_refused(struct repository *repo, const struct http_answer *a,
		       const char *what, struct err *e)
{
	AUTO_FREE char *host = http_url_host(a->url ? a->url : repo->host->base);
	AUTO_FREE char *message = message_of(repo, a);
	AUTO_FREE char *how = circumstances(a);
	const char *wait = http_answer_header(a, "Retry-After", 0);
	AUTO_FREE char *later = NULL;
	int code = a->status == 404			  ? -ENOENT
		   : a->status == 401 || a->status == 403 ? -EACCES
							  : -EIO;

	if (wait)
		later = xasprintf("; it asks to come back later (Retry-After: %.40s)",
				  wait);
	return err_set(e, code, "cannot %s: %s answered %ld%s%s%s%s%s", what, host,
		       a->status, *message ? ": " : "", message, how, mend_of(repo, a),
		       later ? later : "");
}

/* ---- the client ---- */

/* Passwords come into it: no core dump, and no look from outside. */
static int hide_memory(struct err *e)
{
	return prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0
		       ? err_sys(e, -errno, "cannot forbid core dumps")
		       : 0;
}

int registry_new(const struct registry_settings *settings, struct registry **client,
		 struct err *e)
{
	struct registry *r = xcalloc(1, sizeof *r);
	struct http_settings http = {
		.proxy = settings->proxy,
		.add_hosts = settings->add_hosts,
		.attempts = settings->attempts,
		.retry_delay_ms = settings->retry_delay_ms,
		.connect_seconds = settings->connect_seconds,
		.stall_seconds = settings->stall_seconds,
		.log = settings->log ? on_log : NULL,
		.data = r,
	};
	int result;

	r->settings = *settings;
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->events, NULL);
	result = hide_memory(e);
	if (result == 0)
		result = registries_load(&r->conf, settings->registries_conf, e);
	if (result == 0)
		result = http_new(&http, &r->http, e);
	if (result < 0) {
		registry_free(r);
		return result;
	}
	for (size_t i = 0; i < r->conf.notes.n; i++)
		registry_log(r, "%s", r->conf.notes.v[i]);
	*client = r;
	return 0;
}

void registry_cancel(struct registry *r)
{
	http_cancel(r->http);
}

bool registry_is_canceled(const struct registry *r)
{
	return http_is_canceled(r->http);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	while (r->repositories) {
		struct repository *repo = r->repositories;

		r->repositories = repo->next;
		repository_free(repo);
	}
	while (r->hosts) {
		struct registry_host *host = r->hosts;

		r->hosts = host->next;
		host_free(host);
	}
	routes_free(r->routes);
	registries_free(&r->conf);
	http_free(r->http);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->events);
	free(r);
}

void registry_free_p(struct registry **r)
{
	registry_free(*r);
}
