/* SPDX-License-Identifier: MIT */
#include "build/download.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "build/key.h"
#include "registry/fetch.h"

/* Of one file: more than any image has, less than fills a disk unnoticed. */
static const uint64_t DOWNLOAD_MAX = (uint64_t)16 << 30;

bool build_download_is(const char *source)
{
	return strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
}

void build_downloads_init(struct build_downloads *d, struct store *store,
			  struct registry *client)
{
	*d = (struct build_downloads){.store = store, .client = client};
	pthread_mutex_init(&d->lock, NULL);
}

/* --- What is known of an address: "1 DIGEST MTIME", then ETag and Last-Modified --- */

static void key_of(const char *url, struct oci_digest *key)
{
	struct build_key k;

	build_key_begin(&k, "url");
	build_key_text(&k, url);
	build_key_end(&k, key);
}

static char *line_after(char **text)
{
	char *line = *text;
	size_t n = strcspn(line, "\n");

	*text = line + n + (line[n] == '\n');
	line[n] = '\0';
	return *line ? line : NULL;
}

/* Opens the blob of an earlier download. What is not as expected counts as missing. */
static void recall(struct build_downloads *d, const struct oci_digest *key,
		   struct build_download *known, struct registry_file *file)
{
	AUTO_FREE char *text = NULL;
	char digest[OCI_DIGEST_TEXT], *rest;
	const char *etag, *modified;

	if (store_record_read(d->store, STORE_URL, key, &text, NULL, NULL) < 0)
		return;
	if (sscanf(text, "1 %71s %" SCNd64, digest, &known->mtime) != 2 ||
	    oci_digest_parse(&known->digest, digest, NULL) < 0)
		return;
	known->fd = store_blob_open(d->store, &known->digest, &known->size, NULL);
	if (known->fd < 0)
		return;
	rest = text;
	(void)line_after(&rest);
	etag = line_after(&rest);
	modified = line_after(&rest);
	file->etag = etag ? xstrdup(etag) : NULL;
	file->modified = modified ? xstrdup(modified) : NULL;
	file->mtime = known->mtime;
}

static int note(struct build_downloads *d, const struct oci_digest *key,
		const struct build_download *now, const struct registry_file *file,
		struct err *e)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	char digest[OCI_DIGEST_TEXT];

	strbuf_addf(&text, "1 %s %" PRId64 "\n%s\n%s\n",
		    oci_digest_format(&now->digest, digest), now->mtime,
		    file->etag ? file->etag : "", file->modified ? file->modified : "");
	return store_record_write(d->store, STORE_URL, key, text.data, text.len, e);
}

/* --- Fetching --- */

static int into_ingest(void *context, const char *bytes, size_t n, struct err *e)
{
	return store_ingest_add(context, bytes, n, e);
}

/* Takes what the server has, unless it is what `known` is. */
static int fetch(struct build_downloads *d, const struct oci_digest *key,
		 struct build_download *known, struct registry_file *file, struct err *e)
{
	struct store_ingest *in;
	struct stat st;
	int fd, r = store_ingest_new(d->store, true, &in, e);

	if (r == 0)
		r = registry_fetch_file(d->client, known->url, DOWNLOAD_MAX, into_ingest,
					in, file, e);
	if (r < 0 || file->unchanged) {
		store_ingest_free(in);
		return r;
	}
	fd = store_ingest_commit(in, &known->digest, false, e);
	store_ingest_free(in);
	if (fd < 0)
		return fd;
	clean_close(&known->fd);
	known->fd = fd;
	known->mtime = file->mtime;
	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot examine a blob of the store");
	known->size = (uint64_t)st.st_size;
	return note(d, key, known, file, e);
}

static int check(const struct build_download *got, const struct oci_digest *expected,
		 struct err *e)
{
	AUTO_FREE char *shown = registry_url_shown(got->url);
	char want[OCI_DIGEST_TEXT], have[OCI_DIGEST_TEXT];

	if (!expected || oci_digest_equal(&got->digest, expected))
		return 0;
	return err_set(e, -EBADMSG, "%s is %s now, not %s as --checksum says", shown,
		       oci_digest_format(&got->digest, have),
		       oci_digest_format(expected, want));
}

static void download_free(struct build_download *d)
{
	free(d->url);
	clean_close(&d->fd);
	free(d);
}

/* With the lock: nobody in this build asks for the same address meanwhile. */
static int get(struct build_downloads *d, const char *url,
	       const struct oci_digest *expected, struct err *e)
{
	AUTO_REGISTRY_FILE struct registry_file file = {0};
	struct build_download *got = xcalloc(1, sizeof *got);
	struct oci_digest key;
	int r = 0;

	got->url = xstrdup(url);
	got->fd = -1;
	key_of(url, &key);
	recall(d, &key, got, &file);
	if (got->fd < 0 || !expected || !oci_digest_equal(&got->digest, expected))
		r = fetch(d, &key, got, &file, e);
	if (r < 0) {
		download_free(got);
		return r;
	}
	GROW(d->v, d->n);
	d->v[d->n++] = got;
	return 0;
}

static const struct build_download *find(const struct build_downloads *d, const char *url)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->v[i]->url, url) == 0)
			return d->v[i];
	return NULL;
}

int build_download(struct build_downloads *d, const char *url,
		   const struct oci_digest *expected,
		   const struct build_download **download, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&d->lock);
	*download = find(d, url);
	if (!*download) {
		r = get(d, url, expected, e);
		*download = find(d, url);
	}
	pthread_mutex_unlock(&d->lock);
	return r < 0 ? r : check(*download, expected, e);
}

void build_downloads_free(struct build_downloads *d)
{
	if (d->client)
		pthread_mutex_destroy(&d->lock);
	for (size_t i = 0; i < d->n; i++)
		download_free(d->v[i]);
	free(d->v);
	*d = (struct build_downloads){0};
}
