/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/option.h"
#include "mab-build/command.h"
#include "mab-build/option-values.h"
#include "mab-build/places.h"
#include "mab-build/remote.h"
#include "oci/config.h"
#include "oci/metadata.h"
#include "registry/pull.h"
#include "registry/push.h"

enum { FILE_MAX = 1 << 20 }; /* bytes */

static const char DOCKER[] = "docker://";

enum option_id {
	OPT_ANNOTATION = 1,
	OPT_COPY,
	OPT_TAG,
};

static const struct cli_option options[] = {
	{0, "What becomes of them", .help = ""},
	{OPT_TAG, "tag", .letter = 't', .arg = "REFERENCE",
	 .help = "the name of the whole; may be given several times"},
	{OPT_ANNOTATION, "annotation", .arg = "NAME=VALUE",
	 .help = "an annotation of the index"},
	{OPT_COPY, "copy", .help = "copy images that are in another registry"},
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " merge",
	.usage = PROGRAM " merge [OPTION…] --tag REFERENCE FILE|docker://REFERENCE…",
	.summary = "Makes one image for several platforms of those that builds have "
		   "pushed, and prints its digest. A FILE is what a build's "
		   "--metadata-file has written.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	bool copy;
	struct oci_reference *tags;
	size_t ntags;
	struct oci_map annotations;
	struct remote remote;
	int n; /* files and references */
	char **sources;
};

static int add_tag(struct settings *s, const char *value, struct err *e)
{
	struct oci_reference *ref;
	int r;

	GROW(s->tags, s->ntags);
	ref = &s->tags[s->ntags];
	r = oci_reference_parse(ref, value, e);
	if (r < 0)
		return r;
	oci_reference_complete(ref);
	s->ntags++;
	return ref->digest ? err_set(e, -EINVAL, "--tag=%s is a digest", value) : 0;
}

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	switch (option->id) {
	case OPT_ANNOTATION:
		return value_pair(&s->annotations, option->name, value, e);
	case OPT_COPY:
		s->copy = true;
		return 0;
	case OPT_TAG:
		return add_tag(s, value, e);
	default:
		return remote_set(&s->remote, option, value, e);
	}
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;

	if (!n)
		return err_set(e, -EINVAL,
			       "what the builds have pushed is to be named: files of "
			       "--metadata-file, or docker://REFERENCE");
	if (!s->ntags)
		return err_set(e, -EINVAL, "the whole needs a name: add --tag");
	s->n = n;
	s->sources = words;
	return 0;
}

/* --- What is put together --- */

struct merge {
	const struct settings *settings;
	struct registry *client;
	struct places *places;
	struct oci_index index;
	const char **sources; /* of each of the index's manifests */
};

/* What BuildKit says of the images in an index, each for itself, is for no platform. */
static bool is_nobodys(const struct oci_platform *platform)
{
	return strcmp(platform->os, "unknown") == 0 &&
	       strcmp(platform->architecture, "unknown") == 0;
}

static int check_platform(const struct merge *m, const struct oci_platform *platform,
			  const char *source, struct err *e)
{
	char text[OCI_PLATFORM_TEXT];

	for (size_t i = 0; !is_nobodys(platform) && i < m->index.n; i++) {
		struct oci_platform other = m->index.manifests[i].platform;

		oci_platform_normalize(&other);
		if (oci_platform_equal(platform, &other))
			return err_set(e, -EEXIST, "%s and %s both have an image for %s",
				       m->sources[i], source,
				       oci_platform_format(platform, text));
	}
	return 0;
}

static int add(struct merge *m, const struct oci_descriptor *d, const char *source,
	       struct err *e)
{
	struct oci_platform platform = d->platform;
	int r;

	if (!d->has_platform)
		return err_set(e, -EINVAL, "%s does not say for which platform it is",
			       source);
	oci_platform_normalize(&platform);
	r = check_platform(m, &platform, source, e);
	if (r < 0)
		return r;
	m->sources = xrealloc(m->sources, m->index.n + 1, sizeof *m->sources);
	m->sources[m->index.n] = source;
	oci_descriptor_copy(oci_index_add(&m->index), d);
	return 0;
}

/* Images that the index of a build for several platforms has. */
static int add_each(struct merge *m, const struct oci_document *doc, const char *source,
		    struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	int r = oci_index_parse(&index, doc, e);

	for (size_t i = 0; r == 0 && i < index.n; i++)
		r = add(m, &index.manifests[i], source, e);
	return r;
}

static int nearness(const struct oci_reference *a, const struct oci_reference *b)
{
	bool same = strcmp(a->host, b->host) == 0;

	return same ? 1 + (strcmp(a->path, b->path) == 0) : 0;
}

/* Of the names that a build pushed to, the one whose layers have the shortest way. */
static int choose_name(const struct settings *s, const struct strv *names,
		       struct oci_reference *chosen, struct err *e)
{
	int best = -1, r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		AUTO_OCI_REFERENCE struct oci_reference ref = {0};

		r = oci_reference_parse(&ref, names->v[i], e);
		if (r < 0)
			break;
		oci_reference_complete(&ref);
		if (nearness(&ref, &s->tags[0]) <= best)
			continue;
		best = nearness(&ref, &s->tags[0]);
		oci_reference_free(chosen);
		*chosen = ref;
		ref = (struct oci_reference){0};
	}
	return r;
}

