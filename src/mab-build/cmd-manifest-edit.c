/* SPDX-License-Identifier: MIT */

/* The commands of `manifest` that change a list. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mab-build/manifest-settings.h"

#define FACT_OPTIONS                                                                     \
	{OPT_ANNOTATION, "annotation", .arg = "NAME=VALUE", .help = "an annotation"},    \
		{OPT_ARCH, "arch", .arg = "ARCH", .help = "its architecture"},           \
		{OPT_FEATURES, "features", .arg = "WORD[,…]", .help = "CPU features"},   \
		{OPT_OS, "os", .arg = "OS", .help = "its system"},                       \
		{OPT_OS_FEATURES, "os-features", .arg = "WORD[,…]",                      \
		 .help = "features of the system"},                                      \
		{OPT_OS_VERSION, "os-version", .arg = "VERSION",                         \
		 .help = "version of the system"},                                       \
	{                                                                                \
		OPT_VARIANT, "variant", .arg = "VARIANT", .help = "of the architecture"  \
	}

static int add_image(struct manifest_settings *s, struct list *list, const char *text,
		     struct oci_digest *added, struct err *e)
{
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_IMAGE_NAME struct image_name name = {0};
	AUTO_IMAGE struct image image = {0};
	int r = remote_client(&s->remote, &client, e);

	if (r == 0)
		r = image_source_parse(&name, text, e);
	if (r == 0)
		r = image_open(&image, &name, list->local, client, e);
	return r < 0 ? r : list_add(list, &image, s->all, &s->facts, added, e);
}

/* The digest that a word is, or that the image has of which it is the name. */
static int read_digest(struct manifest_settings *s, struct local *local, const char *text,
		       struct oci_digest *digest, struct err *e)
{
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_IMAGE_NAME struct image_name name = {0};
	AUTO_IMAGE struct image image = {0};
	int r;

	if (strncmp(text, "sha256:", 7) == 0)
		return oci_digest_parse(digest, text, e);
	r = remote_client(&s->remote, &client, e);
	if (r == 0)
		r = image_source_parse(&name, text, e);
	if (r == 0)
		r = image_open(&image, &name, local, client, e);
	if (r == 0)
		*digest = image.doc.digest;
	return r;
}

/* Saves what was changed, and tells the list's digest and that of the image. */
static int save(struct list *list, const struct oci_digest *image, struct err *e)
{
	char text[OCI_DIGEST_TEXT], other[OCI_DIGEST_TEXT];
	struct oci_digest digest;
	int r = list_save(list, &digest, e);

	if (r < 0)
		return r;
	oci_digest_format(&digest, text);
	if (image)
		printf("%s: %s\n", text, oci_digest_format(image, other));
	else
		puts(text);
	return 0;
}

/* --- create, add --- */

