/* SPDX-License-Identifier: MIT */
#include "transport/tar-file.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "layer/tar.h"

enum { PUMP = 256 << 10 };

static const char zeros[2 * LAYER_TAR_BLOCK];

int tar_file_create(struct tar_file *t, const char *file, struct err *e)
{
	*t = (struct tar_file)TAR_FILE_INIT;
	return file_draft_open(&t->file, file, e);
}

static int write_out(struct tar_file *t, const void *data, size_t n, struct err *e)
{
	return file_write_all(t->file.fd, data, n, t->file.path, e);
}

static int write_header(struct tar_file *t, const struct layer_entry *entry,
			struct err *e)
{
	AUTO_STRBUF struct strbuf header = STRBUF_INIT;
	int r = layer_tar_header(entry, &header, e);

	t->left = entry->size;
	t->padding = -entry->size % LAYER_TAR_BLOCK;
	return r < 0 ? r : write_out(t, header.data, header.len, e);
}

int tar_file_add_folder(struct tar_file *t, const char *path, struct err *e)
{
	AUTO_FREE char *copy = xstrdup(path);
	const struct layer_entry entry = {
		.type = LAYER_FOLDER, .path = copy, .mode = 0755};

	return write_header(t, &entry, e);
}

int tar_file_begin(struct tar_file *t, const char *path, uint64_t size, struct err *e)
{
	AUTO_FREE char *copy = xstrdup(path);
	const struct layer_entry entry = {
		.type = LAYER_FILE, .path = copy, .mode = 0644, .size = size};

	return write_header(t, &entry, e);
}

int tar_file_append(void *context, const void *data, size_t n, struct err *e)
{
	struct tar_file *t = context;
	int r;

	if (n > t->left)
		return err_set(e, -EIO, "a member of %s is longer than it should be",
			       t->file.path);
	r = write_out(t, data, n, e);
	t->left -= n;
	if (r == 0 && !t->left)
		r = write_out(t, zeros, (size_t)t->padding, e);
	return r;
}

int tar_file_add_bytes(struct tar_file *t, const char *path, const void *data, size_t n,
		       struct err *e)
{
	int r = tar_file_begin(t, path, n, e);

	return r < 0 || !n ? r : tar_file_append(t, data, n, e);
}

static int pump(struct tar_file *t, struct oci_blob *b, struct err *e)
{
	AUTO_FREE char *buffer = xcalloc(PUMP, 1);
	uint64_t at = 0;
	ssize_t n;

	while ((n = b->read(b, buffer, PUMP, at, e)) > 0) {
		int r = tar_file_append(t, buffer, (size_t)n, e);

		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	return (int)n;
}

int tar_file_add_blob(struct tar_file *t, const char *path, struct oci_blob *blob,
		      struct err *e)
{
	int r = tar_file_begin(t, path, blob->size, e);

	return r < 0 ? r : pump(t, blob, e);
}

int tar_file_commit(struct tar_file *t, struct err *e)
{
	int r = write_out(t, zeros, sizeof zeros, e);

	return r < 0 ? r : file_draft_commit(&t->file, e);
}

void tar_file_free(struct tar_file *t)
{
	file_draft_close(&t->file);
}
