/* SPDX-License-Identifier: MIT */
#include "oci/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/alloc.h"
#include "oci/json-internal.h"

enum { LEVEL_MAX = 100 };

static const int64_t CREATED_MAX = 253402300799; /* the last second of 9999 */

/* A descriptor of blobs whose media types begin with this; 0 when there is none. */
static int get_blob(const struct json_at *at, const char *name, const char *type,
		    struct oci_descriptor *d, struct err *e)
{
	struct json_at member;
	int r = json_get(at, name, JSON_OPTIONAL, JSON_OBJECT, &member, e);

	if (r == 1)
		r = json_get_descriptor(&member, d, e);
	if (r < 0 || !d->media_type)
		return r;
	if (strncmp(d->media_type, type, strlen(type)) != 0)
		return json_fail(&member, e, "is of %s, which does not begin with %s",
				 d->media_type, type);
	return 0;
}

/* A number from 0 to max. */
static int get_number(const struct json_at *at, const char *name, enum json_need need,
		      int64_t max, int64_t *value, struct err *e)
{
	struct json_at member = {NULL, at, name, 0};
	int r = json_get_int(at, name, need, value, e);

	if (r == 1 && (*value < 0 || *value > max))
		return json_fail(&member, e, "is %lld, and not from 0 to %lld",
				 (long long)*value, (long long)max);
	return r;
}

static int get_layer(struct oci_cache *c, const struct json_at *at, struct err *e)
{
	struct oci_cache_layer *layer = &c->layers[c->n_layers++];
	int64_t level = 0;
	int r = json_get_digest(at, "diffId", JSON_REQUIRED, &layer->diff_id, e);

	if (r >= 0)
		r = get_blob(at, "blob", OCI_MEDIA_LAYER, &layer->blob, e);
	if (r >= 0)
		r = get_number(at, "level", JSON_OPTIONAL, LEVEL_MAX, &level, e);
	if (r >= 0)
		r = get_blob(at, "index", OCI_MEDIA_LAYER_INDEX, &layer->index, e);
	layer->level = (int)level;
	return r;
}

static int get_step(struct oci_cache *c, const struct json_at *at, struct err *e)
{
	struct oci_cache_step *step = &c->steps[c->n_steps++];
	const struct json_at member = {NULL, at, "layer", 0};
	int64_t layer = 0;
	int r = json_get_digest(at, "key", JSON_REQUIRED, &step->key, e);

	if (r >= 0)
		r = get_number(at, "created", JSON_REQUIRED, CREATED_MAX, &step->created,
			       e);
	if (r >= 0)
		r = json_get_int(at, "layer", JSON_OPTIONAL, &layer, e);
	if (r != 1)
		return r;
	step->wrote = true;
	step->layer = (size_t)layer;
	if (layer < 0 || step->layer >= c->n_layers)
		return json_fail(&member, e, "is none of the %zu layers", c->n_layers);
	if (!c->layers[layer].blob.media_type)
		return json_fail(&member, e, "is one without a blob");
	return 0;
}

/* An array of objects; how many there are. */
static ssize_t get_array(const struct json_at *doc, const char *name, size_t max,
			 struct json_at *array, struct err *e)
{
	struct json_at item = {.up = array};
	int r = json_get(doc, name, JSON_REQUIRED, JSON_ARRAY, array, e);

	if (r < 0)
		return r;
	if (json_array_size(array->value) > max)
		return json_fail(array, e, "has more than %zu items", max);
	json_array_foreach(array->value, item.item, item.value)
	{
		if (!json_is_object(item.value))
			return json_fail(&item, e, "is not an object");
	}
	return (ssize_t)json_array_size(array->value);
}

static int parse(struct oci_cache *c, const struct json_at *doc, struct err *e)
{
	struct json_at layers, steps;
	struct json_at layer = {.up = &layers}, step = {.up = &steps};
	ssize_t n = get_array(doc, "layers", OCI_ITEMS_MAX, &layers, e);
	ssize_t k = n < 0 ? n : get_array(doc, "steps", OCI_CACHE_STEPS_MAX, &steps, e);
	int r = 0;

	if (k < 0)
		return (int)k;
	c->layers = xcalloc((size_t)n + 1, sizeof *c->layers);
	c->steps = xcalloc((size_t)k + 1, sizeof *c->steps);
	json_array_foreach(layers.value, layer.item, layer.value)
	{
		if (r >= 0)
			r = get_layer(c, &layer, e);
	}
	json_array_foreach(steps.value, step.item, step.value)
	{
		if (r >= 0)
			r = get_step(c, &step, e);
	}
	return r < 0 ? r : 0;
}

int oci_cache_parse(struct oci_cache *cache, const char *data, size_t len, struct err *e)
{
	AUTO_JSON_DOCUMENT struct json_at doc = {0};
	AUTO_OCI_CACHE struct oci_cache c = {0};
	int r = json_load_object(&doc, "cache", data, len, e);

	if (r == 0)
		r = parse(&c, &doc, e);
	if (r < 0)
		return r;
	*cache = c;
	c = (struct oci_cache){0};
	return 0;
}

static json_t *of_layer(const struct oci_cache_layer *layer)
{
	json_t *object = json_object();

	json_put_digest(object, "diffId", &layer->diff_id);
	if (layer->blob.media_type)
		json_put(object, "blob", json_of_descriptor(&layer->blob));
	if (layer->level)
		json_put(object, "level", json_integer(layer->level));
	if (layer->index.media_type)
		json_put(object, "index", json_of_descriptor(&layer->index));
	return object;
}

static json_t *of_step(const struct oci_cache_step *step)
{
	json_t *object = json_object();

	json_put_digest(object, "key", &step->key);
	json_put(object, "created", json_integer(step->created));
	if (step->wrote)
		json_put(object, "layer", json_integer((json_int_t)step->layer));
	return object;
}

static void append(json_t *array, json_t *item)
{
	if (json_array_append_new(array, item) < 0)
		abort();
}

char *oci_cache_write(const struct oci_cache *c, size_t *len)
{
	json_t *object = json_object();
	json_t *layers = json_array();
	json_t *steps = json_array();

	for (size_t i = 0; i < c->n_layers; i++)
		append(layers, of_layer(&c->layers[i]));
	for (size_t i = 0; i < c->n_steps; i++)
		append(steps, of_step(&c->steps[i]));
	json_put(object, "layers", layers);
	json_put(object, "steps", steps);
	return json_write(object, len);
}

struct oci_cache_layer *oci_cache_find_layer(const struct oci_cache *c,
					     const struct oci_digest *diff_id)
{
	for (size_t i = 0; i < c->n_layers; i++)
		if (oci_digest_equal(&c->layers[i].diff_id, diff_id))
			return &c->layers[i];
	return NULL;
}

void oci_cache_free(struct oci_cache *c)
{
	for (size_t i = 0; i < c->n_layers; i++) {
		oci_descriptor_free(&c->layers[i].blob);
		oci_descriptor_free(&c->layers[i].index);
	}
	free(c->layers);
	free(c->steps);
	*c = (struct oci_cache){0};
}