static int check_registry(const struct settings *s, const struct oci_reference *ref,
			  struct err *e)
{
	for (size_t i = 0; !s->copy && i < s->ntags; i++)
		if (strcmp(ref->host, s->tags[i].host) != 0)
			return err_set(e, -EXDEV,
				       "the image is in the registry %s and the index "
				       "goes to %s: --copy copies it there",
				       ref->host, s->tags[i].host);
	return 0;
}

/* d describes the document, with its platform if it is no index. Takes *doc over. */
static int add_document(struct merge *m, const struct oci_reference *ref,
			const struct oci_descriptor *d, struct oci_document *doc,
			const char *source, struct err *e)
{
	int r = oci_document_is_index(doc) ? add_each(m, doc, source, e)
					   : add(m, d, source, e);

	if (r == 0)
		places_add(m->places, m->client, ref, doc);
	return r;
}

/* Goes by the digest alone: a tag may be another image's by now. */
static int add_image(struct merge *m, const struct oci_metadata *metadata,
		     const char *file, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	int r = choose_name(m->settings, &metadata->names, &ref, e);

	if (r == 0)
		r = check_registry(m->settings, &ref, e);
	if (r == 0)
		r = registry_fetch_document(m->client, &ref, &metadata->image, &doc, e);
	return r < 0 ? r : add_document(m, &ref, &metadata->image, &doc, file, e);
}

static int read_file(struct merge *m, const char *file, struct err *e)
{
	AUTO_OCI_METADATA struct oci_metadata metadata = {.names = STRV_INIT};
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = file_read_at(AT_FDCWD, file, FILE_MAX, &data, &len, e);

	if (r < 0)
		return r;
	r = oci_metadata_parse(&metadata, data, len, e);
	if (r == 0)
		r = add_image(m, &metadata, file, e);
	return r < 0 ? err_wrap(e, r, "%s", file) : 0;
}

/* A manifest by itself does not say for which platform it is, its configuration does. */
static int read_platform(struct merge *m, const struct oci_reference *ref,
			 const struct oci_document *doc, struct oci_descriptor *d,
			 struct err *e)
{
	struct oci_blobs *blobs = registry_blobs_of(m->client, ref, doc);
	AUTO_OCI_MANIFEST struct oci_manifest manifest = {0};
	AUTO_OCI_CONFIG struct oci_config config = {0};
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = oci_manifest_parse(&manifest, doc, e);

	if (r == 0)
		r = oci_blobs_read(blobs, &manifest.config.digest, OCI_CONFIG_MAX, &data,
				   &len, e);
	registry_blobs_free(blobs);
	/* An artifact's is none of an image, and is for no platform. */
	if (r == 0 && oci_config_parse(&config, data, len, NULL) == 0) {
		d->platform = config.platform;
		d->has_platform = d->platform.os[0] && d->platform.architecture[0];
	}
	return r;
}

static int read_reference(struct merge *m, const char *text, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_OCI_DESCRIPTOR struct oci_descriptor d = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	int r = oci_reference_parse(&ref, text, e);

	if (r == 0)
		r = registry_complete(m->client, &ref, e);
	if (r == 0)
		r = check_registry(m->settings, &ref, e);
	if (r == 0)
		r = registry_resolve(m->client, &ref, &doc, e);
	if (r < 0)
		return r;
	oci_document_descriptor(&doc, &d);
	if (!oci_document_is_index(&doc))
		r = read_platform(m, &ref, &doc, &d, e);
	return r < 0 ? r : add_document(m, &ref, &d, &doc, text, e);
}

static int read_source(struct merge *m, const char *source, struct err *e)
{
	size_t n = strlen(DOCKER);

	return strncmp(source, DOCKER, n) == 0 ? read_reference(m, source + n, e)
					       : read_file(m, source, e);
}

static int push(struct merge *m, const struct oci_document *doc, struct err *e)
{
	const struct settings *s = m->settings;
	AUTO_FREE struct oci_reference *origins = NULL;
	size_t n = places_references(m->places, &origins);
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->ntags; i++)
		r = registry_push(m->client, &s->tags[i], doc, places_blobs(m->places),
				  origins, n, e);
	return r;
}

static int put_together(struct merge *m, struct err *e)
{
	const struct settings *s = m->settings;
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	char digest[OCI_DIGEST_TEXT];
	int r = 0;

	for (int i = 0; r == 0 && i < s->n; i++)
		r = read_source(m, s->sources[i], e);
	if (r < 0)
		return r;
	oci_map_copy(&m->index.annotations, &s->annotations);
	oci_index_write(&m->index, &doc);
	r = push(m, &doc, e);
	if (r == 0)
		puts(oci_digest_format(&doc.digest, digest));
	return r;
}

static int merge(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_PLACES struct places *places = places_new(NULL);
	struct merge m = {.settings = s, .places = places};
	int r = remote_client(&s->remote, &client, e);

	m.client = client;
	if (r == 0)
		r = put_together(&m, e);
	oci_index_free(&m.index);
	free(m.sources);
	return r;
}

static void release(void *settings)
{
	struct settings *s = settings;

	for (size_t i = 0; i < s->ntags; i++)
		oci_reference_free(&s->tags[i]);
	free(s->tags);
	oci_map_free(&s->annotations);
	remote_free(&s->remote);
}

const struct command cmd_merge = {
	.name = "merge",
	.summary = "make one image of those that several machines have built",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = merge,
	.release = release,
};
