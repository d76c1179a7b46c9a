/* SPDX-License-Identifier: MIT */
#include "build/compression.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "build/key.h"
#include "layer/convert.h"

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && strcmp(text + n - k, end) == 0;
}

enum layer_compression build_compression_of(const char *media_type)
{
	if (ends_in(media_type, "zstd"))
		return LAYER_ZSTD;
	return ends_in(media_type, "gzip") ? LAYER_GZIP : LAYER_PLAIN;
}

/* A record of it spares the next build the work: "DIGEST SIZE". */
static void key_of(const struct build *b, const struct build_layer *l,
		   struct oci_digest *key)
{
	struct build_key k;

	build_key_begin(&k, "compressed");
	build_key_digest(&k, &l->diff_id);
	build_key_number(&k, b->settings->compression);
	build_key_number(&k, b->settings->level);
	build_key_end(&k, key);
}

/* Takes over fd, which keeps the blob in use. */
static void set_blob(const struct build *b, struct build_layer *l,
		     const struct oci_digest *digest, uint64_t size, int fd)
{
	free(l->blob.media_type);
	l->blob.media_type = xasprintf(
		OCI_MEDIA_LAYER "%s", layer_compression_suffix(b->settings->compression));
	l->blob.digest = *digest;
	l->blob.size = size;
	l->level = b->settings->level;
	clean_close(&l->held);
	l->held = fd;
}

static bool find_record(struct build *b, struct build_layer *l,
			const struct oci_digest *key)
{
	AUTO_FREE char *text = NULL;
	AUTO_STRV struct strv words = STRV_INIT;
	struct oci_digest digest;
	uint64_t size;
	int fd;

	if (store_record_read(b->store, STORE_BLOB, key, &text, NULL, NULL) < 0)
		return false;
	strv_split(&words, text, " \n");
	if (words.n != 2 || oci_digest_parse(&digest, words.v[0], NULL) < 0)
		return false;
	fd = store_blob_open(b->store, &digest, &size, NULL);
	if (fd < 0)
		return false;
	set_blob(b, l, &digest, size, fd);
	return true;
}

static int into_ingest(void *context, const void *data, size_t n, struct err *e)
{
	return store_ingest_add(context, data, n, e);
}

static int recompress(struct build *b, struct build_layer *l, struct layer_result *result,
		      struct err *e)
{
	const struct layer_read_options o = {.digest = &l->blob.digest,
					     .diff_id = &l->diff_id};
	struct store_ingest *in = NULL;
	int fd, r = store_ingest_new(b->store, false, &in, e);

	if (r == 0 && lseek(l->held, 0, SEEK_SET) < 0)
		r = err_sys(e, -errno, "cannot read a layer of the store");
	if (r == 0)
		r = layer_recompress(layer_source_fd, &l->held, &o,
				     b->settings->compression, b->settings->level,
				     into_ingest, in, result, e);
	if (r == 0) {
		fd = store_ingest_commit(in, &result->digest, false, e);
		r = fd < 0 ? fd : 0;
	}
	store_ingest_free(in);
	if (r == 0)
		set_blob(b, l, &result->digest, result->size, fd);
	return r;
}

int build_layer_compress(struct build *b, struct build_layer *l, struct err *e)
{
	char digest[OCI_DIGEST_TEXT];
	AUTO_FREE char *text = NULL;
	struct layer_result result;
	struct oci_digest key;
	int r;

	if (build_compression_of(l->blob.media_type) == b->settings->compression &&
	    l->level == b->settings->level)
		return 0;
	key_of(b, l, &key);
	if (find_record(b, l, &key))
		return 0;
	r = build_layer_fetch(b, l, e);
	if (r == 0)
		r = recompress(b, l, &result, e);
	if (r < 0)
		return r;
	text = xasprintf("%s %" PRIu64 "\n", oci_digest_format(&result.digest, digest),
			 result.size);
	return store_record_write(b->store, STORE_BLOB, &key, text, strlen(text), e);
}
