/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/storage.h"
#include "oci/config.h"
#include "oci/graph.h"
#include "store/blobs.h"

enum option_id {
	OPT_DIGESTS = 1,
	OPT_JSON,
	OPT_QUIET,
};

static const struct cli_option options[] = {
	{OPT_DIGESTS, "digests", .help = "whole digests"},
	{OPT_QUIET, "quiet", .letter = 'q', .help = "digests alone, each once"},
	{OPT_JSON, "json", .help = "as JSON"},
	STORAGE_OPTION,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " images",
	.usage = PROGRAM " images [OPTION…]",
	.summary = "Lists the images of the store.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	const char *root;
	bool digests, json, quiet;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	(void)e;
	switch (option->id) {
	case OPT_DIGESTS:
		s->digests = true;
		return 0;
	case OPT_JSON:
		s->json = true;
		return 0;
	case OPT_QUIET:
		s->quiet = true;
		return 0;
	default:
		s->root = value;
		return 0;
	}
}

static int take(void *settings, int n, char **words, struct err *e)
{
	const struct settings *s = settings;

	if (s->json && s->quiet)
		return err_set(e, -EINVAL, "--json and --quiet exclude each other");
	return n ? err_set(e, -EINVAL, "images takes no '%s' (see inspect for one)",
			   words[0])
		 : 0;
}

/* --- One image --- */

struct listed {
	const char *name;
	char digest[OCI_DIGEST_TEXT];
	struct store_image image;
	struct strv platforms;
	char *created; /* RFC 3339; NULL: it does not say */
	uint64_t size; /* of all its blobs, as they would be pushed */
};

static int read_document(struct oci_blobs *blobs, const struct oci_digest *digest,
			 const char *media_type, struct oci_document *doc, struct err *e)
{
	char *data;
	size_t len;
	int r = oci_blobs_read(blobs, digest, OCI_DOCUMENT_MAX, &data, &len, e);

	return r < 0 ? r : oci_document_init(doc, media_type, data, len, e);
}

static void add_platform(struct listed *l, const struct oci_platform *platform)
{
	char text[OCI_PLATFORM_TEXT];

	strv_add(&l->platforms, oci_platform_format(platform, text));
}

/* Of the only image, or of an index's first one, which does not give its platform. */
static int read_config(struct listed *l, struct oci_blobs *blobs,
		       const struct oci_document *doc, bool only, struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_OCI_CONFIG struct oci_config c = {0};
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = oci_manifest_parse(&m, doc, e);

	if (r == 0)
		r = oci_blobs_read(blobs, &m.config.digest, OCI_CONFIG_MAX, &data, &len,
				   e);
	if (r == 0)
		r = oci_config_parse(&c, data, len, e);
	if (r < 0)
		return r;
	l->created = c.created ? xstrdup(c.created) : NULL;
	if (only)
		add_platform(l, &c.platform);
	return 0;
}

static int read_index(struct listed *l, struct oci_blobs *blobs,
		      const struct oci_document *doc, struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	AUTO_OCI_DOCUMENT struct oci_document first = {0};
	int r = oci_index_parse(&index, doc, e);

	for (size_t i = 0; r == 0 && i < index.n; i++)
		if (index.manifests[i].has_platform)
			add_platform(l, &index.manifests[i].platform);
	if (r == 0 && index.n && oci_media_is_manifest(index.manifests[0].media_type)) {
		r = read_document(blobs, &index.manifests[0].digest,
				  index.manifests[0].media_type, &first, e);
		if (r == 0)
			r = read_config(l, blobs, &first, false, e);
		/* Of a list that was put together, it may be in a registry. */
		if (r == -ENOENT && l->image.n) {
			err_free(e);
			r = 0;
		}
	}
	return r;
}

static int read_size(struct listed *l, struct oci_blobs *blobs,
		     const struct oci_document *doc, struct err *e)
{
	AUTO_OCI_GRAPH struct oci_graph g = {0};
	int r = oci_graph_of_blobs(&g, doc, blobs, e);

	if (r < 0)
		return r;
	l->size = doc->len;
	for (size_t i = 0; i < g.n_documents; i++)
		l->size += g.documents[i].len;
	for (size_t i = 0; i < g.n_blobs; i++)
		l->size += g.blobs[i].size;
	return 0;
}

