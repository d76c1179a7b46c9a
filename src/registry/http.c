/* SPDX-License-Identifier: MIT */
#include "registry/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "registry/http-internal.h"
#include "registry/retry.h"

enum {
	UNREACHABLE_ATTEMPTS = 3, /* of a host that does not even accept a connection */
	PROGRESS = 1 << 20,	  /* bytes after which attempts are counted anew */
};

unsigned http_attempts(const struct http *h)
{
	return h->settings.attempts ? h->settings.attempts : 5;
}

unsigned http_delay_ms(const struct http *h, unsigned attempt)
{
	unsigned char noise = 128;

	(void)!getrandom(&noise, 1, GRND_NONBLOCK); /* the middle will do as well */
	return retry_delay_ms(h->settings.retry_delay_ms ? h->settings.retry_delay_ms
							 : 500,
			      attempt, noise);
}

/* stop may be NULL. */
static int doze(const struct http *h, const atomic_bool *stop, unsigned ms)
{
	enum { SLICE = 50 };

	while (!http_is_canceled(h) && !(stop && atomic_load(stop))) {
		struct timespec ts = {0, (ms < SLICE ? ms : SLICE) * 1000000L};

		if (!ms)
			return 0;
		(void)nanosleep(&ts, NULL); /* a signal makes it shorter, no harm */
		ms -= ms < SLICE ? ms : SLICE;
	}
	return -ECANCELED;
}

int http_sleep(const struct http *h, unsigned ms)
{
	return doze(h, NULL, ms);
}

/* Milliseconds until the next attempt; 0 when the server asks for too much. */
static unsigned pause_ms(const struct http_transfer *t, unsigned attempt)
{
	const char *after = http_answer_header(t->a, "Retry-After", 0);
	unsigned delay = http_delay_ms(t->http, attempt);
	long s = after ? retry_after_s(after, curl_getdate(after, NULL), time(NULL)) : -1;

	if (s > RETRY_AFTER_MAX_S)
		return 0;
	return s >= 0 && (unsigned)s * 1000 > delay ? (unsigned)s * 1000 : delay;
}

static unsigned limit(const struct http_transfer *t)
{
	unsigned n = t->q->attempts ? t->q->attempts : http_attempts(t->http);

	return t->unreachable && n > UNREACHABLE_ATTEMPTS ? UNREACHABLE_ATTEMPTS : n;
}

/* Whether to try once more, after a pause; then *attempt is the next one. */
static bool go_on(struct http_transfer *t, int r, const struct err *e, unsigned *attempt)
{
	AUTO_FREE char *host = http_url_host(t->url);
	unsigned ms;

	if (r < 0 ? !t->again : !retry_status(t->a->status))
		return false;
	if (*attempt >= limit(t))
		return false;
	ms = pause_ms(t, *attempt);
	if (!ms)
		return false;
	if (r < 0)
		http_log(t->http, "%s; trying again in %.1f s (%u of %u)",
			 e->text ? e->text : "no answer", ms / 1e3, *attempt + 1,
			 limit(t));
	else
		http_log(t->http, "%s answered %ld; trying again in %.1f s (%u of %u)",
			 host, t->a->status, ms / 1e3, *attempt + 1, limit(t));
	++*attempt;
	return doze(t->http, t->q->stop, ms) == 0;
}

static CURL *take_handle(struct http *h)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&h->lock);
	if (h->n)
		curl = h->idle[--h->n];
	pthread_mutex_unlock(&h->lock);
	if (!curl && !(curl = curl_easy_init()))
		abort();
	return curl;
}

static void give_back(struct http *h, CURL *curl)
{
	curl_easy_reset(curl); /* it holds pointers into the request */
	pthread_mutex_lock(&h->lock);
	h->idle = xrealloc(h->idle, h->n + 1, sizeof *h->idle);
	h->idle[h->n++] = curl;
	pthread_mutex_unlock(&h->lock);
}

int http_perform(struct http *h, const struct http_request *q, struct http_answer *a,
		 struct err *e)
{
	struct http_transfer t = {h, q, a, .curl = take_handle(h),
				  .delivered = q->write_from};
	AUTO_ERR struct err why = ERR_INIT;
	unsigned attempt = 1;
	int r;

	do {
		uint64_t before = t.delivered;

		err_free(&why);
		r = http_follow(&t, &why);
		if (t.delivered - before >= PROGRESS)
			attempt = 1;
	} while (go_on(&t, r, &why, &attempt));
	give_back(h, t.curl);
	free(a->url);
	a->url = t.url;
	a->attempts = attempt;
	err_free(&t.failure);
	if (http_is_canceled(h) && !q->even_canceled)
		return err_set(e, -ECANCELED, "canceled");
	if (r == 0)
		return 0;
	if (attempt == 1)
		return err_set(e, r, "%s", why.text ? why.text : strerror(-r));
	return err_set(e, r, "%s (%u attempts)", why.text ? why.text : strerror(-r),
		       attempt);
}

const char *http_answer_header(const struct http_answer *a, const char *name, size_t nth)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < a->headers.n; i++) {
		const char *line = a->headers.v[i];

		if (strncasecmp(line, name, n) != 0 || line[n] != ':' || nth--)
			continue;
		line += n + 1;
		return line + strspn(line, " \t");
	}
	return NULL;
}

void http_answer_free(struct http_answer *a)
{
	strv_free(&a->headers);
	strbuf_free(&a->body);
	free(a->url);
	free(a->proxy);
	*a = (struct http_answer)HTTP_ANSWER_INIT;
}

/* ---- the client ---- */

int http_new(const struct http_settings *settings, struct http **client, struct err *e)
{
	const struct strv *hosts = settings->add_hosts;
	struct http *h;

	for (size_t i = 0; hosts && i < hosts->n; i++) {
		const char *colon = strchr(hosts->v[i], ':');

		if (!colon || colon == hosts->v[i] || !colon[1])
			return err_set(e, -EINVAL,
				       "--add-host=%s is neither NAME:ADDRESS nor "
				       "NAME=ADDRESS",
				       hosts->v[i]);
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, -EIO, "cannot start libcurl");
	h = xcalloc(1, sizeof *h);
	h->settings = *settings;
	pthread_mutex_init(&h->lock, NULL);
	*client = h;
	return 0;
}

const char *http_system_ca(void)
{
	const char *file = getenv("SSL_CERT_FILE");
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	if (file && *file)
		return file;
	return v->age >= CURLVERSION_SEVENTH ? v->cainfo : NULL;
}

void http_cancel(struct http *h)
{
	atomic_store(&h->canceled, true);
}

bool http_is_canceled(const struct http *h)
{
	return atomic_load(&h->canceled);
}

void http_log(const struct http *h, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	if (!h->settings.log)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	h->settings.log(h->settings.data, s.data);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		curl_easy_cleanup(h->idle[i]);
	free(h->idle);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
