/* SPDX-License-Identifier: MIT */

/*
 * An archive of `docker save` has no manifest: one is made of what it says. Layers that
 * it has compressed stay so; the others are their own diff ids.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "layer/convert.h"
#include "oci/config.h"
#include "oci/docker-archive.h"
#include "oci/reference.h"
#include "transport/blob.h"
#include "transport/members.h"
#include "transport/tar-file.h"
#include "transport/transport-internal.h"

struct docker_blob {
	struct oci_digest digest;
	const struct member *member;
};

struct docker_source {
	struct transport_source source; /* first */
	struct oci_blobs place;
	struct members members;
	char *file; /* what members borrow */
	struct docker_blob *blobs;
	size_t n;
};

/* --- Reading: blobs --- */

static struct docker_source *of_place(struct oci_blobs *place)
{
	return (struct docker_source *)(void *)((char *)place -
						offsetof(struct docker_source, place));
}

static int open_blob(struct oci_blobs *place, const struct oci_digest *digest,
		     struct oci_blob **b, struct err *e)
{
	struct docker_source *s = of_place(place);
	char text[OCI_DIGEST_TEXT];

	for (size_t i = 0; i < s->n; i++)
		if (oci_digest_equal(&s->blobs[i].digest, digest))
			return members_blob(&s->members, s->blobs[i].member, digest, b,
					    e);
	return err_set(e, -ENOENT, "archive %s has no %s", s->file,
		       oci_digest_format(digest, text));
}

static void add_blob(struct docker_source *s, struct oci_descriptor *d,
		     const struct member *member, const char *media_type)
{
	GROW(s->blobs, s->n);
	s->blobs[s->n++] = (struct docker_blob){d->digest, member};
	d->media_type = xstrdup(media_type);
	d->size = member->size;
}

static int forget(void *context, const void *data, size_t n, struct err *e)
{
	return 0;
}

/* A blob from its start: a layer_source. */
struct stream {
	struct oci_blob *blob;
	uint64_t at;
};

static ssize_t read_stream(void *context, void *data, size_t n, struct err *e)
{
	struct stream *s = context;
	ssize_t got = s->blob->read(s->blob, data, n, s->at, e);

	s->at += got > 0 ? (uint64_t)got : 0;
	return got;
}

/* The digest of a compressed one is found out, and its tar's held against the diff id. */
static int digest_compressed(struct docker_source *s, const struct member *member,
			     const struct oci_digest *diff_id, struct oci_digest *digest,
			     struct err *e)
{
	const struct layer_read_options options = {.diff_id = diff_id};
	struct stream stream = {.blob = oci_blob_of_file(dup(s->members.fd),
							 member->offset, member->size)};
	struct layer_result result = {0};
	int r = layer_decompress(read_stream, &stream, &options, forget, NULL, &result,
				 e);

	oci_blob_close(stream.blob);
	*digest = result.digest;
	return r < 0 ? err_wrap(e, r, "archive %s: %s", s->file, member->path) : 0;
}

static int guess(const struct docker_source *s, const struct member *member)
{
	uint8_t begin[6];
	size_t want = member->size < sizeof begin ? (size_t)member->size : sizeof begin;
	ssize_t n = pread(s->members.fd, begin, want, (off_t)member->offset);

	return n < 0 ? -errno : (int)layer_compression_guess(begin, (size_t)n);
}

static int read_layer(struct docker_source *s, struct oci_manifest *m, const char *path,
		      const struct oci_digest *diff_id, struct err *e)
{
	struct oci_descriptor *d = oci_manifest_add_layer(m);
	const struct member *member;
	AUTO_FREE char *type = NULL;
	int form, r = members_find(&s->members, path, &member, e);

	d->media_type = xstrdup(""); /* until it is known */
	if (r < 0)
		return r;
	form = guess(s, member);
	if (form < 0)
		return err_sys(e, form, "cannot read the archive %s", s->file);
	d->digest = *diff_id;
	if (form == LAYER_BZIP2 || form == LAYER_XZ)
		return err_set(e, -EINVAL,
			       "archive %s: %s is compressed in a way that no registry "
			       "takes",
			       s->file, path);
	if (form != LAYER_PLAIN)
		r = digest_compressed(s, member, diff_id, &d->digest, e);
	if (r < 0)
		return r;
	type = xasprintf(OCI_MEDIA_LAYER "%s",
			 layer_compression_suffix((enum layer_compression)form));
	free(d->media_type);
	add_blob(s, d, member, type);
	return 0;
}

/* --- Reading: images --- */

