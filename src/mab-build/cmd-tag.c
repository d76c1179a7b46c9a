/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/alloc.h"
#include "mab-build/command.h"
#include "mab-build/local.h"
#include "mab-build/storage.h"

static const struct cli_option options[] = {
	STORAGE_OPTION,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " tag",
	.usage = PROGRAM " tag [OPTION…] IMAGE NAME…",
	.summary = "Gives an image of the store more names.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	const char *root;
	const char *image;
	char **words; /* the new names */
	int n;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	(void)option;
	(void)e;
	((struct settings *)settings)->root = value;
	return 0;
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;

	if (n < 2)
		return err_set(e, -EINVAL, "an image and its new name are to be given");
	*s = (struct settings){s->root, words[0], words + 1, n - 1};
	return 0;
}

static int check_whole(struct local *local, const struct store_image *image,
		       struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	int r = local_document(local->blobs, &image->digest, image->media_type, &doc, e);

	return r < 0 ? r : local_check_whole(local->blobs, &doc, e);
}

static int name_all(const struct settings *s, struct local *local, struct err *e)
{
	AUTO_STORE_IMAGE struct store_image image = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int held = store_names_hold(local->store, e);
	int r = held < 0 ? held : local_find(local, s->image, &names, &image, e);

	if (r == 0 && !names.n)
		r = check_whole(local, &image, e);
	for (int i = 0; r == 0 && i < s->n; i++) {
		AUTO_FREE char *name = NULL;

		r = storage_new_name(s->words[i], &name, e);
		if (r == 0)
			r = store_image_write(local->store, name, &image, e);
	}
	return r;
}

static int tag(void *settings, struct err *e)
{
	const struct settings *s = settings;
	AUTO_LOCAL struct local local = {0};
	int r = local_open(&local, s->root, true, e);

	return r < 0 ? r : name_all(s, &local, e);
}

const struct command cmd_tag = {
	.name = "tag",
	.summary = "give an image of the store another name",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = tag,
};
