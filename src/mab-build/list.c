/* SPDX-License-Identifier: MIT */
#include "mab-build/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "oci/config.h"
#include "oci/graph.h"

/* --- One of the store --- */

/* Two that add to a list come one after the other. */
static int lock(struct list *list, struct local *local, const struct oci_reference *ref,
		struct err *e)
{
	*list = (struct list){.local = local, .lock = -1};
	list->name = oci_reference_format(ref);
	list->lock = store_image_lock(local->store, list->name, e);
	return list->lock < 0 ? list->lock : 0;
}

static int load(struct list *list, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	struct oci_blobs *blobs = list->local->blobs;
	int r = store_image_read(list->local->store, list->name, &list->entry, e);

	if (r == 0 && !oci_media_is_index(list->entry.media_type))
		r = err_set(e, -EINVAL, "%s is one image, not a list of them",
			    list->name);
	if (r == 0)
		r = local_document(blobs, &list->entry.digest, list->entry.media_type,
				   &doc, e);
	return r < 0 ? r : oci_index_parse(&list->index, &doc, e);
}

int list_open(struct list *list, struct local *local, const struct oci_reference *ref,
	      struct err *e)
{
	int r = lock(list, local, ref, e);

	return r < 0 ? r : load(list, e);
}

int list_create(struct list *list, struct local *local, const struct oci_reference *ref,
		bool amend, struct err *e)
{
	int r = lock(list, local, ref, e);

	if (r < 0)
		return r;
	r = store_image_read(local->store, list->name, &list->entry, NULL);
	if (r == 0 && !amend)
		return err_set(e, -EEXIST,
			       "there is an image %s already (--amend goes on with it, "
			       "'manifest rm' removes it)",
			       list->name);
	store_image_free(&list->entry);
	return r == -ENOENT ? 0 : load(list, e);
}

/* Docker's form is for Docker's images, and knows no annotations. */
static enum oci_format format_of(const struct oci_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		if (strcmp(index->manifests[i].media_type, DOCKER_MEDIA_MANIFEST) != 0 ||
		    index->manifests[i].annotations.n)
			return OCI_FORMAT_OCI;
	return index->n && !index->annotations.n ? OCI_FORMAT_DOCKER : OCI_FORMAT_OCI;
}

int list_save(struct list *list, struct oci_digest *digest, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	int r;

	list->index.format = format_of(&list->index);
	oci_index_write(&list->index, &doc);
	r = oci_blobs_add(list->local->blobs, doc.data, doc.len, NULL, e);
	if (r < 0)
		return r;
	free(list->entry.media_type);
	list->entry.media_type = xstrdup(doc.media_type);
	list->entry.digest = *digest = doc.digest;
	return store_image_write(list->local->store, list->name, &list->entry, e);
}

void list_close(struct list *list)
{
	if (list->local && list->lock >= 0)
		store_image_unlock(list->local->store, list->name, list->lock);
	store_image_free(&list->entry);
	oci_index_free(&list->index);
	free(list->name);
}

/* --- What is said of an image --- */

static int set_text(char *field, size_t size, const char *option, const char *value,
		    struct err *e)
{
	if (!value)
		return 0;
	if (strlen(value) >= size)
		return err_set(e, -EINVAL, "--%s=%s has more than %zu characters", option,
			       value, size - 1);
	strcpy(field, value);
	return 0;
}

/* Other names of an architecture become its image name; some say the variant, too. */
static int set_architecture(struct oci_platform *platform, const char *value,
			    struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct oci_platform said;
	int r;

	if (!value)
		return 0;
	text = xasprintf("linux/%s", value);
	r = oci_platform_parse(&said, text, e);
	if (r < 0)
		return r;
	if (said.variant[0] || strcmp(said.architecture, platform->architecture) != 0)
		memcpy(platform->variant, said.variant, sizeof platform->variant);
	memcpy(platform->architecture, said.architecture, sizeof platform->architecture);
	return 0;
}

static int set_platform(struct oci_platform *p, const struct list_facts *facts,
			struct err *e)
{
	int r = set_text(p->os, sizeof p->os, "os", facts->os, e);

	if (r == 0)
		r = set_architecture(p, facts->architecture, e);
	if (r == 0)
		r = set_text(p->variant, sizeof p->variant, "variant", facts->variant, e);
	if (r == 0)
		r = set_text(p->os_version, sizeof p->os_version, "os-version",
			     facts->os_version, e);
	return r;
}

int list_annotate(struct oci_descriptor *d, const struct list_facts *facts, struct err *e)
{
	int r = set_platform(&d->platform, facts, e);

	if (r < 0)
		return r;
	d->has_platform = d->platform.os[0] && d->platform.architecture[0];
	oci_descriptor_set_features(d, "features", &facts->features);
	oci_descriptor_set_features(d, "os.features", &facts->os_features);
	for (size_t i = 0; i < facts->annotations.n; i++)
		oci_map_set(&d->annotations, facts->annotations.v[i].name,
			    facts->annotations.v[i].value);
	return 0;
}

/* --- Adding --- */

int list_find(struct list *list, const struct oci_digest *digest,
	      struct oci_descriptor **found, struct err *e)
{
	AUTO_STRBUF struct strbuf there = STRBUF_INIT;
	char text[OCI_DIGEST_TEXT];