static int make_manifest(struct docker_source *s,
			 const struct docker_archive_image *image, struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {.format = OCI_FORMAT_OCI};
	AUTO_OCI_CONFIG struct oci_config c = {0};
	AUTO_FREE char *config = NULL;
	const struct member *member;
	size_t len;
	int r = members_read(&s->members, image->config, OCI_CONFIG_MAX, &config, &len,
			     e);

	m.config.media_type = xstrdup("");
	if (r == 0)
		r = oci_config_parse(&c, config, len, e);
	if (r == 0 && c.n_diff_ids != image->layers.n)
		r = err_set(e, -EINVAL,
			    "its manifest.json has %zu layers and its configuration %zu",
			    image->layers.n, c.n_diff_ids);
	if (r < 0)
		return err_wrap(e, r, "archive %s: %s", s->file, image->config);
	oci_digest_of(config, len, &m.config.digest);
	r = members_find(&s->members, image->config, &member, e);
	if (r < 0)
		return r;
	free(m.config.media_type);
	add_blob(s, &m.config, member, OCI_MEDIA_CONFIG);
	for (size_t i = 0; i < image->layers.n && r == 0; i++)
		r = read_layer(s, &m, image->layers.v[i], &c.diff_ids[i], e);
	if (r == 0)
		oci_manifest_write(&m, &s->source.doc);
	return r;
}

/* "docker.io/library/debian:latest" for what may be written shorter. */
static int whole_name(const char *name, char **whole, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	int r = oci_reference_parse(&ref, name, e);

	if (r < 0)
		return r;
	oci_reference_complete(&ref);
	*whole = oci_reference_format(&ref);
	return 0;
}

static bool has_tag(const struct docker_archive_image *image, const char *whole)
{
	for (size_t i = 0; i < image->tags.n; i++) {
		AUTO_FREE char *tag = NULL;

		if (whole_name(image->tags.v[i], &tag, NULL) == 0 &&
		    strcmp(tag, whole) == 0)
			return true;
	}
	return false;
}

static int not_found(const struct docker_source *s, const struct docker_archive *a,
		     const char *name, struct err *e)
{
	AUTO_STRBUF struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < a->n; i++) {
		strbuf_addf(&names, "%s@%zu", i ? ", " : "", i);
		for (size_t k = 0; k < a->v[i].tags.n; k++)
			strbuf_addf(&names, ", %s", a->v[i].tags.v[k]);
	}
	if (!name)
		return err_set(e, -ENOENT, "the archive %s has %zu images%s%s", s->file,
			       a->n, a->n ? "; name one of: " : "", names.data);
	return err_set(e, -ENOENT, "the archive %s has no image '%s', only: %s", s->file,
		       name, a->n ? names.data : "none");
}

/* Those without a tag are told by their place: "@0". */
static int choose(const struct docker_source *s, const struct docker_archive *a,
		  const char *name, const struct docker_archive_image **image,
		  struct err *e)
{
	AUTO_FREE char *whole = NULL;
	int r;

	*image = NULL;
	if (!name && a->n == 1)
		*image = &a->v[0];
	if (name && name[0] == '@' && isdigit((unsigned char)name[1])) {
		char *end;
		unsigned long i = strtoul(name + 1, &end, 10);

		if (!*end && i < a->n)
			*image = &a->v[i];
	} else if (name) {
		r = whole_name(name, &whole, e);
		if (r < 0)
			return r;
		for (size_t i = 0; i < a->n && !*image; i++)
			if (has_tag(&a->v[i], whole))
				*image = &a->v[i];
	}
	return *image ? 0 : not_found(s, a, name, e);
}

static int read_archive(struct docker_source *s, const char *name, struct err *e)
{
	AUTO_DOCKER_ARCHIVE struct docker_archive a = {NULL, 0};
	const struct docker_archive_image *image;
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = members_open(&s->members, s->file, e);

	if (r < 0)
		return r;
	r = members_read(&s->members, DOCKER_ARCHIVE_MANIFEST, OCI_DOCUMENT_MAX, &data,
			 &len, e);
	if (r < 0)
		return r;
	r = docker_archive_parse(&a, data, len, e);
	if (r < 0)
		return err_wrap(e, r, "archive %s", s->file);
	r = choose(s, &a, name, &image, e);
	return r < 0 ? r : make_manifest(s, image, e);
}

static void close_archive(struct transport_source *source)
{
	struct docker_source *s = (struct docker_source *)source;

	members_free(&s->members);
	free(s->file);
	free(s->blobs);
	free(s);
}

int transport_docker_open(const struct transport_name *name,
			  struct transport_source **source, struct err *e)
{
	struct docker_source *s = xcalloc(1, sizeof *s);
	int r;

	s->source.blobs = &s->place;
	s->source.close = close_archive;
	s->place.open = open_blob;
	s->file = xstrdup(name->path);
	r = read_archive(s, name->name, e);
	if (r < 0)
		transport_close(&s->source);
	else
		*source = &s->source;
	return r;
}

/* --- Writing --- */

static int into_file(void *context, const void *data, size_t n, struct err *e)
{
	return file_write_all(*(int *)context, data, n, "a temporary file", e);
}

