/* SPDX-License-Identifier: MIT */
#include "mab-build/local.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mab-build/storage.h"
#include "oci/graph.h"
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

/* --- Images without a name --- */

/* A configuration could be taken for a manifest until it is read. */
static int read_nameless(struct local *local, const struct oci_digest *digest,
			 struct oci_document *doc, struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	AUTO_OCI_MANIFEST struct oci_manifest manifest = {0};
	int r = local_document(local->blobs, digest, NULL, doc, e);

	if (r < 0)
		return r;
	return oci_document_is_index(doc) ? oci_index_parse(&index, doc, e)
					  : oci_manifest_parse(&manifest, doc, e);
}

static int find_nameless(struct local *local, const struct oci_digest *digest,
			 struct store_image *entry, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	AUTO_ERR struct err why = ERR_INIT;
	char text[OCI_DIGEST_TEXT];
	int r = read_nameless(local, digest, &doc, &why);

	oci_digest_format(digest, text);
	if (r == -ENOENT)
		return err_set(e, r, "there is no image %s in %s", text,
			       store_path(local->store));
	if (r == -EINVAL || r == -EFBIG)
		return err_set(e, r, "%s in %s is no image: %s", text,
			       store_path(local->store), why.text);
	if (r < 0)
		return err_set(e, r, "%s", why.text);
	entry->digest = doc.digest;
	entry->media_type = xstrdup(doc.media_type);
	return 0;
}

int local_find(struct local *local, const char *word, struct strv *names,
	       struct store_image *entry, struct err *e)
{
	struct oci_digest digest;
	int r = storage_find(local->store, word, names, e);

	if (r == 0)
		return store_image_read(local->store, names->v[0], entry, e);
	if (r != -ENOENT || storage_word(word) == STORAGE_NAME)
		return r;
	if (storage_whole_digest(word, &digest))
		return find_nameless(local, &digest, entry, e);
	return err_set(e, r,
		       "there is no image %s in %s (one that has no name is found by its "
		       "whole digest)",
		       word, store_path(local->store));
}

static size_t count_missing(struct oci_blobs *from, const struct oci_graph *g,
			    const struct oci_digest **first)
{
	size_t n = 0;

	for (size_t i = g->n_blobs; i-- > 0;) {
		if (oci_blobs_has(from, &g->blobs[i].digest, g->blobs[i].size))
			continue;
		*first = &g->blobs[i].digest;
		n++;
	}
	return n;
}

int local_check_whole(struct oci_blobs *from, const struct oci_document *doc,
		      struct err *e)
{
	AUTO_OCI_GRAPH struct oci_graph g = {0};
	const struct oci_digest *first;
	char text[OCI_DIGEST_TEXT];
	int r = oci_graph_of_blobs(&g, doc, from, e);
	size_t n = r < 0 ? 0 : count_missing(from, &g, &first);

	if (n)
		r = err_set(e, -ENOENT, "%zu of %zu layers and configurations, as %s", n,
			    g.n_blobs, oci_digest_format(first, text));
	if (r != -ENOENT)
		return r;
	return err_wrap(e, r,
			"the store has not all of the image %s (it keeps all of one that "
			"is built with --tag): missing",
			oci_digest_format(&doc->digest, text));
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

/* The entry is read. */
static int open_parts(struct local_image *image, struct local *local,
		      struct registry *client, struct err *e)
{
	int r = local_document(local->blobs, &image->entry.digest,
			       image->entry.media_type, &image->doc, e);

	/* Then it is not as if there were no such name. */
	if (r == -ENOENT)
		r = -EIO;
	for (size_t i = 0; r == 0 && i < image->entry.n; i++)
		r = add_place(image, &image->entry.origins[i], local, client, e);
	return r < 0 ? err_wrap(e, r, "%s", image->name) : 0;
}

int local_image_open(struct local_image *image, struct local *local,
		     const struct oci_reference *ref, struct registry *client,
		     struct err *e)
{
	int r;

	*image = (struct local_image){.name = oci_reference_format(ref),
				      .places = places_new(local->blobs)};
	strv_add(&image->names, image->name);
	if (!local->store)
		return err_set(e, -ENOENT, "there is no image %s here", image->name);
	r = store_image_read(local->store, image->name, &image->entry, e);
	return r < 0 ? r : open_parts(image, local, client, e);
}

int local_image_find(struct local_image *image, struct local *local, const char *word,
		     struct registry *client, struct err *e)
{
	int r;

	*image = (struct local_image){.places = places_new(local->blobs)};
	if (!local->store)
		return err_set(e, -ENOENT, "there is no image %s here", word);
	r = local_find(local, word, &image->names, &image->entry, e);
	image->name = xstrdup(image->names.n ? image->names.v[0] : word);
	return r < 0 ? r : open_parts(image, local, client, e);
}

void local_image_close(struct local_image *image)
{
	places_free(image->places);
	free(image->name);
	strv_free(&image->names);
	oci_document_free(&image->doc);
	store_image_free(&image->entry);
	*image = (struct local_image){0};
}
