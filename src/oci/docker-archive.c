/* SPDX-License-Identifier: MIT */
#include "oci/docker-archive.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "oci/json-internal.h"
#include "oci/manifest.h"

static int parse_image(struct docker_archive_image *image, const struct json_at *at,
		       struct err *e)
{
	struct json_at layers;
	int r = json_get_string(at, "Config", JSON_REQUIRED, &image->config, e);

	if (r >= 0)
		r = json_get_strings(at, "RepoTags", &image->tags, e);
	if (r >= 0)
		r = json_get(at, "Layers", JSON_OPTIONAL, JSON_ARRAY, &layers, e);
	if (r > 0 && json_array_size(layers.value) > OCI_ITEMS_MAX)
		r = json_fail(&layers, e, "has more than %d items", OCI_ITEMS_MAX);
	if (r >= 0)
		r = json_get_strings(at, "Layers", &image->layers, e);
	return r < 0 ? r : 0;
}

int docker_archive_parse(struct docker_archive *a, const char *data, size_t len,
			 struct err *e)
{
	AUTO_JSON_DOCUMENT struct json_at doc = {0};
	struct json_at item = {.up = &doc};
	int r = json_load_as(&doc, DOCKER_ARCHIVE_MANIFEST, JSON_ARRAY, data, len, e);

	if (r < 0)
		return r;
	if (json_array_size(doc.value) > OCI_ITEMS_MAX)
		return json_fail(&doc, e, "it has more than %d images", OCI_ITEMS_MAX);
	json_array_foreach(doc.value, item.item, item.value)
	{
		if (!json_is_object(item.value))
			return json_fail(&item, e, "is not an object");
		GROW(a->v, a->n);
		a->v[a->n] = (struct docker_archive_image){.config = NULL};
		r = parse_image(&a->v[a->n++], &item, e);
		if (r < 0)
			return r;
	}
	return 0;
}

char *docker_archive_write(const struct docker_archive *a, size_t *len)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n; i++) {
		json_t *image = json_object();

		json_put_string(image, "Config", a->v[i].config);
		json_put(image, "RepoTags", json_null());
		json_put_strings(image, "RepoTags", &a->v[i].tags);
		json_put(image, "Layers", json_array());
		json_put_strings(image, "Layers", &a->v[i].layers);
		if (json_array_append_new(list, image) < 0)
			abort();
	}
	return json_write(list, len);
}

void docker_archive_free(struct docker_archive *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].config);
		strv_free(&a->v[i].tags);
		strv_free(&a->v[i].layers);
	}
	free(a->v);
}
