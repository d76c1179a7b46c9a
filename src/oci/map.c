/* SPDX-License-Identifier: MIT */
#include "oci/map.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

/* Where name is, or where it belongs. */
static size_t position(const struct oci_map *map, const char *name, bool *there)
{
	size_t low = 0, high = map->n;

	*there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(map->v[middle].name, name);

		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void oci_map_set(struct oci_map *map, const char *name, const char *value)
{
	bool there;
	size_t at = position(map, name, &there);
	char *copy = xstrdup(value);

	if (there) {
		free(map->v[at].value);
		map->v[at].value = copy;
		return;
	}
	GROW(map->v, map->n);
	memmove(map->v + at + 1, map->v + at, (map->n - at) * sizeof *map->v);
	map->v[at] = (struct oci_pair){xstrdup(name), copy};
	map->n++;
}

const char *oci_map_get(const struct oci_map *map, const char *name)
{
	bool there;
	size_t at = position(map, name, &there);

	return there ? map->v[at].value : NULL;
}

void oci_map_remove(struct oci_map *map, const char *name)
{
	bool there;
	size_t at = position(map, name, &there);

	if (!there)
		return;
	free(map->v[at].name);
	free(map->v[at].value);
	map->n--;
	memmove(map->v + at, map->v + at + 1, (map->n - at) * sizeof *map->v);
	/* GROW() reads the size off n, so that the array keeps to a power of two. */
	if (map->n && (map->n & (map->n - 1)) == 0)
		map->v = xrealloc(map->v, map->n, sizeof *map->v);
}

void oci_map_copy(struct oci_map *map, const struct oci_map *from)
{
	*map = (struct oci_map){0};
	for (size_t i = 0; i < from->n; i++)
		oci_map_set(map, from->v[i].name, from->v[i].value);
}

void oci_map_free(struct oci_map *map)
{
	for (size_t i = 0; i < map->n; i++) {
		free(map->v[i].name);
		free(map->v[i].value);
	}
	free(map->v);
	*map = (struct oci_map){0};
}
