/* SPDX-License-Identifier: MIT */
#pragma once

/* What http.c and http-error.c share. */

#include <curl/curl.h>

#include "registry/http.h"

/*
 * Puts a failed transfer into words, by what libcurl measured of it. detail is libcurl's
 * own text. *again: whether another attempt may help. Returns the code.
 */
int http_explain(CURL *curl, CURLcode code, const char *url, const char *detail,
		 bool *again, struct err *e);
