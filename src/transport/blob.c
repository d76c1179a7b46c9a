/* SPDX-License-Identifier: MIT */
#include "transport/blob.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

struct verified_blob {
	struct oci_blob blob; /* first */
	struct oci_blob *inner;
	struct oci_digest digest;
	struct oci_hasher *hasher; /* NULL: it was told already, or bytes were left out */
	uint64_t at;		   /* bytes that were hashed */
	char *what;
};

static void stop_hashing(struct verified_blob *b)
{
	oci_hasher_free(TAKE_PTR(b->hasher));
}

static int compare(struct verified_blob *b, struct err *e)
{
	char want[OCI_DIGEST_TEXT], got[OCI_DIGEST_TEXT];
	struct oci_digest real;

	oci_hasher_finish(b->hasher, &real);
	stop_hashing(b);
	if (oci_digest_equal(&real, &b->digest))
		return 0;
	return err_set(e, -EBADMSG, "%s is damaged: its digest is %s, not %s", b->what,
		       oci_digest_format(&real, got),
		       oci_digest_format(&b->digest, want));
}

static ssize_t read_verified(struct oci_blob *blob, void *buffer, size_t n,
			     uint64_t offset, struct err *e)
{
	struct verified_blob *b = (struct verified_blob *)blob;
	ssize_t got = b->inner->read(b->inner, buffer, n, offset, e);
	int r;

	if (got < 0)
		return err_wrap(e, (int)got, "%s", b->what);
	/* An upload that goes back has its bytes held against the digest elsewhere. */
	if (b->hasher && offset != b->at)
		stop_hashing(b);
	if (!b->hasher)
		return got;
	oci_hasher_add(b->hasher, buffer, (size_t)got);
	b->at += (uint64_t)got;
	r = b->at == b->blob.size ? compare(b, e) : 0;
	return r < 0 ? r : got;
}

static void close_verified(struct oci_blob *blob)
{
	struct verified_blob *b = (struct verified_blob *)blob;

	stop_hashing(b);
	oci_blob_close(b->inner);
	free(b->what);
	free(b);
}

static struct oci_blob *verified(struct oci_blob *blob, const struct oci_digest *digest,
				 const char *what)
{
	struct verified_blob *b = xcalloc(1, sizeof *b);

	b->what = xstrdup(what);
	b->blob = (struct oci_blob){blob->size, read_verified, close_verified, b->what};
	b->inner = blob;
	b->digest = *digest;
	b->hasher = oci_hasher_new();
	return &b->blob;
}

struct oci_blob *transport_blob(int fd, uint64_t offset, uint64_t size,
				const struct oci_digest *digest, const char *what)
{
	return verified(oci_blob_of_file(fd, offset, size), digest, what);
}

int transport_open_verified(struct oci_blobs *from, const struct oci_descriptor *d,
			    struct oci_blob **b, struct err *e)
{
	AUTO_OCI_BLOB struct oci_blob *found = NULL;
	char text[OCI_DIGEST_TEXT];
	int r = from->open(from, &d->digest, &found, e);

	if (r == 0)
		r = oci_blob_check_size(found, &d->digest, d->size, e);
	if (r < 0)
		return r;
	oci_digest_format(&d->digest, text);
	*b = verified(TAKE_PTR(found), &d->digest, text);
	return 0;
}
