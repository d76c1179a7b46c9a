/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/option-values.h"
#include "mab-build/storage.h"

enum option_id {
	OPT_ALL = 1,
	OPT_DRY_RUN,
	OPT_FILTER,
	OPT_KEEP_STORAGE,
	OPT_OLDER_THAN,
};

static const struct cli_option options[] = {
	{0, "What goes", .help = ""},
	{OPT_ALL, "all", .letter = 'a', .help = "images as well"},
	{OPT_OLDER_THAN, "older-than", .arg = "TIME",
	 .help = "only what was not used for so long: 12h, 7d, 2w"},
	{OPT_FILTER, "filter", .arg = "until=TIME",
	 .help = "the same, as other builders call it"},
	{OPT_KEEP_STORAGE, "keep-storage", .arg = "SIZE",
	 .help = "what was used last stays, up to so many bytes: 500m, 10g"},
	{OPT_DRY_RUN, "dry-run", .help = "list it, and remove nothing"},
	{0, "Where", .help = ""},
	STORAGE_OPTION,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " prune",
	.usage = PROGRAM " prune [OPTION…]",
	.summary = "Removes from the store what no image needs and no build uses: "
		   "results of steps, layers, caches of RUN.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	const char *root;
	struct store_prune what;
};

static int set_filter(struct settings *s, const char *value, struct err *e)
{
	static const char until[] = "until=";

	if (strncmp(value, until, strlen(until)) != 0)
		return err_set(e, -EINVAL,
			       "--filter=%s is not until=TIME, the only filter here",
			       value);
	return value_duration("filter=until", value + strlen(until), &s->what.unused, e);
}

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	switch (option->id) {
	case OPT_ALL:
		s->what.names = true;
		return 0;
	case OPT_DRY_RUN:
		s->what.dry_run = true;
		return 0;
	case OPT_FILTER:
		return set_filter(s, value, e);
	case OPT_KEEP_STORAGE:
		return value_size(option->name, value, &s->what.keep, e);
	case OPT_OLDER_THAN:
		return value_duration(option->name, value, &s->what.unused, e);
	default:
		s->root = value;
		return 0;
	}
}

static int take(void *settings, int n, char **words, struct err *e)
{
	const struct settings *s = settings;

	if (n)
		return err_set(e, -EINVAL, "prune takes no '%s' (see rmi for images)",
			       words[0]);
	if (s->what.names && s->what.keep)
		return err_set(e, -EINVAL, "--all and --keep-storage exclude each other");
	return 0;
}

static void list(void *context, const char *name, const struct store_item *item)
{
	AUTO_FREE char *size = item ? storage_size(item->bytes) : NULL;

	(void)context;
	if (item)
		cli_line(stdout, "%s/%s, %s", item->folder, name, size);
	else
		cli_line(stdout, "image %s", name);
}

static void tell(const struct settings *s, const struct store_pruned *pruned)
{
	AUTO_FREE char *size = storage_size(pruned->items.bytes);
	AUTO_FREE char *images =
		xasprintf("%llu image%s and ", (unsigned long long)pruned->names,
			  pruned->names == 1 ? "" : "s");

	cli_line(stdout, "%s: %s%llu file%s and folder%s of the store, %s",
		 s->what.dry_run ? "would be removed" : "removed",
		 s->what.names ? images : "", (unsigned long long)pruned->items.count,
		 pruned->items.count == 1 ? "" : "s", pruned->items.count == 1 ? "" : "s",
		 size);
}

static int prune(void *settings, struct err *e)
{
	struct settings *s = settings;
	struct store_pruned pruned;
	struct store *store = NULL;
	int r = storage_open(&store, s->root, true, e);

	if (s->what.dry_run)
		s->what.tell = list;
	if (r == 0)
		r = store_prune(store, &s->what, &pruned, e);
	if (r == 0)
		tell(s, &pruned);
	store_close(store);
	return r;
}

const struct command cmd_prune = {
	.name = "prune",
	.summary = "remove from the store what no image needs",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = prune,
};
