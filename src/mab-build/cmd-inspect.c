/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/option.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/image.h"
#include "mab-build/remote.h"
#include "mab-build/template.h"
#include "oci/config.h"

enum option_id {
	OPT_RAW = 1,
	OPT_CONFIG,
	OPT_FORMAT,
};

static const struct cli_option options[] = {
	{0, "What to show", .help = ""},
	{OPT_RAW, "raw", .help = "the manifest or index, its very bytes"},
	{OPT_CONFIG, "config", .help = "the configuration of one platform's image"},
	{OPT_FORMAT, "format", .letter = 'f', .arg = "TEMPLATE",
	 .help = "values of one platform's image, as in {{.Digest}} {{json .Labels}}"},
	IMAGE_OPTIONS("the image for this platform out of an index"),
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " inspect",
	.usage = PROGRAM " inspect [OPTION…] IMAGE",
	.summary = "Shows what an image is, as JSON, without fetching its layers. IMAGE "
		   "is what copy takes as a source; one that is only a NAME is looked "
		   "for in the store first.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	bool raw, config;
	const char *format;
	struct image_choice which;
	const char *text; /* as it was typed */
	struct image_name name;
	struct remote remote;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;
	int r;

	switch (option->id) {
	case OPT_RAW:
		s->raw = true;
		return 0;
	case OPT_CONFIG:
		s->config = true;
		return 0;
	case OPT_FORMAT:
		s->format = value;
		return 0;
	}
	r = image_choice_set(&s->which, option, value, e);
	return r == -ENOENT ? remote_set(&s->remote, option, value, e) : r;
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;

	if (n != 1)
		return err_set(e, -EINVAL, "one image is to be named");
	if (s->raw + s->config + (s->format != NULL) > 1)
		return err_set(e, -EINVAL,
			       "--raw, --config and --format exclude each other");
	s->text = words[0];
	return image_source_parse(&s->name, s->text, e);
}

static void set_digest(struct cli_json *object, const struct oci_digest *digest)
{
	char text[OCI_DIGEST_TEXT];

	cli_json_set_string(object, "digest", oci_digest_format(digest, text));
}

static void set_platform(struct cli_json *object, const struct oci_platform *p)
{
	char text[OCI_PLATFORM_TEXT];

	cli_json_set_string(object, "platform", oci_platform_format(p, text));
	if (p->os_version[0])
		cli_json_set_string(object, "os-version", p->os_version);
}

static void set_map(struct cli_json *object, const char *key, const struct oci_map *map)
{
	struct cli_json *members;

	if (!map->n)
		return;
	members = cli_json_object();
	for (size_t i = 0; i < map->n; i++)
		cli_json_set_string(members, map->v[i].name, map->v[i].value);
	cli_json_set(object, key, members);
}

static struct cli_json *descriptor(const struct oci_descriptor *d)
{
	struct cli_json *object = cli_json_object();

	if (d->has_platform)
		set_platform(object, &d->platform);
	set_digest(object, &d->digest);
	cli_json_set_number(object, "size", (long long)d->size);
	cli_json_set_string(object, "media-type", d->media_type);
	set_map(object, "annotations", &d->annotations);
	return object;
}

static struct cli_json *descriptors(const struct oci_descriptor *list, size_t n)
{
	struct cli_json *array = cli_json_array();

	for (size_t i = 0; i < n; i++)
		cli_json_add(array, descriptor(&list[i]));
	return array;
}

static void set_if(struct cli_json *object, const char *key, const char *value)
{
	if (value && *value)
		cli_json_set_string(object, key, value);
}

static void set_list(struct cli_json *object, const char *key, const struct strv *list)
{
	if (list->n)
		cli_json_set_strings(object, key, list);
}

static int show_index(struct image *image, struct cli_json *object, struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	int r = oci_index_parse(&index, &image->doc, e);

	if (r < 0)
		return r;
	cli_json_set(object, "images", descriptors(index.manifests, index.n));
	set_map(object, "annotations", &index.annotations);
	return 0;
}

static int read_config(struct image *image, const struct oci_manifest *m, char **data,
		       size_t *len, struct err *e)
{
	return oci_blobs_read(image_blobs(image), &m->config.digest, OCI_CONFIG_MAX, data,
			      len, e);
}

/* Manifest and configuration, read. */
struct parts {
	struct oci_manifest manifest;
	struct oci_config config;
};

static int read_parts(struct image *image, struct parts *parts, struct err *e)
{
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = oci_manifest_parse(&parts->manifest, &image->doc, e);

	if (r < 0)
		return r;
	r = read_config(image, &parts->manifest, &data, &len, e);
	return r < 0 ? r : oci_config_parse(&parts->config, data, len, e);
}

static void parts_free(struct parts *parts)
{
	oci_manifest_free(&parts->manifest);
	oci_config_free(&parts->config);
}

#define AUTO_PARTS CLEAN(parts_free)

