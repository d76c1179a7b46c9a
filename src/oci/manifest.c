/* SPDX-License-Identifier: MIT */
#include "oci/manifest.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "oci/json-internal.h"

enum { MEDIA_TYPE_MAX = 255 };

bool oci_media_is_index(const char *media_type)
{
	return strcmp(media_type, OCI_MEDIA_INDEX) == 0 ||
	       strcmp(media_type, DOCKER_MEDIA_INDEX) == 0;
}

bool oci_media_is_manifest(const char *media_type)
{
	return strcmp(media_type, OCI_MEDIA_MANIFEST) == 0 ||
	       strcmp(media_type, DOCKER_MEDIA_MANIFEST) == 0;
}

/* It is put into headers of HTTP, so nothing may be in it that ends one. */
static int check_media_type(const struct json_at *at, const char *type, struct err *e)
{
	if (!*type || strlen(type) > MEDIA_TYPE_MAX)
		return json_fail(at, e, "is no media type");
	for (const char *c = type; *c; c++)
		if (!isgraph((unsigned char)*c))
			return json_fail(at, e, "has an unexpected character");
	return 0;
}

static int get_media_type(const struct json_at *at, enum json_need need, char **type,
			  struct err *e)
{
	struct json_at member;
	int r = json_get(at, "mediaType", need, JSON_STRING, &member, e);

	if (r != 1)
		return r;
	r = check_media_type(&member, json_string_value(member.value), e);
	if (r < 0)
		return r;
	*type = xstrdup(json_string_value(member.value));
	return 1;
}

static int get_descriptor_platform(const struct json_at *at, struct oci_descriptor *d,
				   struct err *e)
{
	struct json_at platform;
	json_t *others;
	int r = json_get(at, "platform", JSON_OPTIONAL, JSON_OBJECT, &platform, e);

	if (r == 1)
		r = json_get_platform(&platform, &d->platform, e);
	if (r < 0 || !platform.value)
		return r;
	d->has_platform = true;
	others = json_others(platform.value, "os architecture variant os.version");
	if (others) {
		d->other = d->other ? d->other : json_object();
		json_put(d->other, "platform", others);
	}
	return 0;
}

int json_get_descriptor(const struct json_at *at, struct oci_descriptor *d, struct err *e)
{
	int64_t size = 0;
	int r = get_media_type(at, JSON_REQUIRED, &d->media_type, e);

	if (r >= 0)
		r = json_get_digest(at, "digest", JSON_REQUIRED, &d->digest, e);
	if (r >= 0)
		r = json_get_int(at, "size", JSON_REQUIRED, &size, e);
	if (r >= 0)
		r = json_get_map(at, "annotations", &d->annotations, e);
	if (r < 0)
		return r;
	if (size < 0)
		return json_fail(&(struct json_at){at->value, at, "size", 0}, e,
				 "is negative");
	d->size = (uint64_t)size;
	d->other = json_others(at->value, "mediaType digest size annotations platform");
	return get_descriptor_platform(at, d, e);
}

static int get_descriptors(const struct json_at *at, const char *name,
			   struct oci_descriptor **list, size_t *n, struct err *e)
{
	struct json_at array, item;
	int r = json_get(at, name, JSON_REQUIRED, JSON_ARRAY, &array, e);

	if (r < 0)
		return r;
	if (json_array_size(array.value) > OCI_ITEMS_MAX)
		return json_fail(&array, e, "has more than %d items", OCI_ITEMS_MAX);
	*list = xcalloc(json_array_size(array.value), sizeof **list);
	item = (struct json_at){.up = &array};
	json_array_foreach(array.value, item.item, item.value)
	{
		if (!json_is_object(item.value))
			return json_fail(&item, e, "is not an object");
		r = json_get_descriptor(&item, &(*list)[(*n)++], e);
		if (r < 0)
			return r;
	}
	return 0;
}

static void put_descriptor_platform(json_t *object, const struct oci_descriptor *d)
{
	json_t *platform = json_object();

	json_put_platform(platform, &d->platform);
	json_put_others(platform, json_object_get(d->other, "platform"));
	json_put(object, "platform", platform);
}

