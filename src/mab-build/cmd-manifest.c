/* SPDX-License-Identifier: MIT */

/* The commands of `manifest`, with the options that buildah has for them. */

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/output.h"
#include "mab-build/manifest-settings.h"

static const struct cli_option root_options[] = {
	{0, "Where", .help = ""},
	STORAGE_OPTION,
	HELP_OPTION,
};

/* --- inspect --- */

static const struct cli_option inspect_options[] = {
	{0, "Where", .help = ""},
	STORAGE_OPTION,
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program inspect_program = {
	.name = PROGRAM " manifest inspect",
	.usage = PROGRAM " manifest inspect [OPTION…] LIST",
	.summary = "Shows a list, or the index that a registry has under that name.",
	.options = inspect_options,
};

static int inspect(void *settings, struct err *e)
{
	struct manifest_settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_IMAGE_NAME struct image_name name = {0};
	AUTO_IMAGE struct image image = {0};
	AUTO_FREE char *text = NULL;
	int r = image_source_parse(&name, s->words[0], e);

	if (r == 0)
		r = local_open(&local, s->root, false, e);
	if (r == 0)
		r = remote_client(&s->remote, &client, e);
	if (r == 0)
		r = image_open(&image, &name, &local, client, e);
	if (r == 0 && !oci_document_is_index(&image.doc))
		r = err_set(e, -EINVAL,
			    "%s is one image, not a list ('inspect' shows it)",
			    s->words[0]);
	if (r < 0)
		return r;
	text = oci_document_indented(&image.doc);
	puts(text);
	return 0;
}

static const struct command manifest_inspect = {
	.name = "manifest inspect",
	.summary = "show a list",
	.program = &inspect_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_list,
	.act = inspect,
	.release = manifest_release,
};

/* --- push --- */

static const struct cli_option push_options[] = {
	{0, "How", .help = ""},
	{OPT_ALL, "all", .help = "the images in it, too (always so)"},
	{OPT_DIGESTFILE, "digestfile", .arg = "FILE",
	 .help = "write the digest there, too"},
	{OPT_FORMAT, "format", .letter = 'f', .arg = "oci|docker",
	 .help = "of the list and its images (default: as they are)"},
	{OPT_QUIET, "quiet", .letter = 'q', .help = "do not print the digest"},
	{OPT_RM, "rm", .help = "remove the list from the store when it is pushed"},
	STORAGE_OPTION,
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program push_program = {
	.name = PROGRAM " manifest push",
	.usage = PROGRAM " manifest push [OPTION…] LIST [DESTINATION]",
	.summary = "Pushes a list with the images in it to the registry that its name "
		   "begins with, or to DESTINATION. Layers that are in another registry "
		   "are copied.",
	.options = push_options,
};

static int open_list(struct image *image, const struct image_name *name,
		     struct local *local, struct registry *client, struct err *e)
{
	int r = image_open_local(image, name, local, client, e);

	if (r == 0 && !oci_document_is_index(&image->doc))
		r = err_set(e, -EINVAL, "%s is one image, not a list ('push' pushes it)",
			    image->local->name);
	return r;
}

static int push(void *settings, struct err *e)
{
	struct manifest_settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_IMAGE_NAME struct image_name name = {0}, to = {0};
	AUTO_IMAGE struct image image = {0};
	int r = manifest_list_name(&name, s->words[0], e);

	if (r == 0)
		r = image_name_parse(&to, s->words[s->n - 1], e);
	if (r == 0)
		r = local_open(&local, s->root, true, e);
	local_remember(&local, &s->remote.settings);
	if (r == 0)
		r = remote_client(&s->remote, &client, e);
	if (r == 0)
		r = open_list(&image, &name, &local, client, e);
	if (r == 0 && s->convert)
		r = image_convert(&image, s->format, e);
	if (r >= 0)
		r = image_write(&image, &to, client, e);
	if (r == 0)
		r = image_tell_digest(&image, s->quiet, s->digestfile, e);
	return r < 0 || !s->rm ? r : store_name_remove(local.store, image.local->name, e);
}

static const struct command manifest_push = {
	.name = "manifest push",
	.summary = "push a list and its images to a registry",
	.program = &push_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_place,
	.act = push,
	.release = manifest_release,
};

/* --- rm, exists, list --- */

static const struct cli_program rm_program = {
	.name = PROGRAM " manifest rm",
	.usage = PROGRAM " manifest rm [OPTION…] LIST…",
	.summary = "Removes lists from the store.",
	.options = root_options,
};

static int remove_list(struct local *local, const char *text, struct err *e)
{
	AUTO_IMAGE_NAME struct image_name name = {0};
	AUTO_LIST struct list list = {0};
	int r = manifest_list_name(&name, text, e);

	if (r == 0)
		r = list_open(&list, local, &name.ref, e);
	if (r == 0)
		r = store_name_remove(local->store, list.name, e);
	if (r == 0)
		cli_line(stdout, "%s", list.name);
	return r;
}

static int rm(void *settings, struct err *e)
{
	struct manifest_settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	int r = local_open(&local, s->root, true, e);

	for (int i = 0; r == 0 && i < s->n; i++)
		r = remove_list(&local, s->words[i], e);
	return r;
}

static const struct command manifest_rm = {
	.name = "manifest rm",
	.summary = "remove lists from the store",
	.program = &rm_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_several,
	.act = rm,
	.release = manifest_release,
};

static const struct cli_program exists_program = {
	.name = PROGRAM " manifest exists",
	.usage = PROGRAM " manifest exists [OPTION…] LIST",
	.summary = "Tells by its exit status whether the store has a list of this name.",
	.options = root_options,
	.epilogue = "Exit status: 0 it has, 1 it has not, 2 wrong usage.",
};

static int exists(void *settings, struct err *e)
{
	struct manifest_settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_IMAGE_NAME struct image_name name = {0};
	AUTO_LOCAL_IMAGE struct local_image image = {0};
	int r = manifest_list_name(&name, s->words[0], e);

	if (r == 0)
		r = local_open(&local, s->root, false, e);
	if (r == 0)
		r = local_image_open(&image, &local, &name.ref, NULL, e);
	if (r == -ENOENT || (r == 0 && !oci_document_is_index(&image.doc)))
		return STATUS_FAILED;
	return r;
}

static const struct command manifest_exists = {
	.name = "manifest exists",
	.summary = "whether there is a list of this name",
	.program = &exists_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_list,
	.act = exists,
	.release = manifest_release,
};

static const struct cli_program list_program = {
	.name = PROGRAM " manifest list",
	.usage = PROGRAM " manifest list [OPTION…]",
	.summary = "Lists the lists that the store has, one a line.",
	.options = root_options,
};

static int list(void *settings, struct err *e)
{
	struct manifest_settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	int r = local_open(&local, s->root, false, e);

	if (r == 0 && local.store)
		r = store_names(local.store, &names, e);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_STORE_IMAGE struct store_image image = {0};

		/* Another process may just have removed it. */
		if (store_image_read(local.store, names.v[i], &image, NULL) == 0 &&
		    oci_media_is_index(image.media_type))
			cli_line(stdout, "%s", names.v[i]);
	}
	return r;
}

static const struct command manifest_list = {
	.name = "manifest list",
	.summary = "list the lists of the store",
	.program = &list_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_none,
	.act = list,
	.release = manifest_release,
};

static const struct command *const commands[] = {
	&manifest_add,	   &manifest_annotate,
	&manifest_create,  &manifest_exists,
	&manifest_inspect, &manifest_list,
	&manifest_push,	   &manifest_remove,
	&manifest_rm,	   NULL,
};

const struct command cmd_manifest = {
	.name = "manifest",
	.summary = "put lists of images together, and push them",
	.group = commands,
};
