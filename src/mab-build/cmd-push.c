/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cli/option.h"
#include "mab-build/command.h"
#include "mab-build/image.h"
#include "mab-build/option-values.h"
#include "mab-build/remote.h"

enum option_id {
	OPT_DIGESTFILE = 1,
	OPT_FORMAT,
};

static const struct cli_option options[] = {
	{0, "What to push", .help = ""},
	IMAGE_ALL_OPTION("every platform (the default)"),
	IMAGE_OPTIONS("only the image for this platform"),
	{OPT_DIGESTFILE, "digestfile", .arg = "FILE",
	 .help = "write the digest there, too"},
	{OPT_FORMAT, "format", .letter = 'f', .arg = "oci|docker",
	 .help = "write its documents in this format (default: as they are)"},
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " push",
	.usage = PROGRAM " push [OPTION…] NAME [DESTINATION]",
	.summary =
		"Pushes an image of the store, by name or digest, to the registry that "
		"its name begins with, or to DESTINATION, and prints its digest.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	bool convert;
	enum oci_format format; /* with convert */
	const char *digestfile;
	struct image_choice which;
	struct image_name from, to;
	bool has_to;
	struct remote remote;
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
	case OPT_DIGESTFILE:
		s->digestfile = value;
		return 0;
	}
	r = image_choice_set(&s->which, option, value, e);
	return r == -ENOENT ? remote_set(&s->remote, option, value, e) : r;
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;
	int r;

	if (n < 1 || n > 2)
		return err_set(e, -EINVAL,
			       "an image is to be named, and perhaps where "
			       "it goes");
	r = image_source_parse(&s->from, words[0], e);
	if (r == 0 && !s->from.bare)
		r = err_set(e, -EINVAL,
			    "'%s' is no name of the store; use 'copy' for others",
			    words[0]);
	s->has_to = n == 2 || !s->from.digest;
	return r < 0 || !s->has_to ? r : image_name_parse(&s->to, words[n - 1], e);
}

/* That of the image, where it was given by digest. */
static int find_destination(struct settings *s, const struct image *image, struct err *e)
{
	const struct strv *names = &image->local->names;

	if (s->has_to)
		return 0;
	if (names->n == 1)
		return image_name_parse(&s->to, names->v[0], e);
	if (!names->n)
		return err_set(e, -EINVAL, "%s has no name: say where it is to go",
			       s->from.digest);
	return err_set(e, -EINVAL,
		       "%s has %zu names, %s and others: say which one is meant, or "
		       "where it is to go",
		       s->from.digest, names->n, names->v[0]);
}

static int push(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_IMAGE struct image image = {0};
	int r = local_open(&local, s->which.root, true, e);

	local_remember(&local, &s->remote.settings);
	if (r == 0)
		r = remote_client(&s->remote, &client, e);
	if (r == 0)
		r = image_open_local(&image, &s->from, &local, client, e);
	if (r == 0)
		r = find_destination(s, &image, e);
	if (r == 0 && s->which.platform)
		r = image_select(&image, s->which.platform, e);
	if (r == 0 && s->convert)
		r = image_convert(&image, s->format, e);
	if (r >= 0)
		r = image_write(&image, &s->to, client, e);
	return r < 0 ? r : image_tell_digest(&image, false, s->digestfile, e);
}

static void release(void *settings)
{
	struct settings *s = settings;

	image_name_free(&s->from);
	image_name_free(&s->to);
	remote_free(&s->remote);
}

const struct command cmd_push = {
	.name = "push",
	.summary = "push an image of the store to a registry",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = push,
	.release = release,
};