json_t *json_of_descriptor(const struct oci_descriptor *d)
{
	json_t *object = json_object();

	json_put_string(object, "mediaType", d->media_type);
	json_put_digest(object, "digest", &d->digest);
	json_put(object, "size", json_integer((json_int_t)d->size));
	json_put_map(object, "annotations", &d->annotations);
	if (d->has_platform)
		put_descriptor_platform(object, d);
	json_put_others(object, d->other);
	return object;
}

static json_t *descriptor_array(const struct oci_descriptor *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, json_of_descriptor(&list[i])) < 0)
			abort();
	return array;
}

void oci_descriptor_copy(struct oci_descriptor *d, const struct oci_descriptor *from)
{
	*d = *from;
	d->media_type = xstrdup(from->media_type);
	oci_map_copy(&d->annotations, &from->annotations);
	d->other = from->other ? json_deep_copy(from->other) : NULL;
}

void oci_descriptor_set_features(struct oci_descriptor *d, const char *name,
				 const struct strv *list)
{
	json_t *platform;

	if (!list->n)
		return;
	d->other = d->other ? d->other : json_object();
	platform = json_object_get(d->other, "platform");
	if (!platform) {
		platform = json_object();
		json_put(d->other, "platform", platform);
	}
	json_put_strings(platform, name, list);
}

void oci_descriptor_free(struct oci_descriptor *d)
{
	free(d->media_type);
	oci_map_free(&d->annotations);
	json_decref(d->other);
	*d = (struct oci_descriptor){0};
}

static void free_descriptors(struct oci_descriptor *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		oci_descriptor_free(&list[i]);
	free(list);
}

/*
 * A document that could be read as both an index and a manifest means two different
 * images to two readers; so does one whose declared and own types differ.
 */
static int check_kind(const struct json_at *at, const char *type, struct err *e)
{
	bool manifests = json_object_get(at->value, "manifests");
	bool layers = json_object_get(at->value, "layers") ||
		      json_object_get(at->value, "config");

	if (json_object_get(at->value, "fsLayers") ||
	    strstr(type, "distribution.manifest.v1"))
		return json_fail(at, e,
				 "an image in Docker's schema 1, which is no longer "
				 "supported; push it again with a newer tool");
	if (manifests == layers)
		return json_fail(at, e,
				 manifests ? "both an index and a manifest"
					   : "neither an index nor a manifest");
	if (*type && manifests != oci_media_is_index(type))
		return json_fail(at, e, "the content is not what its type %s says", type);
	return 0;
}

/* The known type in what HTTP declares, "application/json; charset=utf-8"; else "". */
static char *known_type(const char *declared)
{
	char *type =
		declared ? xstrndup(declared, strcspn(declared, "; \t")) : xstrdup("");

	if (!oci_media_is_index(type) && !oci_media_is_manifest(type) &&
	    !strstr(type, "distribution.manifest.v1"))
		type[0] = '\0';
	return type;
}

static int find_kind(const char *declared, const char *data, size_t len,
		     char **media_type, struct err *e)
{
	AUTO_JSON_DOCUMENT struct json_at at = {0};
	AUTO_FREE char *outside = known_type(declared);
	AUTO_FREE char *inside = NULL;
	int r = json_load_object(&at, "manifest", data, len, e);

	if (r == 0)
		r = get_media_type(&at, JSON_OPTIONAL, &inside, e);
	if (r < 0)
		return r;
	if (inside && *outside && strcmp(inside, outside) != 0)
		return json_fail(&at, e, "it says that it is %s, and was sent as %s",
				 inside, outside);
	r = check_kind(&at, inside ? inside : outside, e);
	if (r < 0)
		return r;
	if (inside)
		*media_type = TAKE_PTR(inside);
	else if (*outside)
		*media_type = TAKE_PTR(outside);
	else
		*media_type = xstrdup(json_object_get(at.value, "manifests")
					      ? OCI_MEDIA_INDEX
					      : OCI_MEDIA_MANIFEST);
	return 0;
}

