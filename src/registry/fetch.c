/* SPDX-License-Identifier: MIT */
#include "registry/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/client-internal.h"
#include "registry/tls.h"

struct fetch {
	int (*write)(void *data, const char *bytes, size_t n, struct err *e);
	void *data;
	uint64_t left, max;
};

static int take(void *context, const char *bytes, size_t n, struct err *e)
{
	struct fetch *f = context;

	if (n > f->left)
		return err_set(e, -EFBIG, "it has more than %llu bytes",
			       (unsigned long long)f->max);
	f->left -= n;
	return f->write(f->data, bytes, n, e);
}

char *registry_url_shown(const char *url)
{
	const char *start = strstr(url, "://");
	size_t host, end;
	const char *at;

	start = start ? start + 3 : url;
	host = strcspn(start, "/?#");
	at = memrchr(start, '@', host);
	end = strcspn(start, "?#");
	if (!at)
		return xstrndup(url, (size_t)(start - url) + end);
	return xasprintf("%.*s%.*s", (int)(start - url), url, (int)(start + end - at - 1),
			 at + 1);
}

static void ask_for_change(struct strv *headers, const struct registry_file *file)
{
	if (file->etag)
		strv_addf(headers, "If-None-Match: %s", file->etag);
	if (file->modified)
		strv_addf(headers, "If-Modified-Since: %s", file->modified);
}

static void learn(struct registry_file *file, const struct http_answer *a)
{
	const char *etag = http_answer_header(a, "ETag", 0);
	const char *modified = http_answer_header(a, "Last-Modified", 0);
	time_t t = modified ? curl_getdate(modified, NULL) : -1;

	file->unchanged = a->status == 304;
	if (file->unchanged)
		return;
	registry_file_free(file);
	file->etag = etag ? xstrdup(etag) : NULL;
	file->modified = modified ? xstrdup(modified) : NULL;
	file->mtime = t > 0 ? t : 0;
}

int registry_fetch_file(struct registry *r, const char *url, uint64_t max,
			int (*write)(void *data, const char *bytes, size_t n,
				     struct err *e),
			void *data, struct registry_file *file, struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	AUTO_FREE char *host = http_url_host(url);
	AUTO_FREE char *shown = registry_url_shown(url);
	CLEAN(tls_free) struct http_tls tls = {0};
	struct fetch f = {write, data, max, max};
	struct http_request q = {.method = "GET",
				 .url = url,
				 .headers = &headers,
				 .tls = &tls,
				 .allow_plain = r->settings.skip_tls_verify,
				 .write = take,
				 .write_data = &f};
	bool asked = file->etag || file->modified;
	int status;

	if (!*host)
		return err_set(e, -EINVAL, "%s is not an address", shown);
	status = tls_load(&tls, host, r->settings.cert_dir, e);
	if (status < 0)
		return status;
	tls.skip_verify = r->settings.skip_tls_verify;
	ask_for_change(&headers, file);
	status = http_perform(r->http, &q, &a, e);
	if (status < 0)
		return err_wrap(e, status, "cannot fetch %s", shown);
	if (a.status / 100 != 2 && !(a.status == 304 && asked))
		return err_set(e, a.status == 404 ? -ENOENT : -EIO,
			       "cannot fetch %s: the server answered %ld", shown,
			       a.status);
	learn(file, &a);
	return 0;
}

void registry_file_free(struct registry_file *file)
{
	free(file->etag);
	free(file->modified);
	*file = (struct registry_file){0};
}
