/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where registries have blobs, remembered in the store: of each blob, the repositories of
 * a registry in which it was last seen. Whoever pushes it to another of them can have it
 * mounted there. The records go when they are old, as others do (store_prune()).
 */

#include "registry/client.h"
#include "store/store.h"

struct build_seen {
	struct registry_memory memory; /* first; for the client's settings */
	struct store *store;
};

void build_seen_init(struct build_seen *seen, struct store *store);
