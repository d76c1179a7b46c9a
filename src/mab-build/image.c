/* SPDX-License-Identifier: MIT */
#include "mab-build/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "oci/layout.h"
#include "registry/pull.h"
#include "registry/push.h"

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

int image_source_parse(struct image_name *name, const char *text, struct err *e)
{
	enum storage_word word = storage_word(text);
	int r = 0;

	if (word == STORAGE_DIGEST)
		*name = (struct image_name){.bare = true};
	else
		r = image_name_parse(name, text, e);
	if (r == 0 && word != STORAGE_NAME)
		name->digest = xstrdup(text);
	return r;
}

int image_name_parse(struct image_name *name, const char *text, struct err *e)
{
	int r;

	*name = (struct image_name){0};
	if (storage_word(text) == STORAGE_DIGEST)
		return err_set(e, -EINVAL,
			       "'%s' is a digest, where a name is needed (a repository "
			       "of that name is docker://%s)",
			       text, text);
	if (strncmp(text, "docker://", 9) == 0)
		return parse_reference(name, text + 9, e);
	r = transport_name_parse(&name->place, text, e);
	if (r < 0 || name->place.transport != TRANSPORT_REGISTRY)
		return r;
	name->bare = true;
	return parse_reference(name, text, e);
}

void image_name_free(struct image_name *name)
{
	oci_reference_free(&name->ref);
	free(name->typed);
	free(name->digest);
	transport_name_free(&name->place);
}

int image_choice_set(struct image_choice *choice, const struct cli_option *option,
		     const char *value, struct err *e)
{
	switch (option->id) {
	case IMAGE_ALL:
		choice->all = true;
		break;
	case IMAGE_PLATFORM:
		choice->platform = value;
		break;
	case STORAGE_ROOT:
		choice->root = value;
		break;
	default:
		return -ENOENT;
	}
	return choice->all && choice->platform
		       ? err_set(e, -EINVAL, "--all and --platform exclude each other")
		       : 0;
}

static bool is_remote(const struct image_name *name)
{
	return name->place.transport == TRANSPORT_REGISTRY;
}

/* --- Reading --- */

static void copy_document(struct oci_document *doc, const struct oci_document *from)
{
	*doc = *from;
	doc->media_type = xstrdup(from->media_type);
	doc->data = xcalloc(from->len + 1, 1);
	memcpy(doc->data, from->data, from->len);
}

/* -ENOENT when the store has no such image. */
static int open_local(struct image *image, struct local *local, struct err *e)
{
	struct local_image *found = xcalloc(1, sizeof *found);
	const struct image_name *name = image->name;
	int r = name->digest
			? local_image_find(found, local, name->digest, image->client, e)
			: local_image_open(found, local, &name->ref, image->client, e);

	if (r < 0) {
		local_image_close(found);
		free(found);
		return r;
	}
	image->local = found;
	image->doc = found->doc;
	found->doc = (struct oci_document){0};
	return 0;
}

int image_open_local(struct image *image, const struct image_name *name,
		     struct local *local, struct registry *client, struct err *e)
{
	*image = (struct image){.client = client, .name = name};
	return open_local(image, local, e);
}

static int open_source(struct image *image, struct err *e)
{
	int r = transport_open(&image->name->place, &image->source, e);

	if (r == 0)
		copy_document(&image->doc, transport_document(image->source));
	return r;
}

int image_open(struct image *image, struct image_name *name, struct local *local,
	       struct registry *client, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	int r = -ENOENT;

	*image = (struct image){.client = client, .name = name};
	if (!is_remote(name))
		return open_source(image, e);
	if (name->bare && local)
		r = open_local(image, local, &why);
	if (r != -ENOENT || name->digest)
		return r < 0 ? err_set(e, r, "%s", why.text) : 0;
	r = image_name_complete(name, client, e);
	if (r == 0)
		r = registry_resolve(client, &name->ref, &image->doc, e);
	/* Who named no host may have meant the store only. */
	if (r < 0 && why.text && name->typed)
		return err_wrap(e, r, "%s", why.text);
	return r;
}

