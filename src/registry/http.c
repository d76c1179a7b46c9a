/* SPDX-License-Identifier: MIT */
#include "registry/http.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "registry/http-internal.h"
#include "registry/proxy.h"
#include "registry/retry.h"

enum {
	REDIRECTS_MAX = 10,
	HEADERS_MAX = 64 << 10,	   /* bytes of one answer */
	BODY_MAX = 4 << 20,	   /* of an answer in memory */
	ERROR_BODY_MAX = 16 << 10, /* of which no more is read */
	BUFFER = 256 << 10,
	CONNECT_SECONDS = 30,
	TIDY_SECONDS = 5,
	UNREACHABLE_ATTEMPTS = 3, /* of a host that does not even accept a connection */
	PROGRESS = 1 << 20,	  /* bytes after which attempts are counted anew */
};

struct http {
	struct http_settings settings;
	atomic_bool canceled;
	pthread_mutex_t lock; /* of idle */
	CURL **idle;	      /* handles with their connections; the last used is last */
	size_t n;
};

/* A request on its way. */
struct transfer {
	struct http *http;
	const struct http_request *q;
	struct http_answer *a;
	CURL *curl;
	char *url;
	bool own_host;	    /* still the host that was asked: it may see secrets */
	uint64_t delivered; /* bytes of the body that went to q->write */
	uint64_t skip;	    /* bytes that come once more */
	size_t header_bytes;
	bool body_begun;
	uint64_t sent;
	struct err failure; /* of q->read, q->write, or a limit */
	bool again;	    /* another attempt may help */
	bool unreachable;
	char address[64]; /* tried last, "192.0.2.1 port 5000" */
};

/* ---- names ---- */

static char *url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *value = NULL, *copy;

	if (curl_url_get(u, part, &value, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(value);
	curl_free(value);
	return copy;
}

static CURLU *url_parse(const char *url)
{
	CURLU *u = curl_url();

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		return u;
	curl_url_cleanup(u);
	return NULL;
}

char *http_url_host(const char *url)
{
	CURLU *u = url_parse(url);
	AUTO_FREE char *host = u ? url_part(u, CURLUPART_HOST, 0) : NULL;
	AUTO_FREE char *port = u ? url_part(u, CURLUPART_PORT, 0) : NULL;

	curl_url_cleanup(u);
	if (!host)
		return xstrdup("");
	return port ? xasprintf("%s:%s", host, port) : TAKE_PTR(host);
}

char *http_url_resolve(const char *base, const char *location)
{
	CURLU *u = url_parse(base);
	AUTO_FREE char *scheme = NULL;
	char *url = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK) {
		scheme = url_part(u, CURLUPART_SCHEME, 0);
		if (scheme && strncmp(scheme, "http", 4) == 0)
			url = url_part(u, CURLUPART_URL, 0);
	}
	curl_url_cleanup(u);
	return url;
}

char *http_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0), *copy;

	if (!escaped)
		abort();
	copy = xstrdup(escaped);
	curl_free(escaped);
	return copy;
}

const char *http_system_ca(void)
{
	const char *file = getenv("SSL_CERT_FILE");
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	if (file && *file)
		return file;
	return v->age >= CURLVERSION_SEVENTH ? v->cainfo : NULL;
}

bool http_same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST,
					  CURLUPART_PORT};
	CURLU *ua = url_parse(a), *ub = url_parse(b);
	bool same = ua && ub;

	for (size_t i = 0; same && i < ARRAY_SIZE(parts); i++) {
		AUTO_FREE char *pa = url_part(ua, parts[i], CURLU_DEFAULT_PORT);
		AUTO_FREE char *pb = url_part(ub, parts[i], CURLU_DEFAULT_PORT);

		same = pa && pb && strcasecmp(pa, pb) == 0;
	}
	curl_url_cleanup(ua);
	curl_url_cleanup(ub);
	return same;
}

/* ---- one transfer ---- */

