/* SPDX-License-Identifier: MIT */

/* Who to be: basic credentials, and tokens that a registry's token server gives for them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "registry/challenge.h"
#include "registry/client-internal.h"
#include "registry/token.h"

static time_t now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
	return ts.tv_sec;
}

static void replace(char **field, const char *value)
{
	free(*field);
	*field = value ? xstrdup(value) : NULL;
}

void host_challenged(struct registry_host *host, const struct http_answer *a)
{
	AUTO_CHALLENGES struct challenges list = {0};
	const struct challenge *c;
	const char *value;

	if (a->status != 401)
		return;
	for (size_t i = 0; (value = http_answer_header(a, "WWW-Authenticate", i)); i++)
		challenges_parse(&list, value);
	c = challenges_find(&list, "Bearer");
	if (!c || !c->realm)
		c = challenges_find(&list, "Basic");
	replace(&host->scheme, c ? c->scheme : NULL);
	replace(&host->realm, c ? c->realm : NULL);
	replace(&host->service, c ? c->service : NULL);
}

static void forget(struct repository *repo)
{
	secret_free(TAKE_PTR(repo->authorization));
	repo->expires = 0;
}

int repository_challenged(struct repository *repo, const struct http_answer *a,
			  unsigned generation, struct err *e)
{
	struct registry_host *host = repo->host;
	bool known;

	pthread_mutex_lock(&repo->lock);
	if (repo->generation == generation) /* else another thread has a new one */
		forget(repo);
	pthread_mutex_unlock(&repo->lock);
	pthread_mutex_lock(&host->lock);
	host_challenged(host, a);
	known = host->scheme;
	pthread_mutex_unlock(&host->lock);
	if (known)
		return 0;
	return err_set(e, -EACCES,
		       "%s wants a login, in a way that is not known here (neither basic "
		       "nor bearer)",
		       host->name);
}

bool repository_add_origin(struct repository *repo, const char *path)
{
	enum { MAX = 8 }; /* each is a new token, and a token's request has a length */
	bool known;

	pthread_mutex_lock(&repo->lock);
	known = strv_has(&repo->remembered, path);
	if (!known && repo->remembered.n < MAX) {
		strv_add(&repo->remembered, path);
		forget(repo);
		known = true;
	}
	pthread_mutex_unlock(&repo->lock);
	return known;
}

static int look_for_credentials(struct repository *repo, struct err *e)
{
	const struct registry_settings *s = &repo->host->client->settings;
	AUTO_FREE char *name = xasprintf("%s/%s", repo->host->name, repo->path);
	int r;

	if (repo->looked)
		return 0;
	if (s->creds && !repo->foreign)
		r = credentials_parse(&repo->credentials, s->creds, e) < 0 ? -EINVAL : 1;
	else
		r = credentials_find(&repo->credentials, name, s->authfile,
				     &repo->host->client->conf.helpers, e);
	repo->looked = r >= 0;
	repo->has_credentials = r == 1;
	return r < 0 ? r : 0;
}

/* ---- tokens ---- */

/* name=value, escaped, for a query or a form. */
static void add_field(struct strbuf *s, const char *name, const char *value)
{
	AUTO_SECRET char *escaped = http_escape(value);

	strbuf_addf(s, "%s%s=%s", s->len ? "&" : "", name, escaped);
}

static void add_scopes(struct strbuf *s, const struct repository *repo, bool joined)
{
	AUTO_STRBUF struct strbuf all = STRBUF_INIT;
	AUTO_STRV struct strv scopes = STRV_INIT;

	strbuf_adds(&all, repo->scopes);
	for (size_t i = 0; i < repo->remembered.n; i++)
		strbuf_addf(&all, " repository:%s:pull", repo->remembered.v[i]);
	strv_split(&scopes, all.data, joined && !repo->origins_refused ? "" : " ");
	for (size_t i = 0; i < (repo->origins_refused ? 1 : scopes.n); i++)
		add_field(s, "scope", scopes.v[i]);
}

struct form {
	const char *text;
};

static ssize_t read_form(void *data, char *buffer, size_t n, uint64_t offset,
			 struct err *e)
{
	memcpy(buffer, ((struct form *)data)->text + offset, n);
	return (ssize_t)n;
}

/* An identity token buys others by POST. */
static int post_token(struct repository *repo, struct http_answer *a, struct err *e)
{
	const struct registry_host *host = repo->host;
	AUTO_STRV struct strv headers = STRV_INIT;
	struct strbuf text = STRBUF_INIT;
	struct form form;
	struct http_request q = {.method = "POST",
				 .url = host->realm,
				 .headers = &headers,
				 .tls = &host->tls,
				 .allow_plain = host->insecure,
				 .own_host_only = true,
				 .read = read_form,
				 .read_data = &form,
				 .max = TOKEN_ANSWER_MAX};
	int r;

	add_field(&text, "grant_type", "refresh_token");
	add_field(&text, "client_id", "mab-build");
	if (host->service)
		add_field(&text, "service", host->service);
	add_scopes(&text, repo, true);
	add_field(&text, "refresh_token", repo->credentials.password);
	strv_add(&headers, "Content-Type: application/x-www-form-urlencoded");
	form.text = text.data;
	q.read_size = text.len;
	r = http_perform(host->client->http, &q, a, e);
	explicit_bzero(text.data, text.len);
	strbuf_free(&text);
	return r;
}

