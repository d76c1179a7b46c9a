/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/storage.h"

enum { OPT_FORCE = 1 };

static const struct cli_option options[] = {
	{OPT_FORCE, "force", .letter = 'f',
	 .help = "also all names of an image that is given by digest; none is no failure"},
	STORAGE_OPTION,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " rmi",
	.usage = PROGRAM " rmi [OPTION…] IMAGE…",
	.summary = "Removes names of images from the store. What then has none goes "
		   "with the next prune.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	const char *root;
	bool force;
	char **words;
	int n;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	(void)e;
	if (option->id == OPT_FORCE)
		s->force = true;
	else
		s->root = value;
	return 0;
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;

	s->words = words;
	s->n = n;
	return n ? 0 : err_set(e, -EINVAL, "an image is to be named");
}

static int remove_one(const struct settings *s, struct store *store, const char *word,
		      struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = storage_find(store, word, &names, e);

	if (r == 0 && names.n > 1 && !s->force)
		return err_set(e, -EBUSY,
			       "%s has %zu names, %s and others (remove them one by one, "
			       "or use --force)",
			       word, names.n, names.v[0]);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = store_name_remove(store, names.v[i], e);
		if (r == 0)
			cli_line(stdout, "%s", names.v[i]);
	}
	if (r != -ENOENT || !s->force)
		return r;
	err_free(e);
	return 0;
}

/* What fails does not keep the others. */
static int remove_all(void *settings, struct err *e)
{
	const struct settings *s = settings;
	struct store *store = NULL;
	int status = 0, r = storage_open(&store, s->root, false, e);

	for (int i = 0; r == 0 && i < s->n; i++) {
		AUTO_ERR struct err one = ERR_INIT;

		if (remove_one(s, store, s->words[i], &one) < 0)
			status = fail(&one);
	}
	store_close(store);
	return r < 0 ? r : status;
}

const struct command cmd_rmi = {
	.name = "rmi",
	.summary = "remove images from the store",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = remove_all,
};
