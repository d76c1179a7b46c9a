/* SPDX-License-Identifier: MIT */
#include "mab-build/local.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "registry/pull.h"
#include "store/blobs.h"

/* --- The store --- */

int local_open(struct local *local, const char *root, bool make, struct err *e)
{
	bool privileged = geteuid() == 0;
	int r;

	*local = (struct local){0};
	if (!root)
		root = getenv("MAB_BUILD_ROOT");
	if (!make && !store_exists(root, privileged))
		return 0;
	r = store_open(&local->store, root, privileged, e);
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

/* --- Where the blobs of an image are --- */

/* The repository of one manifest. */
struct local_place {
	struct oci_reference ref;
	struct oci_document doc;
	struct oci_blobs *blobs;
};

/* The store, then the places in turn. */
struct everywhere {
	struct oci_blobs blobs; /* first */
	struct oci_blobs *store;
	const struct local_image *image;
};

static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **b, struct err *e)
{
	struct everywhere *all = (struct everywhere *)blobs;
	AUTO_ERR struct err why = ERR_INIT;
	char text[OCI_DIGEST_TEXT];
	int r = all->store->open(all->store, digest, b, &why);

	for (size_t i = 0; r == -ENOENT && i < all->image->n; i++) {
		struct oci_blobs *place = all->image->places[i].blobs;

		err_free(&why);
		r = place->open(place, digest, b, &why);
	}
	if (r == -ENOENT)
		return err_set(e, r, "the store has not all of %s: %s is missing",
			       all->image->name, oci_digest_format(digest, text));
	return r < 0 ? err_set(e, r, "%s", why.text) : 0;
}

static int add_place(struct local_image *image, const struct store_origin *origin,
		     struct oci_blobs *store, struct registry *client, struct err *e)
{
	struct local_place *place = &image->places[image->n];
	int r = oci_reference_parse(&place->ref, origin->repository, e);

	if (r == 0)
		r = local_document(store, &origin->manifest, NULL, &place->doc, e);
	if (r < 0) {
		oci_reference_free(&place->ref);
		return r;
	}
	oci_reference_complete(&place->ref);
	place->blobs = registry_blobs_of(client, &place->ref, &place->doc);
	image->n++;
	return 0;
}

static int add_places(struct local_image *image, struct local *local,
		      struct registry *client, struct err *e)
{
	struct everywhere *all = xcalloc(1, sizeof *all);
	int r = 0;

	*all = (struct everywhere){{open_blob, NULL}, local->blobs, image};
	image->blobs = &all->blobs;
	image->places = xcalloc(image->entry.n + 1, sizeof *image->places);
	for (size_t i = 0; r == 0 && i < image->entry.n; i++)
		r = add_place(image, &image->entry.origins[i], local->blobs, client, e);
	return r;
}

int local_image_open(struct local_image *image, struct local *local,
		     const struct oci_reference *ref, struct registry *client,
		     struct err *e)
{
	int r;

	*image = (struct local_image){.name = oci_reference_format(ref)};
	if (!local->store)
		return err_set(e, -ENOENT, "there is no image %s", image->name);
	r = store_image_read(local->store, image->name, &image->entry, e);
	if (r < 0)
		return r;
	r = local_document(local->blobs, &image->entry.digest, image->entry.media_type,
			   &image->doc, e);
	/* Then it is not as if there were no such name. */
	if (r == -ENOENT)
		r = -EIO;
	if (r == 0)
		r = add_places(image, local, client, e);
	return r < 0 ? err_wrap(e, r, "%s", image->name) : 0;
}

size_t local_image_origins(const struct local_image *image, struct oci_reference **refs)
{
	*refs = xcalloc(image->n + 1, sizeof **refs);
	for (size_t i = 0; i < image->n; i++)
		(*refs)[i] = image->places[i].ref; /* lent */
	return image->n;
}

void local_image_close(struct local_image *image)
{
	for (size_t i = 0; i < image->n; i++) {
		registry_blobs_free(image->places[i].blobs);
		oci_document_free(&image->places[i].doc);
		oci_reference_free(&image->places[i].ref);
	}
	free(image->places);
	free(image->blobs);
	free(image->name);
	oci_document_free(&image->doc);
	store_image_free(&image->entry);
	*image = (struct local_image){0};
}