static void show_config(const struct oci_config *c, struct cli_json *object)
{
	set_platform(object, &c->platform);
	set_if(object, "created", c->created);
	set_if(object, "user", c->user);
	set_list(object, "env", &c->env);
	set_list(object, "entrypoint", &c->entrypoint);
	set_list(object, "cmd", &c->cmd);
	set_if(object, "working-dir", c->working_dir);
	set_list(object, "ports", &c->exposed_ports);
	set_list(object, "volumes", &c->volumes);
	set_map(object, "labels", &c->labels);
}

static int show_image(struct image *image, struct cli_json *object, struct err *e)
{
	AUTO_PARTS struct parts parts = {0};
	int r = read_parts(image, &parts, e);

	if (r < 0)
		return r;
	show_config(&parts.config, object);
	cli_json_set(object, "layers",
		     descriptors(parts.manifest.layers, parts.manifest.n));
	set_map(object, "annotations", &parts.manifest.annotations);
	return 0;
}

static int show(const struct settings *s, struct image *image, struct err *e)
{
	struct cli_json *object = cli_json_object();
	int r;

	cli_json_set_string(object, "name", s->text);
	set_digest(object, &image->doc.digest);
	cli_json_set_string(object, "media-type", image->doc.media_type);
	if (oci_document_is_index(&image->doc))
		r = show_index(image, object, e);
	else
		r = show_image(image, object, e);
	if (r < 0)
		cli_json_free(object);
	else
		cli_json_print(object, stdout);
	return r;
}

/* --- --format: with the names that skopeo has --- */

static void set_pairs(struct cli_json *object, const char *key, const struct oci_map *map)
{
	struct cli_json *members = cli_json_object();

	for (size_t i = 0; i < map->n; i++)
		cli_json_set_string(members, map->v[i].name, map->v[i].value);
	cli_json_set(object, key, members);
}

static void set_digests(struct cli_json *object, const char *key,
			const struct oci_manifest *m)
{
	AUTO_STRV struct strv list = STRV_INIT;
	char text[OCI_DIGEST_TEXT];

	for (size_t i = 0; i < m->n; i++)
		strv_add(&list, oci_digest_format(&m->layers[i].digest, text));
	cli_json_set_strings(object, key, &list);
}

static void set_text(struct cli_json *object, const char *key, const char *value)
{
	cli_json_set_string(object, key, value ? value : "");
}

/* As skopeo does, digest and type are those of what was named, be it an index. */
static struct cli_json *values(const struct settings *s,
			       const struct oci_descriptor *named,
			       const struct parts *parts)
{
	struct cli_json *object = cli_json_object();
	const struct oci_config *c = &parts->config;
	char digest[OCI_DIGEST_TEXT];

	set_text(object, "Name", s->text);
	set_text(object, "Digest", oci_digest_format(&named->digest, digest));
	set_text(object, "MediaType", named->media_type);
	set_text(object, "Created", c->created);
	set_text(object, "Architecture", c->platform.architecture);
	set_text(object, "Variant", c->platform.variant);
	set_text(object, "Os", c->platform.os);
	set_digests(object, "Layers", &parts->manifest);
	set_pairs(object, "Labels", &c->labels);
	set_pairs(object, "Annotations", &parts->manifest.annotations);
	cli_json_set_strings(object, "Env", &c->env);
	cli_json_set_strings(object, "Entrypoint", &c->entrypoint);
	cli_json_set_strings(object, "Cmd", &c->cmd);
	set_text(object, "User", c->user);
	set_text(object, "WorkingDir", c->working_dir);
	return object;
}

static int print_format(const struct settings *s, struct image *image, struct err *e)
{
	AUTO_OCI_DESCRIPTOR struct oci_descriptor named = {0};
	AUTO_PARTS struct parts parts = {0};
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;
	struct cli_json *object;
	int r;

	oci_document_descriptor(&image->doc, &named);
	r = image_select(image, NULL, e);
	if (r == 0)
		r = read_parts(image, &parts, e);
	if (r < 0)
		return r;
	object = values(s, &named, &parts);
	r = template_fill(s->format, object, &out, e);
	cli_json_free(object);
	if (r == 0)
		puts(out.data);
	return r;
}

static int print_config(struct image *image, struct err *e)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = oci_manifest_parse(&m, &image->doc, e);

	if (r == 0)
		r = read_config(image, &m, &data, &len, e);
	if (r == 0)
		fwrite(data, 1, len, stdout); /* main() looks whether it arrived */
	return r;
}

static int inspect(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_IMAGE struct image image = {0};
	int r = local_open(&local, s->which.root, false, e);

	if (r == 0)
		r = remote_client(&s->remote, &client, e);
	if (r == 0)
		r = image_open(&image, &s->name, &local, client, e);
	if (r == 0 && (s->which.platform || s->config))
		r = image_select(&image, s->which.platform, e);
	if (r < 0)
		return r;
	if (s->raw) {
		fwrite(image.doc.data, 1, image.doc.len, stdout);
		return 0;
	}
	if (s->format)
		return print_format(s, &image, e);
	return s->config ? print_config(&image, e) : show(s, &image, e);
}

static void release(void *settings)
{
	struct settings *s = settings;

	image_name_free(&s->name);
	remote_free(&s->remote);
}

const struct command cmd_inspect = {
	.name = "inspect",
	.summary = "show what an image is",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = inspect,
	.release = release,
};