	for (size_t i = 0; i < list->index.n; i++) {
		struct oci_descriptor *d = &list->index.manifests[i];

		if (oci_digest_equal(&d->digest, digest)) {
			*found = d;
			return 0;
		}
		strbuf_addf(&there, "%s%s", i ? ", " : "",
			    oci_digest_format(&d->digest, text));
	}
	return err_set(e, -ENOENT, "%s has no image %s, %s%s", list->name,
		       oci_digest_format(digest, text),
		       there.len ? "only: " : "it is empty", there.data);
}

void list_remove(struct list *list, const struct oci_digest *digest)
{
	struct oci_index *index = &list->index;
	size_t n = 0;

	for (size_t i = 0; i < index->n; i++) {
		if (oci_digest_equal(&index->manifests[i].digest, digest))
			oci_descriptor_free(&index->manifests[i]);
		else
			index->manifests[n++] = index->manifests[i];
	}
	index->n = n;
	store_image_set_origin(&list->entry, digest, NULL);
}

static int import_config(struct list *list, struct image *image,
			 const struct oci_document *doc, struct oci_platform *platform,
			 struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_OCI_CONFIG struct oci_config config = {0};
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = oci_manifest_parse(&m, doc, e);

	if (r == 0)
		r = oci_blobs_read(image_blobs(image), &m.config.digest, OCI_CONFIG_MAX,
				   &data, &len, e);
	if (r == 0)
		r = oci_blobs_add(list->local->blobs, data, len, NULL, e);
	if (r < 0)
		return r;
	/* What is no image of a system, an artifact, is for no platform. */
	if (oci_config_parse(&config, data, len, NULL) == 0)
		*platform = config.platform;
	return 0;
}

/* "HOST/PATH" of a manifest's layers if those are in a registry; the caller's. */
static char *origin_of(const struct image *image, const struct oci_digest *manifest)
{
	const char *known;

	if (image_is_remote(image))
		return xasprintf("%s/%s", image->name->ref.host, image->name->ref.path);
	known = image->local ? store_image_origin(&image->local->entry, manifest) : NULL;
	return known ? xstrdup(known) : NULL;
}

/* Manifest and configuration, and the layers unless a registry has them. */
static int import(struct list *list, struct image *image, const struct oci_document *doc,
		  struct oci_platform *platform, struct err *e)
{
	AUTO_FREE char *origin = origin_of(image, &doc->digest);
	struct oci_blobs *into = list->local->blobs;
	int r = import_config(list, image, doc, platform, e);

	if (r == 0 && !origin)
		r = oci_blobs_copy(doc, image_blobs(image), into, e);
	if (r == 0)
		r = oci_blobs_add(into, doc->data, doc->len, NULL, e);
	list_remove(list, &doc->digest);
	store_image_set_origin(&list->entry, &doc->digest, origin);
	return r;
}

static int add_one(struct list *list, struct image *image, const struct list_facts *facts,
		   struct err *e)
{
	struct oci_platform platform = {0};
	struct oci_descriptor *d;
	int r = import(list, image, &image->doc, &platform, e);

	if (r < 0)
		return r;
	d = oci_index_add(&list->index);
	oci_document_descriptor(&image->doc, d);
	d->platform = platform;
	return list_annotate(d, facts, e);
}

/* As they stand in the other index, with what that says of them. */
static int add_each(struct list *list, struct image *image, const struct oci_index *other,
		    struct err *e)
{
	for (size_t i = 0; i < other->n; i++) {
		AUTO_OCI_DOCUMENT struct oci_document doc = {0};
		const struct oci_descriptor *d = &other->manifests[i];
		struct oci_platform unused;
		int r = image_document(image, d, &doc, e);

		if (r == 0 && oci_document_is_index(&doc))
			r = err_set(e, -EOPNOTSUPP,
				    "there is an index in the index; name that one");
		if (r == 0)
			r = import(list, image, &doc, &unused, e);
		if (r < 0)
			return r;
		oci_descriptor_copy(oci_index_add(&list->index), d);
	}
	return 0;
}

static int add_all(struct list *list, struct image *image, const struct list_facts *facts,
		   struct err *e)
{
	AUTO_OCI_INDEX struct oci_index other = {0};
	int r = oci_index_parse(&other, &image->doc, e);

	if (r < 0)
		return r;
	if (facts->os || facts->architecture || facts->variant || facts->os_version ||
	    facts->features.n || facts->os_features.n || facts->annotations.n)
		return err_set(e, -EINVAL,
			       "with --all, an index of %zu images is added as it is; "
			       "say more of one with 'manifest annotate'",
			       other.n);
	return add_each(list, image, &other, e);
}

int list_add(struct list *list, struct image *image, bool all,
	     const struct list_facts *facts, struct oci_digest *added, struct err *e)
{
	struct oci_platform wanted;
	char text[OCI_PLATFORM_TEXT];
	int r = 0;

	*added = image->doc.digest;
	if (all && oci_document_is_index(&image->doc))
		return add_all(list, image, facts, e);
	oci_platform_of_host(&wanted);
	if (oci_document_is_index(&image->doc)) {
		r = set_platform(&wanted, facts, e);
		oci_platform_normalize(&wanted);
		if (r == 0)
			r = image_select(image, oci_platform_format(&wanted, text), e);
	}
	if (r < 0)
		return r;
	*added = image->doc.digest;
	return add_one(list, image, facts, e);
}
