/* SPDX-License-Identifier: MIT */
#include "mab-build/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/pull.h"

static int parse_reference(struct image_name *name, const char *text, struct err *e)
{
	int r = oci_reference_parse(&name->ref, text, e);

	if (r < 0)
		return r;
	if (!name->ref.host)
		name->typed = xstrdup(text);
	oci_reference_complete(&name->ref);
	return 0;
}

int image_name_complete(struct image_name *name, struct registry *client, struct err *e)
{
	struct oci_reference ref = {0};
	int r = 0;

	if (!name->typed)
		return 0;
	r = oci_reference_parse(&ref, name->typed, e);
	if (r == 0)
		r = registry_complete(client, &ref, e);
	if (r < 0) {
		oci_reference_free(&ref);
		return r;
	}
	oci_reference_free(&name->ref);
	name->ref = ref;
	return 0;
}

static int parse_layout(struct image_name *name, const char *text, struct err *e)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (!n || (colon && !colon[1]))
		return err_set(e, -EINVAL, "image 'oci:%s' is not oci:FOLDER[:NAME]",
			       text);
	name->transport = TRANSPORT_OCI;
	name->folder = xstrndup(text, n);
	name->name = colon ? xstrdup(colon + 1) : NULL;
	return 0;
}

int image_name_parse(struct image_name *name, const char *text, struct err *e)
{
	*name = (struct image_name){0};
	if (strncmp(text, "docker://", 9) == 0)
		return parse_reference(name, text + 9, e);
	if (strncmp(text, "oci:", 4) == 0)
		return parse_layout(name, text + 4, e);
	return parse_reference(name, text, e);
}

void image_name_free(struct image_name *name)
{
	oci_reference_free(&name->ref);
	free(name->typed);
	free(name->folder);
	free(name->name);
}

static int open_layout(struct image *image, struct err *e)
{
	AUTO_OCI_DESCRIPTOR struct oci_descriptor d = {0};
	int r = oci_layout_open(AT_FDCWD, image->name->folder, &image->layout, e);

	if (r == 0)
		r = oci_layout_find(image->layout, image->name->name, &d, e);
	if (r == 0)
		r = oci_layout_document(image->layout, &d, &image->doc, e);
	return r;
}

int image_open(struct image *image, struct image_name *name, struct registry *client,
	       struct err *e)
{
	int r;

	*image = (struct image){.client = client, .name = name};
	if (name->transport == TRANSPORT_OCI)
		return open_layout(image, e);
	r = image_name_complete(name, client, e);
	if (r < 0)
		return r;
	return registry_resolve(client, &name->ref, &image->doc, e);
}

static int get_document(struct image *image, const struct oci_descriptor *d,
			struct oci_document *doc, struct err *e)
{
	if (image->layout)
		return oci_layout_document(image->layout, d, doc, e);
	return registry_fetch_document(image->client, &image->name->ref, d, doc, e);
}

int image_select(struct image *image, const char *platform, struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	const struct oci_descriptor *d;
	struct oci_platform wanted;
	struct oci_document doc;
	int r = 0;

	if (!oci_document_is_index(&image->doc))
		return 0;
	if (platform)
		r = oci_platform_parse(&wanted, platform, e);
	else
		oci_platform_of_host(&wanted);
	if (r == 0)
		r = oci_index_parse(&index, &image->doc, e);
	if (r == 0)
		r = oci_index_select(&index, &wanted, &d, e);
	if (r == 0)
		r = get_document(image, d, &doc, e);
	if (r < 0)
		return r;
	oci_document_free(&image->doc);
	image->doc = doc;
	return 0;
}

struct oci_blobs *image_blobs(struct image *image)
{
	if (image->layout)
		return oci_layout_blobs(image->layout);
	if (!image->remote)
		image->remote =
			registry_blobs_of(image->client, &image->name->ref, &image->doc);
	return image->remote;
}

void image_close(struct image *image)
{
	registry_blobs_free(image->remote);
	oci_layout_close(image->layout);
	oci_document_free(&image->doc);
}
