/* SPDX-License-Identifier: MIT */
#include "oci/metadata.h"

#include <errno.h>
#include <stdlib.h>

#include "oci/json-internal.h"

#define NAMES	   "image.name"
#define DESCRIPTOR "containerimage.descriptor"

char *oci_metadata_write(const struct oci_metadata *m)
{
	json_t *object = json_object();
	char *text;

	json_put_digest(object, "containerimage.digest", &m->image.digest);
	json_put_string(object, "containerimage.mediaType", m->image.media_type);
	json_put(object, DESCRIPTOR, json_of_descriptor(&m->image));
	json_put_strings(object, NAMES, &m->names);
	text = json_dumps(object, JSON_INDENT(2));
	if (!text)
		abort();
	json_decref(object);
	return text;
}

/* BuildKit separates several by commas. */
static int get_names(const struct json_at *doc, struct strv *names, struct err *e)
{
	json_t *value = json_object_get(doc->value, NAMES);

	if (!json_is_string(value))
		return json_get_strings(doc, NAMES, names, e);
	strv_split(names, json_string_value(value), ",");
	return 1;
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
