/* SPDX-License-Identifier: MIT */
#include "build/cache.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"

/*
 * The text of a record: "1 empty CREATED" or
 * "1 layer CREATED DIFF-ID BLOB SIZE MEDIA-TYPE LEVEL"; the level may be missing.
 */

static struct build_made *find_made(struct build *b, const struct oci_digest *key)
{
	for (size_t i = 0; i < b->made.n; i++)
		if (oci_digest_equal(&b->made.v[i].key, key))
			return &b->made.v[i];
	return NULL;
}

static void add_made(struct build *b, const struct oci_digest *key,
		     const struct build_outcome *result)
{
	pthread_mutex_lock(&b->lock);
	if (!find_made(b, key)) {
		GROW(b->made.v, b->made.n);
		b->made.v[b->made.n++] = (struct build_made){*key, *result};
	}
	pthread_mutex_unlock(&b->lock);
}

/* Of a record whose blob is there; the layer is held. */
static bool parse(struct build *b, const char *text, struct build_outcome *result)
{
	AUTO_STRV struct strv words = STRV_INIT;
	struct oci_descriptor blob = {0};
	struct oci_digest diff_id;
	AUTO_CLOSE int fd = -1;
	char *end;

	strv_split(&words, text, " \n");
	*result = (struct build_outcome){0};
	if (words.n < 3 || strcmp(words.v[0], "1") != 0)
		return false;
	result->created = strtoll(words.v[2], &end, 10);
	if (*end)
		return false;
	if (words.n == 3)
		return strcmp(words.v[1], "empty") == 0;
	if (words.n < 7 || words.n > 8 || strcmp(words.v[1], "layer") != 0)
		return false;
	blob.size = strtoull(words.v[5], &end, 10);
	blob.media_type = words.v[6];
	if (*end || oci_digest_parse(&diff_id, words.v[3], NULL) < 0 ||
	    oci_digest_parse(&blob.digest, words.v[4], NULL) < 0)
		return false;
	fd = store_blob_open(b->store, &blob.digest, NULL, NULL);
	if (fd < 0)
		return false;
	result->layer = build_layer_get(b, &diff_id, &blob,
					words.n > 7 ? atoi(words.v[7]) : 0, NULL);
	return build_layer_fetch(b, result->layer, NULL) == 0;
}

/* 1 when the store has it. */
static int find_stored(struct build *b, const struct oci_digest *key,
		       struct build_outcome *result, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int r = store_record_read(b->store, STORE_STEP, key, &text, &len, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* One of another version counts as missing, like one whose layer is gone. */
	return parse(b, text, result);
}

int build_cache_find(struct build *b, const struct oci_digest *key, bool fresh,
		     struct build_outcome *result, struct err *e)
{
	struct build_made *made;
	bool found;
	int r;

	pthread_mutex_lock(&b->lock);
	made = find_made(b, key);
	found = made != NULL;
	if (found)
		*result = made->result;
	pthread_mutex_unlock(&b->lock);
	if (found)
		return 1;
	if (fresh)
		return 0;
	r = find_stored(b, key, result, e);
	if (r == 0)
		r = build_caches_find(b, key, result);
	if (r == 1)
		add_made(b, key, result);
	return r;
}

int build_cache_add(struct build *b, const struct oci_digest *key,
		    const struct build_outcome *result, struct err *e)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	char diff_id[OCI_DIGEST_TEXT], digest[OCI_DIGEST_TEXT];
	const struct build_layer *l = result->layer;

	add_made(b, key, result);
	if (l)
		strbuf_addf(&text, "1 layer %" PRId64 " %s %s %" PRIu64 " %s %d\n",
			    result->created, oci_digest_format(&l->diff_id, diff_id),
			    oci_digest_format(&l->blob.digest, digest), l->blob.size,
			    l->blob.media_type, l->level);
	else
		strbuf_addf(&text, "1 empty %" PRId64 "\n", result->created);
	return store_record_write(b->store, STORE_STEP, key, text.data, text.len, e);
}
