/* SPDX-License-Identifier: MIT */
#include "oci/blobs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

struct file_blob {
	struct oci_blob blob; /* first */
	int fd;
	uint64_t offset;
};

static ssize_t file_read(struct oci_blob *blob, void *buffer, size_t n, uint64_t offset,
			 struct err *e)
{
	struct file_blob *b = (struct file_blob *)blob;
	ssize_t got;

	if (offset >= blob->size)
		return 0;
	if (n > blob->size - offset)
		n = (size_t)(blob->size - offset);
	do
		got = pread(b->fd, buffer, n, (off_t)(b->offset + offset));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, -errno, "cannot read a blob");
	if (got == 0)
		return err_set(e, -EIO, "a blob's file became shorter");
	return got;
}

static void file_close(struct oci_blob *blob)
{
	close(((struct file_blob *)blob)->fd);
	free(blob);
}

struct oci_blob *oci_blob_of_file(int fd, uint64_t offset, uint64_t size)
{
	struct file_blob *b = xcalloc(1, sizeof *b);

	*b = (struct file_blob){{size, file_read, file_close, NULL}, fd, offset};
	return &b->blob;
}

struct bytes_blob {
	struct oci_blob blob; /* first */
	const char *data;
};

static ssize_t bytes_read(struct oci_blob *blob, void *buffer, size_t n, uint64_t offset,
			  struct err *e)
{
	if (offset >= blob->size)
		return 0;
	if (n > blob->size - offset)
		n = (size_t)(blob->size - offset);
	memcpy(buffer, ((struct bytes_blob *)blob)->data + offset, n);
	return (ssize_t)n;
}

static void bytes_close(struct oci_blob *blob)
{
	free(blob);
}

struct oci_blob *oci_blob_of_bytes(const void *data, size_t n)
{
	struct bytes_blob *b = xcalloc(1, sizeof *b);

	*b = (struct bytes_blob){{n, bytes_read, bytes_close, NULL}, data};
	return &b->blob;
}

int oci_blob_check_size(const struct oci_blob *b, const struct oci_digest *digest,
			uint64_t size, struct err *e)
{
	char text[OCI_DIGEST_TEXT];

	if (b->size == size)
		return 0;
	oci_digest_format(digest, text);
	return err_set(e, -EIO,
		       "%s is damaged: it has %" PRIu64 " bytes, and its manifest says "
		       "%" PRIu64,
		       b->where ? b->where : text, b->size, size);
}

void oci_blob_close(struct oci_blob *b)
{
	if (b)
		b->close(b);
}

void oci_blob_close_p(struct oci_blob **b)
{
	oci_blob_close(*b);
}

void oci_blob_abort_p(struct oci_blob_writer **w)
{
	if (*w)
		(*w)->abort(*w);
}

static int read_whole(struct oci_blob *b, char *data, struct err *e)
{
	uint64_t at = 0;

	while (at < b->size) {
		ssize_t n = b->read(b, data + at, (size_t)(b->size - at), at, e);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return err_set(e, -EIO, "a blob is shorter than it should be");
		at += (uint64_t)n;
	}
	return 0;
}

int oci_blobs_read(struct oci_blobs *blobs, const struct oci_digest *digest, size_t max,
		   char **data, size_t *len, struct err *e)
{
	AUTO_OCI_BLOB struct oci_blob *b = NULL;
	AUTO_FREE char *bytes = NULL;
	struct oci_digest real;
	char text[OCI_DIGEST_TEXT];
	int r = blobs->open(blobs, digest, &b, e);

	if (r < 0)
		return r;
	oci_digest_format(digest, text);
	if (b->size > max)
		return err_set(e, -EFBIG, "%s has more than %zu bytes", text, max);
	bytes = xcalloc(b->size + 1, 1);
	r = read_whole(b, bytes, e);
	if (r < 0)
		return err_wrap(e, r, "%s", text);
	oci_digest_of(bytes, (size_t)b->size, &real);
	if (!oci_digest_equal(&real, digest))
		return err_set(e, -EIO, "%s is damaged: its bytes have another digest",
			       text);
	*len = (size_t)b->size;
	*data = TAKE_PTR(bytes);
	return 0;
}

int oci_blobs_add(struct oci_blobs *blobs, const void *data, size_t len,
		  struct oci_digest *digest, struct err *e)
{
	AUTO_OCI_BLOB_WRITER struct oci_blob_writer *w = NULL;
	struct oci_digest d;
	int r = blobs->create(blobs, &w, e);

	if (r < 0)
		return r;
	oci_digest_of(data, len, &d);
	r = w->append(w, data, len, e);
	if (r < 0)
		return r;
	r = w->commit(w, &d, e);
	w = NULL; /* released by commit */
	if (r == 0 && digest)
		*digest = d;
	return r;
}

bool oci_blobs_has(struct oci_blobs *blobs, const struct oci_digest *digest,
		   uint64_t size)
{
	AUTO_OCI_BLOB struct oci_blob *b = NULL;

	return blobs->open(blobs, digest, &b, NULL) == 0 && b->size == size;
}
