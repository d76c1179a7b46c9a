/* SPDX-License-Identifier: MIT */
#pragma once

/* A blob of a registry that is read while it comes, with nothing of it on disk. */

#include "oci/blobs.h"
#include "oci/manifest.h"
#include "registry/client-internal.h"

/*
 * Nothing is asked for before the first read. Reading in order is one request, continued
 * where it breaks; reading from another place begins one there. The last bytes come only
 * if all those before had the digest: -EBADMSG otherwise, and reading from the beginning
 * is another try. What the registry lets go wrong is -EREMOTEIO.
 */
struct oci_blob *stream_open(struct repository *repo, const struct oci_descriptor *d);
