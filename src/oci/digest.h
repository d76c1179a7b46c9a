/* SPDX-License-Identifier: MIT */
#pragma once

/* SHA-256 digests, the only algorithm that images are made with (image-spec, descriptor).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	OCI_DIGEST_SIZE = 32,
	OCI_DIGEST_TEXT = 7 + 64 + 1, /* "sha256:", hexadecimal, NUL */
};

struct oci_digest {
	uint8_t bytes[OCI_DIGEST_SIZE];
};

/* "sha256:" and 64 lower-case hexadecimal digits; the text says what is wrong. */
int oci_digest_parse(struct oci_digest *digest, const char *text, struct err *e);

/* Fills text and returns it. */
const char *oci_digest_format(const struct oci_digest *digest,
			      char text[OCI_DIGEST_TEXT]);

/* The hexadecimal part: the file's name in a layout's blobs/sha256. */
const char *oci_digest_hex(const char text[OCI_DIGEST_TEXT]);

bool oci_digest_equal(const struct oci_digest *a, const struct oci_digest *b);

/* Of bytes that are all there. */
void oci_digest_of(const void *data, size_t n, struct oci_digest *digest);

/* Of bytes that come one after the other. */
struct oci_hasher;

struct oci_hasher *oci_hasher_new(void);
void oci_hasher_add(struct oci_hasher *hasher, const void *data, size_t n);

/* The digest of all that was added; then only oci_hasher_free() may follow. */
void oci_hasher_finish(struct oci_hasher *hasher, struct oci_digest *digest);
void oci_hasher_free(struct oci_hasher *hasher);
