/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "registry/http-internal.h"

char *http_url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *value = NULL, *copy;

	if (curl_url_get(u, part, &value, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(value);
	curl_free(value);
	return copy;
}

CURLU *http_url_parse(const char *url)
{
	CURLU *u = curl_url();

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		return u;
	curl_url_cleanup(u);
	return NULL;
}

char *http_url_host(const char *url)
{
	CURLU *u = http_url_parse(url);
	AUTO_FREE char *host = u ? http_url_part(u, CURLUPART_HOST, 0) : NULL;
	AUTO_FREE char *port = u ? http_url_part(u, CURLUPART_PORT, 0) : NULL;

	curl_url_cleanup(u);
	if (!host)
		return xstrdup("");
	return port ? xasprintf("%s:%s", host, port) : TAKE_PTR(host);
}

char *http_url_resolve(const char *base, const char *location)
{
	CURLU *u = http_url_parse(base);
	AUTO_FREE char *scheme = NULL;
	char *url = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK) {
		scheme = http_url_part(u, CURLUPART_SCHEME, 0);
		if (scheme && strncmp(scheme, "http", 4) == 0)
			url = http_url_part(u, CURLUPART_URL, 0);
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

bool http_same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST,
					  CURLUPART_PORT};
	CURLU *ua = http_url_parse(a), *ub = http_url_parse(b);
	bool same = ua && ub;

	for (size_t i = 0; same && i < ARRAY_SIZE(parts); i++) {
		AUTO_FREE char *pa = http_url_part(ua, parts[i], CURLU_DEFAULT_PORT);
		AUTO_FREE char *pb = http_url_part(ub, parts[i], CURLU_DEFAULT_PORT);

		same = pa && pb && strcasecmp(pa, pb) == 0;
	}
	curl_url_cleanup(ua);
	curl_url_cleanup(ub);
	return same;
}