/* A member's header says its size, and nobody knows that of the tar before. */
static int decompress(struct oci_blobs *from, const struct oci_descriptor *layer,
		      const struct oci_digest *diff_id, uint64_t *size, struct err *e)
{
	const struct layer_read_options options = {&layer->digest, diff_id, NULL, NULL};
	AUTO_CLOSE int fd = file_temporary(e);
	AUTO_OCI_BLOB struct oci_blob *b = NULL;
	struct layer_result result;
	struct stream stream = {NULL, 0};
	int r = fd < 0 ? fd : from->open(from, &layer->digest, &b, e);

	if (r < 0)
		return r;
	stream.blob = b;
	r = layer_decompress(read_stream, &stream, &options, into_file, &fd, &result, e);
	if (r < 0)
		return r;
	*size = result.tar_size;
	return TAKE_FD(fd);
}

static int open_tar(struct oci_blobs *from, const struct oci_descriptor *layer,
		    const struct oci_digest *diff_id, struct oci_blob **tar,
		    struct err *e)
{
	uint64_t size;
	int fd;

	if (oci_digest_equal(&layer->digest, diff_id))
		return transport_open_verified(from, layer, tar, e);
	fd = decompress(from, layer, diff_id, &size, e);
	if (fd < 0)
		return fd;
	*tar = oci_blob_of_file(fd, 0, size);
	return 0;
}

static int add_layer(struct tar_file *t, const char *path, struct oci_blobs *from,
		     const struct oci_descriptor *layer, const struct oci_digest *diff_id,
		     struct err *e)
{
	AUTO_OCI_BLOB struct oci_blob *tar = NULL;
	int r = open_tar(from, layer, diff_id, &tar, e);

	return r < 0 ? r : tar_file_add_blob(t, path, tar, e);
}

static char *member_name(const struct oci_digest *digest, const char *suffix)
{
	char text[OCI_DIGEST_TEXT];

	return xasprintf("%s%s", oci_digest_hex(oci_digest_format(digest, text)), suffix);
}

static int add_layers(struct tar_file *t, struct oci_blobs *from,
		      const struct oci_manifest *m, const struct oci_config *c,
		      struct strv *names, struct err *e)
{
	for (size_t i = 0; i < m->n; i++) {
		AUTO_FREE char *name = member_name(&c->diff_ids[i], ".tar");
		int r = strv_has(names, name) ? 0
					      : add_layer(t, name, from, &m->layers[i],
							  &c->diff_ids[i], e);

		if (r < 0)
			return r;
		strv_add(names, name);
	}
	return 0;
}

static int write_image(struct tar_file *t, const struct strv *tags,
		       const struct oci_manifest *m, struct oci_blobs *from,
		       struct err *e)
{
	struct docker_archive_image image = {member_name(&m->config.digest, ".json"),
					     *tags, STRV_INIT};
	const struct docker_archive a = {&image, 1};
	AUTO_OCI_CONFIG struct oci_config c = {0};
	AUTO_FREE char *config = NULL;
	AUTO_FREE char *list = NULL;
	size_t len;
	int r = oci_blobs_read(from, &m->config.digest, OCI_CONFIG_MAX, &config, &len, e);

	if (r == 0)
		r = oci_config_parse(&c, config, len, e);
	if (r == 0 && c.n_diff_ids != m->n)
		r = err_set(e, -EINVAL,
			    "the manifest has %zu layers and the configuration %zu", m->n,
			    c.n_diff_ids);
	if (r == 0)
		r = add_layers(t, from, m, &c, &image.layers, e);
	if (r == 0)
		r = tar_file_add_bytes(t, image.config, config, len, e);
	list = docker_archive_write(&a, &len);
	if (r == 0)
		r = tar_file_add_bytes(t, DOCKER_ARCHIVE_MANIFEST, list, len, e);
	free(image.config);
	strv_free(&image.layers);
	return r;
}

/* Names in there have a tag, and no digest. */
static int tags_of(const char *names, struct strv *tags, struct err *e)
{
	AUTO_STRV struct strv list = STRV_INIT;

	strv_split(&list, names ? names : "", ",");
	for (size_t i = 0; i < list.n; i++) {
		AUTO_FREE char *tag = NULL;
		int r = whole_name(list.v[i], &tag, e);

		if (r < 0)
			return r;
		if (strchr(tag, '@'))
			return err_set(e, -EINVAL,
				       "a docker-archive's images have a tag, not a "
				       "digest: %s",
				       list.v[i]);
		strv_add(tags, tag);
	}
	return 0;
}

int transport_docker_write(const struct transport_name *name,
			   const struct oci_document *doc, struct oci_blobs *from,
			   struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_STRV struct strv tags = STRV_INIT;
	AUTO_TAR_FILE struct tar_file t = TAR_FILE_INIT;
	int r = 0;

	if (oci_document_is_index(doc))
		r = err_set(e, -EINVAL,
			    "a docker-archive has the image of one platform; choose it "
			    "with --platform, or use an oci-archive");
	if (r == 0)
		r = tags_of(name->name, &tags, e);
	if (r == 0)
		r = oci_manifest_parse(&m, doc, e);
	if (r == 0)
		r = tar_file_create(&t, name->path, e);
	if (r == 0)
		r = write_image(&t, &tags, &m, from, e);
	return r < 0 ? r : tar_file_commit(&t, e);
}