int oci_document_init(struct oci_document *doc, const char *declared, char *data,
		      size_t len, struct err *e)
{
	struct oci_document d = {.data = data, .len = len};
	int r = 0;

	if (len > OCI_DOCUMENT_MAX)
		r = err_set(e, -EFBIG, "manifest: it has more than %d bytes",
			    OCI_DOCUMENT_MAX);
	if (r == 0)
		r = find_kind(declared, data, len, &d.media_type, e);
	if (r < 0) {
		oci_document_free(&d);
		return r;
	}
	oci_digest_of(data, len, &d.digest);
	*doc = d;
	return 0;
}

void oci_document_copy(struct oci_document *doc, const struct oci_document *from)
{
	*doc = *from;
	doc->media_type = xstrdup(from->media_type);
	doc->data = xcalloc(1, from->len + 1);
	memcpy(doc->data, from->data, from->len);
}

bool oci_document_is_index(const struct oci_document *doc)
{
	return oci_media_is_index(doc->media_type);
}

void oci_document_descriptor(const struct oci_document *doc, struct oci_descriptor *d)
{
	*d = (struct oci_descriptor){
		.media_type = xstrdup(doc->media_type),
		.digest = doc->digest,
		.size = doc->len,
	};
}

char *oci_document_indented(const struct oci_document *doc)
{
	json_t *value = json_loadb(doc->data, doc->len, 0, NULL);
	char *text = json_dumps(value, JSON_INDENT(4) | JSON_ENSURE_ASCII);

	json_decref(value);
	return text ? text : xstrdup(doc->data);
}

void oci_document_free(struct oci_document *doc)
{
	free(doc->media_type);
	free(doc->data);
	*doc = (struct oci_document){0};
}

static enum oci_format format_of(const char *media_type)
{
	return strncmp(media_type, "application/vnd.docker.", 23) == 0 ? OCI_FORMAT_DOCKER
								       : OCI_FORMAT_OCI;
}

/* What both kinds begin and end with. */
static int load(struct json_at *at, const char *what, const struct oci_document *doc,
		struct err *e)
{
	int64_t version = 0;
	int r = json_load_object(at, what, doc->data, doc->len, e);

	if (r == 0)
		r = json_get_int(at, "schemaVersion", JSON_REQUIRED, &version, e);
	if (r < 0)
		return r;
	if (version != 2)
		return json_fail(at, e, "schemaVersion is %lld, only 2 is known",
				 (long long)version);
	return 0;
}

static json_t *begin(const char *media_type)
{
	json_t *object = json_object();

	json_put(object, "schemaVersion", json_integer(2));
	json_put_string(object, "mediaType", media_type);
	return object;
}

static void finish(json_t *object, const char *media_type, struct oci_document *doc)
{
	*doc = (struct oci_document){.media_type = xstrdup(media_type)};
	doc->data = json_write(object, &doc->len);
	oci_digest_of(doc->data, doc->len, &doc->digest);
}

int oci_manifest_parse(struct oci_manifest *manifest, const struct oci_document *doc,
		       struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {.format = format_of(doc->media_type)};
	AUTO_JSON_DOCUMENT struct json_at at = {0};
	struct json_at config;
	int r;

	if (oci_document_is_index(doc))
		return err_set(e, -EINVAL, "manifest: this is an index");
	r = load(&at, "manifest", doc, e);
	if (r == 0)
		r = json_get(&at, "config", JSON_REQUIRED, JSON_OBJECT, &config, e);
	if (r >= 0)
		r = json_get_descriptor(&config, &m.config, e);
	if (r >= 0)
		r = get_descriptors(&at, "layers", &m.layers, &m.n, e);
	if (r >= 0)
		r = json_get_map(&at, "annotations", &m.annotations, e);
	if (r < 0)
		return r;
	m.other = json_others(at.value,
			      "schemaVersion mediaType config layers annotations");
	*manifest = m;
	m = (struct oci_manifest){0};
	return 0;
}

void oci_manifest_write(const struct oci_manifest *m, struct oci_document *doc)
{
	const char *type = m->format == OCI_FORMAT_DOCKER ? DOCKER_MEDIA_MANIFEST
							  : OCI_MEDIA_MANIFEST;
	json_t *object = begin(type);

	json_put(object, "config", json_of_descriptor(&m->config));
	json_put(object, "layers", descriptor_array(m->layers, m->n));
	json_put_map(object, "annotations", &m->annotations);
	json_put_others(object, m->other);
	finish(object, type, doc);
}

