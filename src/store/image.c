/* SPDX-License-Identifier: MIT */
#include "store/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

static int parse(struct store_image *image, const struct strv *words, struct err *e)
{
	int r = 0;

	if (words->n < 2 || words->n % 2)
		return err_set(e, -EBADMSG, "it is damaged");
	r = oci_digest_parse(&image->digest, words->v[0], e);
	image->media_type = xstrdup(words->v[1]);
	for (size_t i = 2; r == 0 && i < words->n; i += 2) {
		struct oci_digest manifest;

		r = oci_digest_parse(&manifest, words->v[i], e);
		if (r == 0)
			store_image_set_origin(image, &manifest, words->v[i + 1]);
	}
	return r;
}

int store_image_read(struct store *s, const char *name, struct store_image *image,
		     struct err *e)
{
	AUTO_STORE_IMAGE struct store_image read = {0};
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_FREE char *text = NULL;
	int r = store_name_read(s, name, &text, e);

	if (r < 0)
		return r;
	strv_split(&words, text, " \n");
	r = parse(&read, &words, e);
	if (r < 0)
		return err_wrap(e, -EBADMSG, "the store's entry of %s", name);
	*image = read;
	read = (struct store_image){0};
	return 0;
}

int store_image_write(struct store *s, const char *name, const struct store_image *image,
		      struct err *e)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	char digest[OCI_DIGEST_TEXT];

	strbuf_addf(&text, "%s %s\n", oci_digest_format(&image->digest, digest),
		    image->media_type);
	for (size_t i = 0; i < image->n; i++)
		strbuf_addf(&text, "%s %s\n",
			    oci_digest_format(&image->origins[i].manifest, digest),
			    image->origins[i].repository);
	return store_name_write(s, name, text.data, e);
}

static struct oci_digest key_of(const char *name)
{
	AUTO_FREE char *text = xasprintf("image %s", name);
	struct oci_digest key;

	oci_digest_of(text, strlen(text), &key);
	return key;
}

int store_image_lock(struct store *s, const char *name, struct err *e)
{
	struct oci_digest key = key_of(name);

	return store_lock(s, &key, true, e);
}

void store_image_unlock(struct store *s, const char *name, int lock)
{
	struct oci_digest key = key_of(name);

	store_unlock(s, &key, lock);
}

static struct store_origin *find(const struct store_image *image,
				 const struct oci_digest *manifest)
{
	for (size_t i = 0; i < image->n; i++)
		if (oci_digest_equal(&image->origins[i].manifest, manifest))
			return &image->origins[i];
	return NULL;
}

const char *store_image_origin(const struct store_image *image,
			       const struct oci_digest *manifest)
{
	const struct store_origin *origin = find(image, manifest);

	return origin ? origin->repository : NULL;
}

void store_image_set_origin(struct store_image *image, const struct oci_digest *manifest,
			    const char *repository)
{
	AUTO_FREE char *copy = repository ? xstrdup(repository) : NULL;
	struct store_origin *origin = find(image, manifest);

	if (!origin && !repository)
		return;
	if (!origin) {
		image->origins =
			xrealloc(image->origins, image->n + 1, sizeof *image->origins);
		origin = &image->origins[image->n++];
		*origin = (struct store_origin){*manifest, NULL};
	}
	free(origin->repository);
	origin->repository = TAKE_PTR(copy);
	if (!origin->repository)
		*origin = image->origins[--image->n];
}

void store_image_free(struct store_image *image)
{
	for (size_t i = 0; i < image->n; i++)
		free(image->origins[i].repository);
	free(image->origins);
	free(image->media_type);
	*image = (struct store_image){0};
}