static int get_token(struct repository *repo, struct http_answer *a, struct err *e)
{
	const struct registry_host *host = repo->host;
	AUTO_STRBUF struct strbuf query = STRBUF_INIT;
	AUTO_FREE char *url = NULL;
	AUTO_SECRET char *basic =
		repo->has_credentials ? credentials_basic(&repo->credentials) : NULL;
	struct http_request q = {.method = "GET",
				 .authorization = basic,
				 .tls = &host->tls,
				 .allow_plain = host->insecure,
				 .max = TOKEN_ANSWER_MAX};

	if (host->service)
		add_field(&query, "service", host->service);
	add_scopes(&query, repo, false);
	url = xasprintf("%s%c%s", host->realm, strchr(host->realm, '?') ? '&' : '?',
			query.data);
	q.url = url;
	return http_perform(host->client->http, &q, a, e);
}

/* "host/path", "host" where it is about that. */
static char *name_of(const struct repository *repo)
{
	return *repo->path ? xasprintf("%s/%s", repo->host->name, repo->path)
			   : xstrdup(repo->host->name);
}

static int refused(struct repository *repo, const struct http_answer *a, struct err *e)
{
	AUTO_FREE char *server = http_url_host(repo->host->realm);
	AUTO_FREE char *message = repository_message(repo, a, NULL);
	AUTO_FREE char *name = name_of(repo);
	const char *mend = "";

	if (a->status == 401 || a->status == 403)
		mend = repo->has_credentials
			       ? "; user or password are wrong, or may not do that"
			       : "; there are no credentials for it: log in, or use --creds";
	return err_set(e, a->status / 100 == 4 ? -EACCES : -EIO,
		       "cannot get a token for %s: %s answered %ld%s%s%s", name, server,
		       a->status, *message ? ": " : "", message, mend);
}

/* Passwords go over TLS, unless the registry is one without. */
static int check_realm(const struct registry_host *host, struct err *e)
{
	if (strncasecmp(host->realm, "https://", 8) == 0 ||
	    (host->insecure && strncasecmp(host->realm, "http://", 7) == 0))
		return 0;
	return err_set(e, -EACCES,
		       "%s has its token server without TLS (%.100s); that is used only "
		       "with --tls-verify=false",
		       host->name, host->realm);
}

static int ask_token(struct repository *repo, struct http_answer *a, struct err *e)
{
	int r = 0;

	a->status = 0;
	if (repo->has_credentials && repo->credentials.is_identity_token)
		r = post_token(repo, a, e);
	if (r == 0 && (!a->status || a->status == 404 || a->status == 405))
		r = get_token(repo, a, e);
	return r;
}

static int fetch_token(struct repository *repo, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_SECRET char *token = NULL;
	AUTO_FREE char *name = name_of(repo);
	unsigned seconds;
	int r = check_realm(repo->host, e);

	if (r < 0)
		return r;
	r = ask_token(repo, &a, e);
	/* Perhaps only what blobs might be mounted from is refused: it goes without. */
	if (r == 0 && !repo->origins_refused &&
	    (strchr(repo->scopes, ' ') || repo->remembered.n) &&
	    (a.status == 401 || a.status == 403)) {
		repo->origins_refused = true;
		r = ask_token(repo, &a, e);
	}
	if (r < 0)
		return err_wrap(e, r, "cannot get a token for %s", name);
	if (a.status / 100 != 2)
		return refused(repo, &a, e);
	r = token_parse(a.body.data, a.body.len, &token, &seconds, e);
	explicit_bzero(a.body.data, a.body.len);
	if (r < 0)
		return err_wrap(e, r, "cannot get a token for %s", name);
	repo->authorization = xasprintf("Bearer %s", token);
	/* A request that begins with it must have time to arrive. */
	repo->expires = now() + (time_t)(seconds - seconds / 4);
	repo->generation++;
	return 0;
}

static int renew(struct repository *repo, struct err *e)
{
	struct registry_host *host = repo->host;
	int r;

	forget(repo);
	r = look_for_credentials(repo, e);
	if (r < 0)
		return r;
	if (strcasecmp(host->scheme, "Bearer") == 0)
		return fetch_token(repo, e);
	if (!repo->has_credentials)
		return 0;
	repo->authorization = credentials_basic(&repo->credentials);
	repo->generation++;
	return 0;
}

int repository_authorize(struct repository *repo, char **authorization,
			 unsigned *generation, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&repo->lock);
	pthread_mutex_lock(&repo->host->lock);
	if (repo->host->scheme &&
	    (!repo->authorization || (repo->expires && now() >= repo->expires)))
		r = renew(repo, e);
	if (r == 0 && repo->authorization)
		*authorization = xstrdup(repo->authorization);
	*generation = repo->generation;
	pthread_mutex_unlock(&repo->host->lock);
	pthread_mutex_unlock(&repo->lock);
	return r;
}
