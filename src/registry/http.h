/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * HTTP, on libcurl: requests that are repeated when that can help, follow redirects
 * without carrying secrets to other hosts, and fail in words. A client keeps its
 * connections and may be used by several threads at once, each with its own requests.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "base/strv.h"

struct http;

struct http_settings {
	const char *proxy;	      /* NULL: as the environment says; "": none */
	const struct strv *add_hosts; /* "name:address"; NULL: none */
	unsigned attempts;	      /* of one request; 0: 5 */
	unsigned retry_delay_ms;  /* before the second; 0: 500. It doubles each time */
	unsigned connect_seconds; /* for name, connection and TLS; 0: 30 */
	unsigned stall_seconds;	  /* without a KiB per second; 0: 60. Uploads: 5 times */
	void (*log)(void *data, const char *line); /* NULL: none. By any thread */
	void *data;
};

/* How to trust one host, and be trusted by it. */
struct http_tls {
	bool skip_verify;
	char *ca; /* PEM, all that is trusted; NULL: the system's */
	size_t ca_len;
	char *certificate; /* files; NULL: none */
	char *key;
};

struct http_request {
	const char *method;
	const char *url;
	const struct strv *headers; /* "Name: value"; NULL: none */
	const char *authorization;  /* that header's value: for the URL's own host only */
	const struct http_tls *tls; /* for the URL's own host only; NULL: the usual */
	bool allow_plain;	    /* a redirect may lead from https to http */
	bool own_host_only;	    /* a redirect to another is a failure */
	bool even_canceled;	    /* tidying up, for a few seconds */
	unsigned attempts;	    /* 0: as the settings say; 1: never sent twice */

	/* What to send: up to n bytes from an offset. NULL: nothing. */
	ssize_t (*read)(void *data, char *buffer, size_t n, uint64_t offset,
			struct err *e);
	void *read_data;
	uint64_t read_size;

	/*
	 * Where the body of a good answer goes, in order and each byte once, whatever
	 * had to be repeated. NULL: into the answer, up to max bytes.
	 */
	int (*write)(void *data, const char *bytes, size_t n, struct err *e);
	void *write_data;
	uint64_t write_from; /* the first byte that is wanted */
	size_t max;	     /* 0: 4 MiB */

	/* Once another thread sets it, this ends soon with -ECANCELED. NULL: never. */
	const atomic_bool *stop;
};

struct http_answer {
	long status;
	struct strv headers; /* "Name: value" */
	struct strbuf body;  /* of an error, its beginning */
	char *url;	     /* that answered, after redirects */
	char *proxy;	     /* through which it came, for messages; NULL: none */
	unsigned attempts;   /* how many it took */
};

#define HTTP_ANSWER_INIT                                                                 \
	{                                                                                \
		.headers = STRV_INIT, .body = STRBUF_INIT                                \
	}

int http_new(const struct http_settings *settings, struct http **h, struct err *e);

/*
 * 0 when there is an answer, good or not: see status. Repeats what failed in transport
 * and the statuses that ask for it. Otherwise the text names the host, the phase, the
 * number of attempts, and what may mend it; codes are -ECANCELED, -EHOSTUNREACH (there is
 * no connection), -EPROTO (the other side speaks no TLS), -EKEYREJECTED (its
 * certificate), -ETIMEDOUT, -EIO and those of read and write.
 */
int http_perform(struct http *h, const struct http_request *q, struct http_answer *a,
		 struct err *e);

/* The nth header of a name (from 0), without the name; NULL when there is none. */
const char *http_answer_header(const struct http_answer *a, const char *name, size_t nth);

/* "registry.example:5000" of a URL, for messages; "" when it is none. */
char *http_url_host(const char *url);

/* What a Location (that may be relative) means in an answer from base; NULL: nothing. */
char *http_url_resolve(const char *base, const char *location);

/* Same scheme, host and port: what was meant for one may go to the other. */
bool http_same_origin(const char *a, const char *b);

/* With %-escapes where a query needs them. */
char *http_escape(const char *text);

/* The file with the system's certificates; NULL when that is not known. */
const char *http_system_ca(void);

/* Every request that runs ends soon with -ECANCELED. Safe in a signal handler. */
void http_cancel(struct http *h);
bool http_is_canceled(const struct http *h);
void http_log(const struct http *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Sleeps; -ECANCELED when that comes first. */
int http_sleep(const struct http *h, unsigned ms);

/* How long to wait before another attempt (the first repetition is 1). */
unsigned http_delay_ms(const struct http *h, unsigned attempt);
unsigned http_attempts(const struct http *h);

void http_answer_free(struct http_answer *a);
void http_free(struct http *h);

#define AUTO_HTTP_ANSWER CLEAN(http_answer_free)