/* The new last item of an array of any size, which need not be a power of two. */
static struct oci_descriptor *add(struct oci_descriptor **list, size_t *n)
{
	*list = xrealloc(*list, *n + 1, sizeof **list);
	(*list)[*n] = (struct oci_descriptor){0};
	return &(*list)[(*n)++];
}

struct oci_descriptor *oci_manifest_add_layer(struct oci_manifest *m)
{
	return add(&m->layers, &m->n);
}

void oci_manifest_free(struct oci_manifest *m)
{
	oci_descriptor_free(&m->config);
	free_descriptors(m->layers, m->n);
	oci_map_free(&m->annotations);
	json_decref(m->other);
	*m = (struct oci_manifest){0};
}

int oci_index_parse(struct oci_index *index, const struct oci_document *doc,
		    struct err *e)
{
	AUTO_OCI_INDEX struct oci_index x = {.format = format_of(doc->media_type)};
	AUTO_JSON_DOCUMENT struct json_at at = {0};
	int r;

	if (!oci_document_is_index(doc))
		return err_set(e, -EINVAL, "index: this is a manifest");
	r = load(&at, "index", doc, e);
	if (r == 0)
		r = get_descriptors(&at, "manifests", &x.manifests, &x.n, e);
	if (r >= 0)
		r = json_get_map(&at, "annotations", &x.annotations, e);
	if (r < 0)
		return r;
	x.other = json_others(at.value, "schemaVersion mediaType manifests annotations");
	*index = x;
	x = (struct oci_index){0};
	return 0;
}

void oci_index_write(const struct oci_index *index, struct oci_document *doc)
{
	const char *type =
		index->format == OCI_FORMAT_DOCKER ? DOCKER_MEDIA_INDEX : OCI_MEDIA_INDEX;
	json_t *object = begin(type);

	json_put(object, "manifests", descriptor_array(index->manifests, index->n));
	json_put_map(object, "annotations", &index->annotations);
	json_put_others(object, index->other);
	finish(object, type, doc);
}

struct oci_descriptor *oci_index_add(struct oci_index *index)
{
	return add(&index->manifests, &index->n);
}

/* "linux/amd64, linux/arm64"; attestations say unknown/unknown. */
static char *list_platforms(const struct oci_index *index)
{
	struct strbuf s = STRBUF_INIT;

	for (size_t i = 0; i < index->n; i++) {
		const struct oci_descriptor *d = &index->manifests[i];
		char text[OCI_PLATFORM_TEXT];

		if (!d->has_platform || strcmp(d->platform.os, "unknown") == 0)
			continue;
		strbuf_addf(&s, "%s%s", s.len ? ", " : "",
			    oci_platform_format(&d->platform, text));
		if (d->platform.os_version[0])
			strbuf_addf(&s, " (%s)", d->platform.os_version);
	}
	return strbuf_take(&s);
}

int oci_index_select(const struct oci_index *index, const struct oci_platform *wanted,
		     const struct oci_descriptor **chosen, struct err *e)
{
	AUTO_FREE char *offered = NULL;
	char text[OCI_PLATFORM_TEXT];
	unsigned best = 0;

	for (size_t i = 0; i < index->n; i++) {
		struct oci_platform p = index->manifests[i].platform;
		unsigned rank;

		oci_platform_normalize(&p);
		rank = index->manifests[i].has_platform ? oci_platform_rank(wanted, &p)
							: 0;
		if (rank > best) {
			best = rank;
			*chosen = &index->manifests[i];
		}
	}
	if (best)
		return 0;
	offered = list_platforms(index);
	return err_set(e, -ENOENT, "there is no image for %s, only for %s",
		       oci_platform_format(wanted, text), *offered ? offered : "none");
}

void oci_index_free(struct oci_index *index)
{
	free_descriptors(index->manifests, index->n);
	oci_map_free(&index->annotations);
	json_decref(index->other);
	*index = (struct oci_index){0};
}