static int read_image(struct listed *l, struct oci_blobs *blobs, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	int r = read_document(blobs, &l->image.digest, l->image.media_type, &doc, e);

	if (r == 0)
		r = oci_document_is_index(&doc) ? read_index(l, blobs, &doc, e)
						: read_config(l, blobs, &doc, true, e);
	return r < 0 ? r : read_size(l, blobs, &doc, e);
}

static void listed_free(struct listed *l)
{
	store_image_free(&l->image);
	strv_free(&l->platforms);
	free(l->created);
}

/* --- All --- */

struct output {
	const struct settings *s;
	struct cli_table table;
	struct cli_json *array;
	struct strv digests; /* that were printed */
};

static void add_row(struct output *out, const struct listed *l)
{
	AUTO_FREE char *size = storage_size(l->size);
	AUTO_STRBUF struct strbuf platforms = STRBUF_INIT;
	AUTO_FREE char *created =
		l->created ? xasprintf("%.10s %.8s", l->created,
				       strlen(l->created) > 11 ? l->created + 11 : "")
			   : xstrdup("-");
	AUTO_FREE char *digest =
		xasprintf("%.*s", out->s->digests ? 71 : 12,
			  out->s->digests ? l->digest : oci_digest_hex(l->digest));

	for (size_t i = 0; i < l->platforms.n; i++)
		strbuf_addf(&platforms, "%s%s", i ? " " : "", l->platforms.v[i]);
	cli_table_row(&out->table,
		      (const char *[]){l->name, digest, created, size, platforms.data});
}

static void add_object(struct output *out, const struct listed *l)
{
	struct cli_json *object = cli_json_object();

	cli_json_set_string(object, "name", l->name);
	cli_json_set_string(object, "digest", l->digest);
	cli_json_set_string(object, "media-type", l->image.media_type);
	cli_json_set_strings(object, "platforms", &l->platforms);
	if (l->created)
		cli_json_set_string(object, "created", l->created);
	cli_json_set_number(object, "size", (long long)l->size);
	cli_json_add(out->array, object);
}

static void print_digest(struct output *out, const struct listed *l)
{
	if (strv_has(&out->digests, l->digest))
		return;
	strv_add(&out->digests, l->digest);
	puts(l->digest);
}

/* 1 when its name has just been removed. */
static int list_one(struct output *out, struct store *store, struct oci_blobs *blobs,
		    const char *name, struct err *e)
{
	CLEAN(listed_free) struct listed l = {.name = name, .platforms = STRV_INIT};
	int r = store_image_read(store, name, &l.image, e);

	if (r == -ENOENT) {
		err_free(e);
		return 1;
	}
	if (r < 0)
		return r;
	oci_digest_format(&l.image.digest, l.digest);
	if (out->s->quiet) {
		print_digest(out, &l);
		return 0;
	}
	r = read_image(&l, blobs, e);
	if (r < 0)
		return err_wrap(e, r, "%s", name);
	if (out->s->json)
		add_object(out, &l);
	else
		add_row(out, &l);
	return 0;
}

/* One that is damaged is told of, and does not hide the others. */
static int list_all(struct output *out, struct store *store, struct err *e)
{
	struct oci_blobs *blobs = store_blobs_new(store);
	AUTO_STRV struct strv names = STRV_INIT;
	int status = 0, r = store_names(store, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_ERR struct err one = ERR_INIT;

		if (list_one(out, store, blobs, names.v[i], &one) < 0)
			status = fail(&one);
	}
	store_blobs_free(blobs);
	return r < 0 ? r : status;
}

static int images(void *settings, struct err *e)
{
	struct output out = {.s = settings, .table = {.columns = 5}};
	struct store *store = NULL;
	int r = storage_open(&store, out.s->root, false, e);

	cli_table_row(&out.table,
		      (const char *[]){"NAME", "DIGEST", "CREATED", "SIZE", "PLATFORMS"});
	out.array = cli_json_array();
	if (r == 0)
		r = list_all(&out, store, e);
	if (r >= 0 && out.s->json)
		cli_json_print(TAKE_PTR(out.array), stdout);
	else if (r >= 0 && !out.s->quiet)
		cli_table_print(&out.table, stdout);
	if (out.array)
		cli_json_free(out.array);
	cli_table_free(&out.table);
	strv_free(&out.digests);
	store_close(store);
	return r;
}

const struct command cmd_images = {
	.name = "images",
	.summary = "list the images of the store",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = images,
};
