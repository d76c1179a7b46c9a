/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A place that has blobs by digest, seen by those who only read and add: the store, an
 * image layout, a registry. Manifests, configurations and layers are all blobs. Whoever
 * has such a place embeds the struct and fills in the functions; callers use those below.
 * All of them may be called by several threads at once, but one blob or writer by one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "oci/digest.h"

/* A blob that is open for reading. */
struct oci_blob {
	uint64_t size;
	/* Up to n bytes from an offset; 0 only at the end. */
	ssize_t (*read)(struct oci_blob *b, void *buffer, size_t n, uint64_t offset,
			struct err *e);
	void (*close)(struct oci_blob *b); /* releases b */
	const char *where; /* it is found, for messages; NULL: its digest says enough */
};

/* A blob that is being added. Nobody sees it before the commit. */
struct oci_blob_writer {
	int (*append)(struct oci_blob_writer *w, const void *data, size_t n,
		      struct err *e);
	/*
	 * The caller answers for the digest being that of the bytes. Fine when there is
	 * such a blob already. Releases w, also when it fails.
	 */
	int (*commit)(struct oci_blob_writer *w, const struct oci_digest *digest,
		      struct err *e);
	void (*abort)(struct oci_blob_writer *w); /* forgets and releases w */
};

struct oci_blobs {
	/* -ENOENT when there is none. */
	int (*open)(struct oci_blobs *blobs, const struct oci_digest *digest,
		    struct oci_blob **b, struct err *e);
	/* NULL where nothing can be added. */
	int (*create)(struct oci_blobs *blobs, struct oci_blob_writer **w, struct err *e);
};

/*
 * Part of a file: size bytes from offset on. Owns fd. What is read is whatever the file
 * then has; a file that got shorter is an error.
 */
struct oci_blob *oci_blob_of_file(int fd, uint64_t offset, uint64_t size);

/* Bytes in memory that stay where they are as long as the blob is open. */
struct oci_blob *oci_blob_of_bytes(const void *data, size_t n);

/* -EIO when it has another size than a descriptor of the digest says. */
int oci_blob_check_size(const struct oci_blob *b, const struct oci_digest *digest,
			uint64_t size, struct err *e);

/* Releases; NULL is allowed. */
void oci_blob_close(struct oci_blob *b);
void oci_blob_close_p(struct oci_blob **b);
#define AUTO_OCI_BLOB CLEAN(oci_blob_close_p)

/* Forgets a writer that was not committed; NULL is allowed. */
void oci_blob_abort_p(struct oci_blob_writer **w);
#define AUTO_OCI_BLOB_WRITER CLEAN(oci_blob_abort_p)

/*
 * A whole small blob, its digest verified: len bytes and a NUL, owned by the caller.
 * -EFBIG when it has more than max bytes.
 */
int oci_blobs_read(struct oci_blobs *blobs, const struct oci_digest *digest, size_t max,
		   char **data, size_t *len, struct err *e);

/* Adds bytes that are all there; digest may be NULL when nobody wants to know it. */
int oci_blobs_add(struct oci_blobs *blobs, const void *data, size_t len,
		  struct oci_digest *digest, struct err *e);

/* Whether there is such a blob with this size. */
bool oci_blobs_has(struct oci_blobs *blobs, const struct oci_digest *digest,
		   uint64_t size);
