/* SPDX-License-Identifier: MIT */
#include "mab-build/local.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mab-build/storage.h"
#include "store/blobs.h"

/* --- The store --- */

int local_open(struct local *local, const char *root, bool make, struct err *e)
{
	int r;

	*local = (struct local){0};
	if (!make &&
	    !store_exists(root ? root : getenv("MAB_BUILD_ROOT"), geteuid() == 0))
		return 0;
	r = storage_open(&local->store, root, false, e);
	if (r == 0)
		local->blobs = store_blobs_new(local->store);
	return r;
}

void local_close(struct local *local)
{
	store_blobs_free(local->blobs);
	store_close(local->store);
	*local = (struct local){0};
}

void local_remember(struct local *local, struct registry_settings *settings)
{
	if (!local->store)
		return;
	build_seen_init(&local->seen, local->store);
	settings->memory = &local->seen.memory;
}

int local_name(struct local *local, const struct oci_reference *ref,
	       const struct oci_document *doc, struct err *e)
{
	const struct store_image image = {.digest = doc->digest,
					  .media_type = doc->media_type};
	AUTO_FREE char *name = oci_reference_format(ref);

	return store_image_write(local->store, name, &image, e);
}

int local_document(struct oci_blobs *from, const struct oci_digest *digest,
		   const char *media_type, struct oci_document *doc, struct err *e)
{
	char *data;
	size_t len;
	int r = oci_blobs_read(from, digest, OCI_DOCUMENT_MAX, &data, &len, e);

	return r < 0 ? r : oci_document_init(doc, media_type, data, len, e);
}

/* --- One of its images --- */

static int add_place(struct local_image *image, const struct store_origin *origin,
		     struct local *local, struct registry *client, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	struct oci_document doc;
	int r = oci_reference_parse(&ref, origin->repository, e);

	if (r == 0)
		r = local_document(local->blobs, &origin->manifest, NULL, &doc, e);
	if (r < 0)
		return r;
	oci_reference_complete(&ref);
	places_add(image->places, client, &ref, &doc);
	return 0;
}

int local_image_open(struct local_image *image, struct local *local,
		     const struct oci_reference *ref, struct registry *client,
		     struct err *e)
{
	int r;

	*image = (struct local_image){.name = oci_reference_format(ref),
				      .places = places_new(local->blobs)};
	if (!local->store)
		return err_set(e, -ENOENT, "there is no image %s here", image->name);
	r = store_image_read(local->store, image->name, &image->entry, e);
	if (r < 0)
		return r;
	r = local_document(local->blobs, &image->entry.digest, image->entry.media_type,
			   &image->doc, e);
	/* Then it is not as if there were no such name. */
	if (r == -ENOENT)
		r = -EIO;
	for (size_t i = 0; r == 0 && i < image->entry.n; i++)
		r = add_place(image, &image->entry.origins[i], local, client, e);
	return r < 0 ? err_wrap(e, r, "%s", image->name) : 0;
}

void local_image_close(struct local_image *image)
{
	places_free(image->places);
	free(image->name);
	oci_document_free(&image->doc);
	store_image_free(&image->entry);
	*image = (struct local_image){0};
}