/* What is shown of a header must not move the cursor. */
static char *plain_copy(const char *data, size_t len)
{
	char *copy = xstrndup(data, len);

	for (char *c = copy; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return copy;
}

static void fail_limit(struct transfer *t, const char *unit, size_t max)
{
	AUTO_FREE char *host = http_url_host(t->url);

	err_set(&t->failure, -EFBIG, "the answer of %s has more than %zu %s", host, max,
		unit);
}

static size_t on_header(char *data, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	size_t len = n * size;

	while (len && (data[len - 1] == '\r' || data[len - 1] == '\n'))
		len--;
	t->header_bytes += n * size;
	if (t->header_bytes > HEADERS_MAX) {
		fail_limit(t, "KiB of headers", HEADERS_MAX >> 10);
		return 0;
	}
	if (len >= 5 && strncmp(data, "HTTP/", 5) == 0) /* the next, after a 100 */
		strv_free(&t->a->headers);
	else if (memchr(data, ':', len) && !memchr(data, '\0', len))
		strv_own(&t->a->headers, plain_copy(data, len));
	return n * size;
}

static long status_of(CURL *curl)
{
	long status = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status); /* 0: none yet */
	return status;
}

/* Where the body of the answer starts; what was delivered before is left out. */
static void begin_body(struct transfer *t)
{
	const char *range = http_answer_header(t->a, "Content-Range", 0);
	AUTO_FREE char *host = http_url_host(t->url);
	uint64_t start = 0;

	t->body_begun = true;
	if (status_of(t->curl) == 206 && range && strncasecmp(range, "bytes ", 6) == 0)
		start = strtoull(range + 6, NULL, 10);
	if (start > t->delivered)
		err_set(&t->failure, -EIO, "asked for bytes from %llu on, %s answered %s",
			(unsigned long long)t->delivered, host, range);
	else
		t->skip = t->delivered - start;
}

static void deliver(struct transfer *t, const char *data, size_t n)
{
	size_t known = t->skip < n ? (size_t)t->skip : n;

	t->skip -= known;
	if (known == n)
		return;
	if (t->q->write(t->q->write_data, data + known, n - known, &t->failure) < 0)
		return;
	t->delivered += n - known;
}

static void collect(struct transfer *t, const char *data, size_t n)
{
	struct strbuf *body = &t->a->body;
	bool good = status_of(t->curl) / 100 == 2;
	size_t max = !good ? ERROR_BODY_MAX : t->q->max ? t->q->max : BODY_MAX;

	if (n <= max - body->len)
		strbuf_add(body, data, n);
	else if (good)
		fail_limit(t, "bytes", max);
	else
		strbuf_add(body, data, max - body->len);
}

static size_t on_body(char *data, size_t size, size_t n, void *context)
{
	struct transfer *t = context;

	if (t->q->write && status_of(t->curl) / 100 == 2) {
		if (!t->body_begun)
			begin_body(t);
		if (!t->failure.code)
			deliver(t, data, n * size);
	} else {
		collect(t, data, n * size);
	}
	return t->failure.code ? 0 : n * size;
}

