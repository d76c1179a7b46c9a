/* SPDX-License-Identifier: MIT */
#pragma once

/* One blob on its way up (distribution-spec, "Pushing blobs"). */

#include "oci/blobs.h"
#include "oci/manifest.h"
#include "registry/client-internal.h"

/*
 * Makes sure that a repository has a blob: it is there, or is mounted from one of the
 * origins (paths on the same host), or goes up. What breaks off is continued from where
 * the registry says that it is. Of several threads with one blob, one sends it.
 */
int upload_blob(struct repository *repo, const struct oci_descriptor *d,
		struct oci_blobs *from, const struct strv *origins, struct err *e);