/* Those of the image as it was, before any conversion. */
static struct oci_blobs *original_blobs(struct image *image)
{
	if (image->source)
		return transport_blobs(image->source);
	if (image->local)
		return places_blobs(image->local->places);
	if (!image->remote)
		image->remote =
			registry_blobs_of(image->client, &image->name->ref, &image->doc);
	return image->remote;
}

bool image_is_remote(const struct image *image)
{
	return !image->source && !image->local;
}

int image_document(struct image *image, const struct oci_descriptor *d,
		   struct oci_document *doc, struct err *e)
{
	if (image_is_remote(image))
		return registry_fetch_document(image->client, &image->name->ref, d, doc,
					       e);
	return local_document(original_blobs(image), &d->digest, d->media_type, doc, e);
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
		r = image_document(image, d, &doc, e);
	if (r < 0)
		return r;
	oci_document_free(&image->doc);
	image->doc = doc;
	return 0;
}

int image_convert(struct image *image, enum oci_format format, struct err *e)
{
	/* The registry's blobs are found by the document that is converted here. */
	return oci_convert(&image->conversion, &image->doc, original_blobs(image), format,
			   e);
}

struct oci_blobs *image_blobs(struct image *image)
{
	return image->conversion ? oci_conversion_blobs(image->conversion)
				 : original_blobs(image);
}

void image_close(struct image *image)
{
	oci_conversion_free(image->conversion);
	registry_blobs_free(image->remote);
	transport_close(image->source);
	if (image->local)
		local_image_close(image->local);
	free(image->local);
	oci_document_free(&image->doc);
}

/* --- Writing --- */

int image_put(const struct image_name *to, struct registry *client,
	      const struct oci_document *doc, struct oci_blobs *from,
	      const struct oci_reference *origins, size_t norigins, struct err *e)
{
	if (!is_remote(to))
		return transport_write(&to->place, doc, from, e);
	return registry_push(client, &to->ref, doc, from, origins, norigins, e);
}

/* From a registry, several blobs at once. */
static int pull_into_layout(struct image *image, const struct transport_name *to,
			    struct err *e)
{
	AUTO_OCI_LAYOUT struct oci_layout *layout = NULL;
	AUTO_OCI_DESCRIPTOR struct oci_descriptor d = {0};
	int r = oci_layout_create(AT_FDCWD, to->path, &layout, e);

	if (r == 0)
		r = registry_pull(image->client, &image->name->ref, &image->doc,
				  oci_layout_blobs(layout), e);
	if (r < 0)
		return r;
	oci_document_descriptor(&image->doc, &d);
	return oci_layout_set(layout, to->name, &d, e);
}

size_t image_origins(const struct image *image, struct oci_reference **refs)
{
	if (image->local)
		return places_references(image->local->places, refs);
	*refs = xcalloc(1, sizeof **refs);
	**refs = image->name->ref; /* lent */
	return image->source ? 0 : 1;
}

int image_write(struct image *image, const struct image_name *to, struct registry *client,
		struct err *e)
{
	AUTO_FREE struct oci_reference *origins = NULL;
	size_t n;
	int r = image->local && !image->local->names.n
			? local_check_whole(image_blobs(image), &image->doc, e)
			: 0;

	if (r < 0)
		return r;
	if (image_is_remote(image) && !image->conversion &&
	    to->place.transport == TRANSPORT_OCI)
		return pull_into_layout(image, &to->place, e);
	n = image_origins(image, &origins);
	return image_put(to, client, &image->doc, image_blobs(image), origins, n, e);
}

int image_tell_digest(const struct image *image, bool quiet, const char *file,
		      struct err *e)
{
	char digest[OCI_DIGEST_TEXT];

	oci_digest_format(&image->doc.digest, digest);
	if (!quiet)
		puts(digest);
	return file ? file_write_at(AT_FDCWD, file, digest, strlen(digest),
				    FILE_MODE_UMASK, e)
		    : 0;
}
