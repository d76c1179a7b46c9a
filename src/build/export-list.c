/* SPDX-License-Identifier: MIT */

/* Lists of images in the store, to which builds add theirs. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "store/image.h"

/* The list that a name of the store leads to; stays as it is when there is none. */
static int read_list(struct build *b, const char *name, struct store_image *list,
		     struct oci_index *index, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	char *data;
	size_t len;
	AUTO_ERR struct err why = ERR_INIT;
	int r = store_image_read(b->store, name, list, &why);

	if (r < 0)
		return r == -ENOENT ? 0 : err_set(e, r, "%s", why.text);
	r = oci_blobs_read(b->stored, &list->digest, OCI_DOCUMENT_MAX, &data, &len, e);
	if (r == 0)
		r = oci_document_init(&doc, list->media_type, data, len, e);
	if (r == 0 && !oci_document_is_index(&doc))
		r = err_set(e, -EINVAL, "%s is an image, and not a list of images", name);
	return r < 0 ? r : oci_index_parse(index, &doc, e);
}

/* In place of the one for the same platform. The store has all of it. */
static void set_image(struct store_image *list, struct oci_index *index,
		      const struct oci_document *manifest,
		      const struct oci_platform *platform)
{
	struct oci_descriptor *d = NULL;

	for (size_t i = 0; i < index->n && !d; i++) {
		struct oci_platform p = index->manifests[i].platform;

		oci_platform_normalize(&p);
		if (index->manifests[i].has_platform && oci_platform_equal(&p, platform))
			d = &index->manifests[i];
	}
	if (d) {
		store_image_set_origin(list, &d->digest, NULL);
		oci_descriptor_free(d);
	} else {
		d = oci_index_add(index);
	}
	store_image_set_origin(list, &manifest->digest, NULL);
	oci_document_descriptor(manifest, d);
	d->has_platform = true;
	d->platform = *platform;
}

static int add_images(struct build *b, const char *name, struct err *e)
{
	AUTO_STORE_IMAGE struct store_image list = {0};
	AUTO_OCI_INDEX struct oci_index index = {.format = b->settings->format};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	AUTO_CLOSE int names = -1;
	int r;

	/* What the list has must not be pruned until it has a name again. */
	r = names = store_names_hold(b->store, e);
	if (r >= 0)
		r = read_list(b, name, &list, &index, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < b->nplatforms; i++)
		set_image(&list, &index, &b->manifests[i], &b->platforms[i]);
	oci_index_write(&index, &doc);
	r = oci_blobs_add(b->stored, doc.data, doc.len, NULL, e);
	if (r < 0)
		return r;
	free(list.media_type);
	list.media_type = xstrdup(doc.media_type);
	list.digest = doc.digest;
	return store_image_write(b->store, name, &list, e);
}

int build_add_to_list(struct build *b, const char *name, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_FREE char *whole = NULL;
	int lock, r = oci_reference_parse(&ref, name, e);

	if (r < 0)
		return r;
	oci_reference_complete(&ref);
	whole = oci_reference_format(&ref);
	lock = store_image_lock(b->store, whole, e);
	if (lock < 0)
		return lock;
	r = add_images(b, whole, e);
	store_image_unlock(b->store, whole, lock);
	return r;
}
