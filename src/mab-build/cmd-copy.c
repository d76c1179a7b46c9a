/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/option.h"
#include "mab-build/command.h"
#include "mab-build/image.h"
#include "mab-build/option-values.h"
#include "mab-build/remote.h"

enum option_id {
	OPT_FORMAT = 1,
	OPT_PRESERVE_DIGESTS,
};

static const struct cli_option options[] = {
	{0, "What to copy", .help = ""},
	IMAGE_ALL_OPTION("the whole index, every platform"),
	IMAGE_OPTIONS("the image for this platform (default: the machine's own)"),
	{OPT_FORMAT, "format", .arg = "oci|docker",
	 .help = "write its documents in this format (default: as they are)"},
	{OPT_PRESERVE_DIGESTS, "preserve-digests",
	 .help = "fail where --format would change what the digest is of"},
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
		"are docker://NAME in a registry, oci:FOLDER[:NAME], "
		"oci-archive:FILE[:NAME], docker-archive:FILE[:NAME] or dir:FOLDER; a "
		"SOURCE that is only a NAME is looked for in the store first.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	bool preserve_digests, convert;
	enum oci_format format; /* with convert */
	struct image_choice which;
	struct image_name from, to;
	struct remote remote;
	struct remote_side src, dest;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;
	int r;

	switch (option->id) {
	case OPT_FORMAT:
		s->convert = true;
		return value_format(option->name, value, &s->format, e);
	case OPT_PRESERVE_DIGESTS:
		s->preserve_digests = true;
		return 0;
	}
	r = image_choice_set(&s->which, option, value, e);
	if (r != -ENOENT)
		return r;
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
	r = image_source_parse(&s->from, words[0], e);
	if (r == 0)
		r = image_name_parse(&s->to, words[1], e);
	if (r == 0 && s->to.place.transport == TRANSPORT_REGISTRY && s->to.ref.tag &&
	    s->to.ref.digest)
		r = err_set(e, -EINVAL,
			    "the destination has a tag or a digest, not both");
	return r;
}

static int convert(const struct settings *s, struct image *image, struct err *e)
{
	struct oci_digest before = image->doc.digest;
	char text[OCI_DIGEST_TEXT];
	int r = image_convert(image, s->format, e);

	if (r <= 0 || !s->preserve_digests)
		return r < 0 ? r : 0;
	return err_set(e, -EINVAL,
		       "%s is in another format, and --preserve-digests forbids to "
		       "convert it; leave out --format, or --preserve-digests",
		       oci_digest_format(&before, text));
}

static int copy(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_REGISTRY struct registry *other = NULL;
	AUTO_IMAGE struct image image = {0};
	char digest[OCI_DIGEST_TEXT];
	int r = local_open(&local, s->which.root, false, e);

	local_remember(&local, &s->remote.settings);
	if (r == 0)
		r = remote_side_client(&s->remote, &s->src, &client, e);
	if (r == 0 && (s->src.given || s->dest.given))
		r = remote_side_client(&s->remote, &s->dest, &other, e);
	if (r == 0)
		r = image_open(&image, &s->from, &local, client, e);
	if (r == 0 && !s->which.all)
		r = image_select(&image, s->which.platform, e);
	if (r == 0 && s->convert)
		r = convert(s, &image, e);
	if (r == 0)
		r = image_write(&image, &s->to, other ? other : client, e);
	/* An archive may be what stdout gets. */
	if (r == 0 && !(s->to.place.path && strcmp(s->to.place.path, "-") == 0))
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
	.summary = "copy an image between registries, folders and archives",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = copy,
	.release = release,
};
