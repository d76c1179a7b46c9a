/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/alloc.h"
#include "mab-build/command.h"
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

static int name_all(const struct settings *s, struct store *store, struct err *e)
{
	AUTO_STORE_IMAGE struct store_image image = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int held = store_names_hold(store, e);
	int r = held < 0 ? held : storage_find(store, s->image, &names, e);

	if (r == 0)
		r = store_image_read(store, names.v[0], &image, e);
	for (int i = 0; r == 0 && i < s->n; i++) {
		AUTO_FREE char *name = NULL;

		r = storage_new_name(s->words[i], &name, e);
		if (r == 0)
			r = store_image_write(store, name, &image, e);
	}
	return r;
}

static int tag(void *settings, struct err *e)
{
	const struct settings *s = settings;
	struct store *store = NULL;
	int r = storage_open(&store, s->root, false, e);

	if (r == 0)
		r = name_all(s, store, e);
	store_close(store);
	return r;
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
