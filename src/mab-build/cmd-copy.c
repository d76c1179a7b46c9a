/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/option.h"
#include "mab-build/command.h"
#include "mab-build/image.h"
#include "mab-build/remote.h"
#include "oci/graph.h"
#include "registry/pull.h"
#include "registry/push.h"

enum option_id {
	OPT_ALL = 1,
	OPT_PLATFORM,
};

static const struct cli_option options[] = {
	{0, "What to copy", .help = ""},
	{OPT_ALL, "all", .letter = 'a', .help = "the whole index, every platform"},
	{OPT_PLATFORM, "platform", .arg = "OS/ARCH[/VARIANT]",
	 .help = "the image for this platform (default: the machine's own)"},
	REMOTE_OPTIONS,
	{0, "The source only", .help = ""},
	REMOTE_SIDE_OPTIONS(REMOTE_SRC, "src"),
	{0, "The destination only", .help = ""},
	REMOTE_SIDE_OPTIONS(REMOTE_DEST, "dest"),
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " copy",
	.usage = PROGRAM " copy [OPTION…] SOURCE DESTINATION",
	.summary =
		"Copies an image as it is, byte for byte, and prints its digest. Images "
		"are docker://NAME in a registry, or oci:FOLDER[:NAME] in an image "
		"layout.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	bool all;
	const char *platform;
	struct image_name from, to;
	struct remote remote;
	struct remote_side src, dest;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	switch (option->id) {
	case OPT_ALL:
		s->all = true;
		return 0;
	case OPT_PLATFORM:
		s->platform = value;
		return 0;
	}
	if (option->id >= REMOTE_DEST)
		return remote_side_set(&s->dest, option->id - REMOTE_DEST, option, value,
				       e);
	if (option->id >= REMOTE_SRC)
		return remote_side_set(&s->src, option->id - REMOTE_SRC, option, value,
				       e);
	return remote_set(&s->remote, option, value, e);
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;
	int r;

	if (n != 2)
		return err_set(e, -EINVAL, "a copy has a source and a destination");
	if (s->all && s->platform)
		return err_set(e, -EINVAL, "--all and --platform exclude each other");
	r = image_name_parse(&s->from, words[0], e);
	if (r == 0)
		r = image_name_parse(&s->to, words[1], e);
	if (r == 0 && s->to.transport == TRANSPORT_REGISTRY && s->to.ref.tag &&
	    s->to.ref.digest)
		r = err_set(e, -EINVAL,
			    "the destination has a tag or a digest, not both");
	return r;
}

static int copy_to_layout(struct image *image, const struct image_name *to, struct err *e)
{
	AUTO_OCI_LAYOUT struct oci_layout *layout = NULL;
	AUTO_OCI_DESCRIPTOR struct oci_descriptor d = {0};
	struct oci_blobs *into;
	int r = oci_layout_create(AT_FDCWD, to->folder, &layout, e);

	if (r < 0)
		return r;
	into = oci_layout_blobs(layout);
	if (image->layout)
		r = oci_blobs_copy(&image->doc, image_blobs(image), into, e);
	else
		r = registry_pull(image->client, &image->name->ref, &image->doc, into, e);
	if (r < 0)
		return r;
	oci_document_descriptor(&image->doc, &d);
	return oci_layout_set(layout, to->name, &d, e);
}

static int copy_to_registry(struct image *image, struct registry *client,
			    const struct image_name *to, struct err *e)
{
	size_t origins = image->layout ? 0 : 1;

	return registry_push(client, &to->ref, &image->doc, image_blobs(image),
			     &image->name->ref, origins, e);
}

static int copy(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_REGISTRY struct registry *other = NULL;
	AUTO_IMAGE struct image image = {0};
	char digest[OCI_DIGEST_TEXT];
	int r = remote_side_client(&s->remote, &s->src, &client, e);

	if (r == 0 && (s->src.given || s->dest.given))
		r = remote_side_client(&s->remote, &s->dest, &other, e);
	if (r == 0)
		r = image_open(&image, &s->from, client, e);
	if (r == 0 && !s->all)
		r = image_select(&image, s->platform, e);
	if (r == 0)
		r = s->to.transport == TRANSPORT_OCI
			    ? copy_to_layout(&image, &s->to, e)
			    : copy_to_registry(&image, other ? other : client, &s->to, e);
	if (r == 0)
		puts(oci_digest_format(&image.doc.digest, digest));
	return r;
}

static void release(void *settings)
{
	struct settings *s = settings;

	image_name_free(&s->from);
	image_name_free(&s->to);
	remote_side_free(&s->src);
	remote_side_free(&s->dest);
	remote_free(&s->remote);
}

const struct command cmd_copy = {
	.name = "copy",
	.summary = "copy an image between registries and image layouts",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = copy,
	.release = release,
};
