/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "registry/http-internal.h"
#include "registry/proxy.h"

enum {
	REDIRECTS_MAX = 10,
	HEADERS_MAX = 64 << 10,	   /* bytes of one answer */
	BODY_MAX = 4 << 20,	   /* of an answer in memory */
	ERROR_BODY_MAX = 16 << 10, /* of which no more is read */
	BUFFER = 256 << 10,
	CONNECT_SECONDS = 30,
	TIDY_SECONDS = 5,
};

/* What is shown of a header must not move the cursor. */
static char *plain_copy(const char *data, size_t len)
{
	char *copy = xstrndup(data, len);

	for (char *c = copy; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return copy;
}

static void fail_limit(struct http_transfer *t, const char *unit, size_t max)
{
	AUTO_FREE char *host = http_url_host(t->url);

	err_set(&t->failure, -EFBIG, "the answer of %s has more than %zu %s", host, max,
		unit);
}

static size_t on_header(char *data, size_t size, size_t n, void *context)
{
	struct http_transfer *t = context;
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
static void begin_body(struct http_transfer *t)
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

static void deliver(struct http_transfer *t, const char *data, size_t n)
{
	size_t known = t->skip < n ? (size_t)t->skip : n;

	t->skip -= known;
	if (known == n)
		return;
	if (t->q->write(t->q->write_data, data + known, n - known, &t->failure) < 0)
		return;
	t->delivered += n - known;
}

static void collect(struct http_transfer *t, const char *data, size_t n)
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
	struct http_transfer *t = context;

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
	struct http_transfer *t = context;
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
	struct http_transfer *t = context;

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
	struct http_transfer *t = context;
	char host[INET6_ADDRSTRLEN], port[8];

	if (getnameinfo(&a->addr, a->addrlen, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		(void)snprintf(t->address, sizeof t->address, "%s port %s", host, port);
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool is_over(const struct http_transfer *t)
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

static void set_method(struct http_transfer *t)
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

static int set_proxy(struct http_transfer *t, struct err *e)
{
	CURLU *u = http_url_parse(t->url);
	AUTO_FREE char *scheme = u ? http_url_part(u, CURLUPART_SCHEME, 0) : NULL;
	AUTO_FREE char *host = u ? http_url_part(u, CURLUPART_HOST, 0) : NULL;
	AUTO_FREE char *port =
		u ? http_url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT) : NULL;
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

static void set_limits(struct http_transfer *t)
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
static struct curl_slist *resolve_list(const struct http_transfer *t)
{
	const struct strv *hosts = t->http->settings.add_hosts;
	CURLU *u = hosts ? http_url_parse(t->url) : NULL;
	AUTO_FREE char *host = u ? http_url_part(u, CURLUPART_HOST, 0) : NULL;
	AUTO_FREE char *port =
		u ? http_url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT) : NULL;
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

static struct curl_slist *header_list(const struct http_transfer *t)
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

static void begin(struct http_transfer *t)
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

static int outcome(struct http_transfer *t, CURLcode code, const char *detail,
		   struct err *e)
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
static int ask(struct http_transfer *t, struct err *e)
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
static bool is_redirect(const struct http_transfer *t)
{
	long s = t->a->status;
	bool reading =
		strcmp(t->q->method, "GET") == 0 || strcmp(t->q->method, "HEAD") == 0;

	return s == 307 || s == 308 || (reading && (s == 301 || s == 302 || s == 303));
}

static int redirect(struct http_transfer *t, struct err *e)
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

int http_follow(struct http_transfer *t, struct err *e)
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
