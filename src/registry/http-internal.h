/* SPDX-License-Identifier: MIT */
#pragma once

/* What http.c and http-error.c share. */

#include <curl/curl.h>

#include "registry/http.h"

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