static size_t on_read(char *buffer, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	uint64_t left = t->q->read_size - t->sent;
	ssize_t got;

	n *= size;
	if (n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	got = t->q->read(t->q->read_data, buffer, n, t->sent, &t->failure);
	if (got == 0)
		err_set(&t->failure, -EIO, "what is sent ended too early");
	if (got <= 0)
		return CURL_READFUNC_ABORT;
	t->sent += (uint64_t)got;
	return (size_t)got;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
	struct transfer *t = context;

	/*
	 * libcurl begins anew by itself when a connection that it had kept breaks. Of
	 * what must not be sent twice, the registry may have a part.
	 */
	if (origin != SEEK_SET || t->q->attempts == 1)
		return CURL_SEEKFUNC_FAIL;
	t->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* libcurl tells an address only once it is connected. */
static curl_socket_t on_socket(void *context, curlsocktype purpose,
			       struct curl_sockaddr *a)
{
	struct transfer *t = context;
	char host[INET6_ADDRSTRLEN], port[8];

	if (getnameinfo(&a->addr, a->addrlen, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		(void)snprintf(t->address, sizeof t->address, "%s port %s", host, port);
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool is_over(const struct transfer *t)
{
	return (t->q->stop && atomic_load(t->q->stop)) ||
	       (http_is_canceled(t->http) && !t->q->even_canceled);
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c,
		       curl_off_t d)
{
	return is_over(context);
}

/* A wrong option is a mistake of this file, a lack of memory aborts everywhere. */
#define SET(curl, option, value)                                                         \
	do {                                                                             \
		if (curl_easy_setopt((curl), (option), (value)) != CURLE_OK)             \
			abort();                                                         \
	} while (0)

static void set_tls(CURL *curl, const struct http_tls *tls)
{
	const char *ca = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");

	if (ca && *ca)
		SET(curl, CURLOPT_CAINFO, ca);
	if (dir && *dir)
		SET(curl, CURLOPT_CAPATH, dir);
	if (!tls)
		return;
	if (tls->skip_verify) {
		SET(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		SET(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (tls->ca) {
		struct curl_blob blob = {tls->ca, tls->ca_len, CURL_BLOB_NOCOPY};

		SET(curl, CURLOPT_CAINFO_BLOB, &blob);
	}
	if (tls->certificate)
		SET(curl, CURLOPT_SSLCERT, tls->certificate);
	if (tls->key)
		SET(curl, CURLOPT_SSLKEY, tls->key);
}

static void set_method(struct transfer *t)
{
	const char *method = t->q->method;

	if (strcmp(method, "HEAD") == 0) {
		SET(t->curl, CURLOPT_NOBODY, 1L);
		return;
	}
	if (strcmp(method, "GET") == 0)
		return;
	/* An upload of nothing sends `Content-Length: 0`, which registries ask for. */
	SET(t->curl, CURLOPT_UPLOAD, 1L);
	SET(t->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->q->read_size);
	SET(t->curl, CURLOPT_READFUNCTION, on_read);
	SET(t->curl, CURLOPT_READDATA, t);
	SET(t->curl, CURLOPT_SEEKFUNCTION, on_seek);
	SET(t->curl, CURLOPT_SEEKDATA, t);
	SET(t->curl, CURLOPT_CUSTOMREQUEST, method);
}

static int set_proxy(struct transfer *t, struct err *e)
{
	CURLU *u = url_parse(t->url);
	AUTO_FREE char *scheme = u ? url_part(u, CURLUPART_SCHEME, 0) : NULL;
	AUTO_FREE char *host = u ? url_part(u, CURLUPART_HOST, 0) : NULL;
	AUTO_FREE char *port = u ? url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT) : NULL;
	const char *proxy = NULL;
	int r = 0;

	curl_url_cleanup(u);
	if (scheme && host && port)
		r = proxy_choose(t->http->settings.proxy, scheme, host,
				 (unsigned)strtoul(port, NULL, 10), &proxy, e);
	SET(t->curl, CURLOPT_PROXY, proxy ? proxy : "");
	SET(t->curl, CURLOPT_NOPROXY, "");
	free(t->a->proxy);
	t->a->proxy = proxy ? proxy_name(proxy) : NULL;
	return r;
}

static void set_limits(struct transfer *t)
{
	const struct http_settings *s = &t->http->settings;
	long stall = s->stall_seconds ? s->stall_seconds : 60;

	/* A registry may take its time to look through what it was sent. */
	if (t->q->read_size)
		stall *= 5;
	SET(t->curl, CURLOPT_CONNECTTIMEOUT,
	    s->connect_seconds ? (long)s->connect_seconds : (long)CONNECT_SECONDS);
	SET(t->curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
	SET(t->curl, CURLOPT_LOW_SPEED_TIME, stall);
	SET(t->curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Else a name server that does not answer is waited for beyond all limits. */
	SET(t->curl, CURLOPT_QUICK_EXIT, 1L);
#endif
	/* These are wishes; they are refused while a buffer is still in use. */
	(void)curl_easy_setopt(t->curl, CURLOPT_BUFFERSIZE, (long)BUFFER);
	(void)curl_easy_setopt(t->curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER);
	SET(t->curl, CURLOPT_NOPROGRESS, 0L);
	SET(t->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(t->curl, CURLOPT_XFERINFODATA, t);
	if (t->q->even_canceled)
		SET(t->curl, CURLOPT_TIMEOUT, (long)TIDY_SECONDS);
}

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
	list = curl_slist_append(list, line);
	if (!list)
		abort();
	return list;
}

/* libcurl wants the port with a name, so this is made for each URL. */
static struct curl_slist *resolve_list(const struct transfer *t)
{
	const struct strv *hosts = t->http->settings.add_hosts;
	CURLU *u = hosts ? url_parse(t->url) : NULL;
	AUTO_FREE char *host = u ? url_part(u, CURLUPART_HOST, 0) : NULL;
	AUTO_FREE char *port = u ? url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT) : NULL;
	struct curl_slist *list = NULL;

	curl_url_cleanup(u);
	for (size_t i = 0; host && port && i < hosts->n; i++) {
		const char *text = hosts->v[i];
		size_t n = strcspn(text, ":");
		AUTO_FREE char *line = xasprintf("+%s:%s:%s", host, port, text + n + 1);

		if (strlen(host) == n && strncasecmp(text, host, n) == 0)
			list = add(list, line);
	}
	return list;
}

static struct curl_slist *header_list(const struct transfer *t)
{
	const struct http_request *q = t->q;
	struct curl_slist *list = add(NULL, "Expect:");

	for (size_t i = 0; q->headers && i < q->headers->n; i++)
		list = add(list, q->headers->v[i]);
	if (q->authorization && t->own_host) {
		AUTO_FREE char *line = xasprintf("Authorization: %s", q->authorization);

		list = add(list, line);
		explicit_bzero(line, strlen(line));
	}
	if (t->delivered) {
		AUTO_FREE char *line =
			xasprintf("Range: bytes=%llu-", (unsigned long long)t->delivered);

		list = add(list, line);
	}
	return list;
}

static void begin(struct transfer *t)
{
	strv_free(&t->a->headers);
	strbuf_trim(&t->a->body, 0);
	err_free(&t->failure);
	t->header_bytes = 0;
	t->body_begun = t->again = t->unreachable = false;
	t->skip = t->sent = 0;
	t->a->status = 0;
	t->address[0] = '\0';
}

static int outcome(struct transfer *t, CURLcode code, const char *detail, struct err *e)
{
	curl_off_t ready = 0; /* microseconds until a request could be sent */

	if (code == CURLE_OK)
		return 0;
	if (t->failure.code)
		return err_set(e, t->failure.code, "%s", t->failure.text);
	if (is_over(t))
		return err_set(e, -ECANCELED, "canceled");
	(void)curl_easy_getinfo(t->curl, CURLINFO_PRETRANSFER_TIME_T, &ready);
	t->unreachable = ready == 0;
	return http_explain(
		t->curl,
		&(struct http_failure){code, t->url, t->a->proxy, t->address, detail},
		&t->again, e);
}

/* Asks t->url once. The handle keeps its connection for the next. */
static int ask(struct transfer *t, struct err *e)
{
	struct curl_slist *headers, *resolve;
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code;
	int r;

	begin(t);
	curl_easy_reset(t->curl);
	r = set_proxy(t, e);
	if (r < 0)
		return r;
	headers = header_list(t);
	resolve = resolve_list(t);
	SET(t->curl, CURLOPT_URL, t->url);
	SET(t->curl, CURLOPT_USERAGENT, "mab-build/" PACKAGE_VERSION);
	SET(t->curl, CURLOPT_ERRORBUFFER, detail);
	SET(t->curl, CURLOPT_HTTPHEADER, headers);
	SET(t->curl, CURLOPT_RESOLVE, resolve);
	SET(t->curl, CURLOPT_HEADERFUNCTION, on_header);
	SET(t->curl, CURLOPT_HEADERDATA, t);
	SET(t->curl, CURLOPT_WRITEFUNCTION, on_body);
	SET(t->curl, CURLOPT_WRITEDATA, t);
	SET(t->curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(t->curl, CURLOPT_OPENSOCKETDATA, t);
	SET(t->curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	set_tls(t->curl, t->own_host ? t->q->tls : NULL);
	set_method(t);
	set_limits(t);
	code = curl_easy_perform(t->curl);
	t->a->status = status_of(t->curl);
	SET(t->curl, CURLOPT_ERRORBUFFER, NULL);
	r = outcome(t, code, detail, e);
	curl_slist_free_all(headers);
	curl_slist_free_all(resolve);
	return r;
}

/* Whether the answer sends on to another address, with the same method. */
static bool is_redirect(const struct transfer *t)
{
	long s = t->a->status;
	bool reading =
		strcmp(t->q->method, "GET") == 0 || strcmp(t->q->method, "HEAD") == 0;

	return s == 307 || s == 308 || (reading && (s == 301 || s == 302 || s == 303));
}

static int redirect(struct transfer *t, struct err *e)
{
	const char *location = http_answer_header(t->a, "Location", 0);
	AUTO_FREE char *host = http_url_host(t->url);
	char *url = location ? http_url_resolve(t->url, location) : NULL;

	if (!url)
		return err_set(e, -EIO, "%s redirects (%ld) to no usable address", host,
			       t->a->status);
	if (!t->q->allow_plain && strncasecmp(t->url, "https:", 6) == 0 &&
	    strncasecmp(url, "https:", 6) != 0) {
		free(url);
		return err_set(e, -EIO,
			       "%s redirects to an address without TLS; that is followed "
			       "only with --tls-verify=false",
			       host);
	}
	if (t->q->own_host_only && !http_same_origin(t->url, url)) {
		free(url);
		return err_set(e, -EIO,
			       "%s redirects to another host, which gets no secrets",
			       host);
	}
	t->own_host = t->own_host && http_same_origin(t->url, url);
	free(t->url);
	t->url = url;
	return 0;
}

static int follow(struct transfer *t, struct err *e)
{
	AUTO_FREE char *host = http_url_host(t->q->url);

	free(t->url);
	t->url = xstrdup(t->q->url);
	t->own_host = true;
	for (int n = 0; n <= REDIRECTS_MAX; n++) {
		int r = ask(t, e);

		if (r < 0 || !is_redirect(t))
			return r;
		r = redirect(t, e);
		if (r < 0)
			return r;
	}
	t->again = false;
	return err_set(e, -EIO, "%s redirects more than %d times", host, REDIRECTS_MAX);
}

/* ---- repeating ---- */

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
static unsigned pause_ms(const struct transfer *t, unsigned attempt)
{
	const char *after = http_answer_header(t->a, "Retry-After", 0);
	unsigned delay = http_delay_ms(t->http, attempt);
	long s = after ? retry_after_s(after, curl_getdate(after, NULL), time(NULL)) : -1;

	if (s > RETRY_AFTER_MAX_S)
		return 0;
	return s >= 0 && (unsigned)s * 1000 > delay ? (unsigned)s * 1000 : delay;
}

static unsigned limit(const struct transfer *t)
{
	unsigned n = t->q->attempts ? t->q->attempts : http_attempts(t->http);

	return t->unreachable && n > UNREACHABLE_ATTEMPTS ? UNREACHABLE_ATTEMPTS : n;
}

/* Whether to try once more, after a pause; then *attempt is the next one. */
static bool go_on(struct transfer *t, int r, const struct err *e, unsigned *attempt)
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
	struct transfer t = {h, q, a, .curl = take_handle(h), .delivered = q->write_from};
	AUTO_ERR struct err why = ERR_INIT;
	unsigned attempt = 1;
	int r;

	do {
		uint64_t before = t.delivered;

		err_free(&why);
		r = follow(&t, &why);
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
			return err_set(e, -EINVAL, "--add-host=%s is not NAME:ADDRESS",
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
