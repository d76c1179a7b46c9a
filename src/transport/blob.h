/* SPDX-License-Identifier: MIT */
#pragma once

#include "oci/blobs.h"
#include "oci/manifest.h"

/*
 * Part of a file as a blob. Owns fd. Who reads it from the start to the end is told when
 * the bytes have another digest; what names them then, and is copied.
 */
struct oci_blob *transport_blob(int fd, uint64_t offset, uint64_t size,
				const struct oci_digest *digest, const char *what);

/* The same of a blob that is somewhere else, whose size is held against d's, too. */
int transport_open_verified(struct oci_blobs *from, const struct oci_descriptor *d,
			    struct oci_blob **b, struct err *e);