static const struct cli_option create_options[] = {
	{0, "How", .help = ""},
	ALL_OPTION,
	{OPT_AMEND, "amend", .help = "go on with a list that is there already"},
	STORAGE_OPTION,
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program create_program = {
	.name = PROGRAM " manifest create",
	.usage = PROGRAM " manifest create [OPTION…] LIST [IMAGE…]",
	.summary =
		"Makes a list of images in the store, and prints its digest. No layers "
		"are fetched.",
	.options = create_options,
};

static int create(void *settings, struct err *e)
{
	struct manifest_settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_IMAGE_NAME struct image_name name = {0};
	AUTO_LIST struct list list = {0};
	struct oci_digest added;
	int r = manifest_list_name(&name, s->words[0], e);

	if (r == 0)
		r = local_open(&local, s->root, true, e);
	if (r == 0)
		r = list_create(&list, &local, &name.ref, s->amend, e);
	for (int i = 1; r == 0 && i < s->n; i++)
		r = add_image(s, &list, s->words[i], &added, e);
	return r < 0 ? r : save(&list, NULL, e);
}

const struct command manifest_create = {
	.name = "manifest create",
	.summary = "make a list of images",
	.program = &create_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_several,
	.act = create,
	.release = manifest_release,
};

static const struct cli_option add_options[] = {
	{0, "What to add", .help = ""},
	ALL_OPTION,
	STORAGE_OPTION,
	{0, "What the list says of it", .help = ""},
	FACT_OPTIONS,
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program add_program = {
	.name = PROGRAM " manifest add",
	.usage = PROGRAM " manifest add [OPTION…] LIST IMAGE",
	.summary =
		"Adds an image to a list, and prints the list's digest and the image's. "
		"Of an index, that is the image for this machine, or for --os, --arch "
		"and --variant. No layers are fetched.",
	.options = add_options,
};

static int add(void *settings, struct err *e)
{
	struct manifest_settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	AUTO_IMAGE_NAME struct image_name name = {0};
	AUTO_LIST struct list list = {0};
	struct oci_digest added;
	int r = manifest_list_name(&name, s->words[0], e);

	if (r == 0)
		r = local_open(&local, s->root, true, e);
	if (r == 0)
		r = list_open(&list, &local, &name.ref, e);
	if (r == 0)
		r = add_image(s, &list, s->words[1], &added, e);
	return r < 0 ? r : save(&list, &added, e);
}

const struct command manifest_add = {
	.name = "manifest add",
	.summary = "add an image to a list",
	.program = &add_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_image,
	.act = add,
	.release = manifest_release,
};

/* --- annotate, remove --- */

static const struct cli_option annotate_options[] = {
	{0, "What the list says of the image", .help = ""},
	FACT_OPTIONS,
	STORAGE_OPTION,
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program annotate_program = {
	.name = PROGRAM " manifest annotate",
	.usage = PROGRAM " manifest annotate [OPTION…] LIST DIGEST|IMAGE",
	.summary = "Changes what a list says of an image in it.",
	.options = annotate_options,
};

/* One of the list's images is changed or removed. */
static int edit(struct manifest_settings *s, bool removes, struct err *e)
{
	AUTO_LOCAL struct local local = {0};
	AUTO_IMAGE_NAME struct image_name name = {0};
	AUTO_LIST struct list list = {0};
	struct oci_descriptor *d;
	struct oci_digest digest;
	int r = manifest_list_name(&name, s->words[0], e);

	if (r == 0)
		r = local_open(&local, s->root, true, e);
	if (r == 0)
		r = read_digest(s, &local, s->words[1], &digest, e);
	if (r == 0)
		r = list_open(&list, &local, &name.ref, e);
	if (r == 0)
		r = list_find(&list, &digest, &d, e);
	if (r == 0 && removes)
		list_remove(&list, &digest);
	else if (r == 0)
		r = list_annotate(d, &s->facts, e);
	return r < 0 ? r : save(&list, &digest, e);
}

static int annotate(void *settings, struct err *e)
{
	return edit(settings, false, e);
}

const struct command manifest_annotate = {
	.name = "manifest annotate",
	.summary = "change what a list says of an image",
	.program = &annotate_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_image,
	.act = annotate,
	.release = manifest_release,
};

static const struct cli_option remove_options[] = {
	{0, "Where", .help = ""},
	STORAGE_OPTION,
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program remove_program = {
	.name = PROGRAM " manifest remove",
	.usage = PROGRAM " manifest remove [OPTION…] LIST DIGEST|IMAGE",
	.summary = "Removes an image from a list.",
	.options = remove_options,
};

static int remove_image(void *settings, struct err *e)
{
	return edit(settings, true, e);
}

const struct command manifest_remove = {
	.name = "manifest remove",
	.summary = "remove an image from a list",
	.program = &remove_program,
	.size = sizeof(struct manifest_settings),
	.set = manifest_set,
	.take = manifest_take_image,
	.act = remove_image,
	.release = manifest_release,
};
