/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "oci/digest.h"

/* What a layer turned out to be, written or read. */
struct layer_result {
	struct oci_digest diff_id; /* of the tar */
	struct oci_digest digest;  /* of the tar, compressed */
	uint64_t tar_size, size;   /* of these in bytes */
	uint64_t entries;
};
