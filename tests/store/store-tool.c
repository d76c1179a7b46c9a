/* SPDX-License-Identifier: MIT */
/*
 * A store from a command line, for the tests:
 *
 *   store-tool STORE put NAME LAYER    ingests a layer, unpacks it, names it
 *   store-tool STORE check NAME        holds that all is whole; prints the snapshot's
 * path store-tool STORE prune
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "layer/read.h"
#include "store/store.h"

/* Gives the layer to the blob while it is unpacked. */
struct tee {
	int fd;
	struct store_ingest *ingest;
};

static ssize_t read_tee(void *context, void *data, size_t n, struct err *e)
{
	struct tee *t = context;
	ssize_t got = layer_source_fd(&t->fd, data, n, e);
	int r = got > 0 ? store_ingest_add(t->ingest, data, (size_t)got, e) : 0;

	return r < 0 ? r : got;
}

/* What an image needs; in use until all is done. */
struct image {
	struct layer_result layer;
	int blob, snapshot, manifest;
};

static int unpack(struct store *s, const char *layer, struct image *image, struct err *e)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	struct layer_unpack_options options = {.userxattr = true};
	struct tee t = {open(layer, O_RDONLY | O_CLOEXEC), NULL};
	int r = t.fd < 0 ? err_sys(e, -errno, "cannot open %s", layer) : 0;

	if (r == 0)
		r = store_draft_new(s, &draft, e);
	if (r == 0)
		r = store_ingest_new(s, true, &t.ingest, e);
	if (r == 0)
		r = layer_unpack(draft.fs, read_tee, &t, &options, &image->layer, e);
	if (r == 0)
		r = image->blob =
			store_ingest_commit(t.ingest, &image->layer.digest, true, e);
	if (r >= 0)
		r = image->snapshot =
			store_draft_commit(&draft, &image->layer.diff_id, "user", e);
	store_ingest_free(t.ingest);
	clean_close(&t.fd);
	return r < 0 ? r : 0;
}

static int put_manifest(struct store *s, struct image *image, struct oci_digest *digest,
			struct err *e)
{
	char layer[OCI_DIGEST_TEXT], diff_id[OCI_DIGEST_TEXT];
	AUTO_FREE char *text =
		xasprintf("{\"layer\":\"%s\",\"files\":\"%s\"}",
			  oci_digest_format(&image->layer.digest, layer),
			  oci_digest_format(&image->layer.diff_id, diff_id));
	struct store_ingest *in;
	int r = store_ingest_new(s, true, &in, e);

	if (r < 0)
		return r;
	r = store_ingest_add(in, text, strlen(text), e);
	if (r == 0)
		r = image->manifest = store_ingest_commit(in, digest, false, e);
	store_ingest_free(in);
	return r < 0 ? r : 0;
}

static int put(struct store *s, const char *name, const char *layer, struct err *e)
{
	struct image image = {.blob = -1, .snapshot = -1, .manifest = -1};
	char text[OCI_DIGEST_TEXT];
	struct oci_digest key, digest;
	int lock, r;

	oci_digest_of(name, strlen(name), &key);
	lock = store_lock(s, &key, true, e);
	r = lock < 0 ? lock : unpack(s, layer, &image, e);
	if (r == 0)
		r = put_manifest(s, &image, &digest, e);
	if (r == 0)
		r = store_record_write(s, STORE_STEP, &key, name, strlen(name), e);
	if (r == 0)
		r = store_name_write(s, name, oci_digest_format(&digest, text), e);
	store_unlock(s, &key, lock);
	clean_close(&image.blob);
	clean_close(&image.snapshot);
	clean_close(&image.manifest);
	return r;
}

/* The digest after a key in the text of a manifest, or at the start with "". */
static int digest_after(const char *text, const char *key, struct oci_digest *digest,
			struct err *e)
{
	const char *at = strstr(text, key);
	AUTO_FREE char *own =
		at ? xstrndup(at + strlen(key), OCI_DIGEST_TEXT - 1) : xstrdup("");

	return oci_digest_parse(digest, own, e);
}

static int check_blob(struct store *s, const struct oci_digest *want, char **data,
		      struct err *e)
{
	struct oci_digest got;
	uint64_t size;
	AUTO_CLOSE int fd = store_blob_open(s, want, &size, e);

	if (fd < 0)
		return err_wrap(e, fd, "a blob is missing");
	*data = xcalloc(size + 1, 1);
	if (read(fd, *data, size) != (ssize_t)size)
		return err_set(e, -EIO, "cannot read a blob");
	oci_digest_of(*data, size, &got);
	return oci_digest_equal(want, &got) ? 0
					    : err_set(e, -EBADMSG, "a blob is damaged");
}

static int check(struct store *s, const char *name, struct err *e)
{
	AUTO_FREE char *text = NULL, *manifest = NULL, *layer = NULL, *path = NULL;
	struct oci_digest d;
	AUTO_CLOSE int fd = -1;
	int r = store_name_read(s, name, &text, e);

	if (r == 0)
		r = digest_after(text, "", &d, e);
	if (r == 0)
		r = check_blob(s, &d, &manifest, e);
	if (r == 0)
		r = digest_after(manifest, "\"layer\":\"", &d, e);
	if (r == 0)
		r = check_blob(s, &d, &layer, e);
	if (r == 0)
		r = digest_after(manifest, "\"files\":\"", &d, e);
	if (r < 0)
		return r;
	fd = store_snapshot_open(s, &d, "user", e);
	if (fd < 0)
		return err_wrap(e, fd, "a snapshot is missing");
	path = store_snapshot_path(s, &d, "user");
	puts(path);
	return 0;
}

int main(int argc, char **argv)
{
	struct store_prune all = {0};
	struct store_pruned pruned;
	AUTO_ERR struct err e = ERR_INIT;
	struct store *s = NULL;
	int r;

	if (argc < 3)
		return 2;
	r = store_open(&s, argv[1], false, &e);
	if (r == 0 && argc == 5 && strcmp(argv[2], "put") == 0)
		r = put(s, argv[3], argv[4], &e);
	else if (r == 0 && argc == 4 && strcmp(argv[2], "check") == 0)
		r = check(s, argv[3], &e);
	else if (r == 0)
		r = store_prune(s, &all, &pruned, &e);
	store_close(s);
	if (r < 0)
		fprintf(stderr, "store-tool: %s\n", e.text ? e.text : strerror(-r));
	return r < 0;
}
