/* SPDX-License-Identifier: MIT */
#pragma once

/* Names with values: labels and annotations. Sorted by name, each once. */

#include <stddef.h>

#include "base/cleanup.h"

struct oci_pair {
	char *name;
	char *value;
};

struct oci_map {
	struct oci_pair *v;
	size_t n;
};

/* Adds or replaces; both strings are copied. */
void oci_map_set(struct oci_map *map, const char *name, const char *value);

/* NULL when there is none. Points into the map. */
const char *oci_map_get(const struct oci_map *map, const char *name);

void oci_map_remove(struct oci_map *map, const char *name);
void oci_map_copy(struct oci_map *map, const struct oci_map *from);
void oci_map_free(struct oci_map *map);
