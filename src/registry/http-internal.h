/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * HTTP in its parts: http.c has the client, and repeats what failed; http-transfer.c asks
 * once; http-error.c finds the words for a failure; http-url.c takes addresses apart.
 */

#include <curl/curl.h>
#include <pthread.h>

#include "registry/http.h"

struct http {
	struct http_settings settings;
	atomic_bool canceled;
	pthread_mutex_t lock; /* of idle */
	CURL **idle;	      /* handles with their connections; the last used is last */
	size_t n;
};

/* A request on its way. */
struct http_transfer {
	struct http *http;
	const struct http_request *q;
	struct http_answer *a;
	CURL *curl;
	char *url;	    /* asked last; the caller's in the end */
	bool own_host;	    /* still the host that was asked: it may see secrets */
	uint64_t delivered; /* bytes of the body that went to q->write */
	uint64_t skip;	    /* bytes that come once more */
	size_t header_bytes;
	bool body_begun;
	uint64_t sent;
	struct err failure; /* of q->read, q->write, or a limit */
	bool again;	    /* another attempt may help */
	bool unreachable;   /* it has not even accepted a connection */
	char address[64];   /* tried last, "192.0.2.1 port 5000" */
};

/*
 * Sends the request once, to where redirects lead. A body goes on where that of the last
 * attempt ended. After a failure, again and unreachable say what it was like.
 */
int http_follow(struct http_transfer *t, struct err *e);

/* Takes an address apart; NULL when it is none, or has no such part. */
CURLU *http_url_parse(const char *url);
char *http_url_part(CURLU *u, CURLUPart part, unsigned flags);

/* A transfer that failed. */
struct http_failure {
	CURLcode code;
	const char *url;
	const char *proxy;   /* that it went through; NULL: none */
	const char *address; /* that was tried last, "192.0.2.1 port 5000"; "" for none */
	const char *detail;  /* libcurl's own text */
};

/*
 * Puts it into words, by what libcurl measured of it. *again: whether another attempt may
 * help. Returns the code.
 */
int http_explain(CURL *curl, const struct http_failure *f, bool *again, struct err *e);
