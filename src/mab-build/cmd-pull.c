/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cli/option.h"
#include "mab-build/command.h"
#include "mab-build/image.h"
#include "mab-build/remote.h"
#include "registry/pull.h"

static const struct cli_option options[] = {
	{0, "What to pull", .help = ""},
	IMAGE_ALL_OPTION("the whole index, every platform"),
	IMAGE_OPTIONS("the image for this platform (default: the machine's own)"),
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " pull",
	.usage = PROGRAM " pull [OPTION…] IMAGE",
	.summary = "Fetches an image from its registry into the store, where it has the "
		   "same name, and prints its digest.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	struct image_choice which;
	struct image_name name;
	struct remote remote;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;
	int r = image_choice_set(&s->which, option, value, e);

	return r == -ENOENT ? remote_set(&s->remote, option, value, e) : r;
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;
	int r;

	if (n != 1)
		return err_set(e, -EINVAL, "one image is to be named");
	r = image_name_parse(&s->name, words[0], e);
	if (r == 0 && s->name.place.transport != TRANSPORT_REGISTRY)
		r = err_set(e, -EINVAL, "an image is pulled from a registry, not '%s'",
			    words[0]);
	return r;
}

static int pull(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_IMAGE struct image image = {0};
	char digest[OCI_DIGEST_TEXT];
	int r = local_open(&local, s->which.root, true, e);

	local_remember(&local, &s->remote.settings);
	if (r == 0)
		r = remote_client(&s->remote, &client, e);
	if (r == 0)
		r = image_open(&image, &s->name, NULL, client, e);
	if (r == 0 && !s->which.all)
		r = image_select(&image, s->which.platform, e);
	if (r == 0)
		r = registry_pull(client, &s->name.ref, &image.doc, local.blobs, e);
	if (r == 0)
		r = local_name(&local, &s->name.ref, &image.doc, e);
	if (r == 0)
		puts(oci_digest_format(&image.doc.digest, digest));
	return r;
}

static void release(void *settings)
{
	struct settings *s = settings;

	image_name_free(&s->name);
	remote_free(&s->remote);
}

const struct command cmd_pull = {
	.name = "pull",
	.summary = "fetch an image into the store",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = pull,
	.release = release,
};
