/* SPDX-License-Identifier: MIT */
#include "oci/metadata.h"

#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "oci/json-internal.h"

#define NAMES	   "image.name"
#define DESCRIPTOR "containerimage.descriptor"

/* As BuildKit has it: one text, and no member where there is no name. */
static void put_names(json_t *object, const struct strv *names)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < names->n; i++)
		strbuf_addf(&text, "%s%s", i ? "," : "", names->v[i]);
	if (names->n)
		json_put_string(object, NAMES, text.data);
}

char *oci_metadata_write(const struct oci_metadata *m)
{
	json_t *object = json_object();
	char *text;

	json_put_digest(object, "containerimage.digest", &m->image.digest);
	json_put_string(object, "containerimage.mediaType", m->image.media_type);
	json_put(object, DESCRIPTOR, json_of_descriptor(&m->image));
	put_names(object, &m->names);
	text = json_dumps(object, JSON_INDENT(2));
	if (!text)
		abort();
	json_decref(object);
	return text;
}

/* Also as a list, which others write, and this program did. */
static int get_names(const struct json_at *doc, struct strv *names, struct err *e)
{
	json_t *value = json_object_get(doc->value, NAMES);
	AUTO_STRV struct strv texts = STRV_INIT;
	int r = 0;

	if (json_is_string(value))
		strv_add(&texts, json_string_value(value));
	else
		r = json_get_strings(doc, NAMES, &texts, e);
	for (size_t i = 0; i < texts.n; i++)
		strv_split(names, texts.v[i], ",");
	return r;
}

static int parse(struct oci_metadata *m, const struct json_at *doc, struct err *e)
{
	struct json_at descriptor;
	int r = json_get(doc, DESCRIPTOR, JSON_REQUIRED, JSON_OBJECT, &descriptor, e);

	if (r >= 0)
		r = json_get_descriptor(&descriptor, &m->image, e);
	if (r >= 0)
		r = get_names(doc, &m->names, e);
	if (r < 0)
		return r;
	if (!m->names.n)
		return json_fail(doc, e, "it has no " NAMES);
	if (!oci_media_is_index(m->image.media_type) &&
	    !oci_media_is_manifest(m->image.media_type))
		return json_fail(&descriptor, e, "is of no image, but of %s",
				 m->image.media_type);
	return 0;
}

int oci_metadata_parse(struct oci_metadata *metadata, const char *data, size_t len,
		       struct err *e)
{
	AUTO_OCI_METADATA struct oci_metadata m = {.names = STRV_INIT};
	AUTO_JSON_DOCUMENT struct json_at doc = {0};
	int r = json_load_object(&doc, "metadata", data, len, e);

	if (r == 0)
		r = parse(&m, &doc, e);
	if (r < 0)
		return r;
	*metadata = m;
	m = (struct oci_metadata){.names = STRV_INIT};
	return 0;
}

void oci_metadata_free(struct oci_metadata *m)
{
	oci_descriptor_free(&m->image);
	strv_free(&m->names);
}
