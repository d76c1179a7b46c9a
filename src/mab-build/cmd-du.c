/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/storage.h"

enum option_id {
	OPT_JSON = 1,
	OPT_VERBOSE,
};

static const struct cli_option options[] = {
	{OPT_VERBOSE, "verbose", .letter = 'v',
	 .help = "each thing, the one used least recently first"},
	{OPT_JSON, "json", .help = "as JSON, in bytes"},
	STORAGE_OPTION,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " du",
	.usage = PROGRAM " du [OPTION…]",
	.summary = "Shows what the store takes on the disk, and how much of it prune "
		   "could remove.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	const char *root;
	bool json, verbose;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	(void)e;
	switch (option->id) {
	case OPT_JSON:
		s->json = true;
		return 0;
	case OPT_VERBOSE:
		s->verbose = true;
		return 0;
	default:
		s->root = value;
		return 0;
	}
}

static int take(void *settings, int n, char **words, struct err *e)
{
	(void)settings;
	return n ? err_set(e, -EINVAL, "du takes no '%s'", words[0]) : 0;
}

/* --- The rows: as people read them, and their keys in JSON --- */

enum { ROWS = 8 };

static void set_rows(const struct store_usage *u, const struct store_amount *rows[ROWS],
		     struct store_amount *total)
{
	const struct store_amount *parts[] = {
		&u->names,  &u->blobs,	 &u->snapshots,
		&u->caches, &u->records, &u->leftovers,
	};

	*total = (struct store_amount){0, 0};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		rows[i] = parts[i];
		total->count += parts[i]->count;
		total->bytes += parts[i]->bytes;
	}
	rows[ROWS - 2] = total;
	rows[ROWS - 1] = &u->reclaimable;
}

static const char *state(const struct store_item *item)
{
	return item->in_use ? "in use" : item->needed ? "needed" : "reclaimable";
}

static void print_items(const struct store_items *items)
{
	AUTO_TABLE struct cli_table table = {.columns = 4};

	cli_table_row(&table, (const char *[]){"SIZE", "LAST USED", "STATE", "WHAT"});
	for (size_t i = 0; i < items->n; i++) {
		const struct store_item *item = &items->v[i];
		AUTO_FREE char *size = storage_size(item->bytes);
		AUTO_FREE char *used = storage_ago(item->used);
		AUTO_FREE char *name = xasprintf("%s/%s", item->folder, item->name);

		cli_table_row(&table, (const char *[]){size, used, state(item), name});
	}
	cli_table_print(&table, stdout);
	putchar('\n');
}

static void print(const struct store_usage *usage)
{
	static const char *const names[ROWS] = {
		"images",  "blobs",	"unpacked layers", "caches of RUN",
		"records", "leftovers", "total",	   "reclaimable",
	};
	AUTO_TABLE struct cli_table table = {.columns = 3};
	const struct store_amount *rows[ROWS];
	struct store_amount total;

	set_rows(usage, rows, &total);
	cli_table_row(&table, (const char *[]){"WHAT", "COUNT", "SIZE"});
	for (size_t i = 0; i < ROWS; i++) {
		AUTO_FREE char *count =
			xasprintf("%llu", (unsigned long long)rows[i]->count);
		AUTO_FREE char *size = storage_size(rows[i]->bytes);

		cli_table_row(&table, (const char *[]){names[i], count, size});
	}
	cli_table_print(&table, stdout);
}

static struct cli_json *json_items(const struct store_items *items)
{
	struct cli_json *array = cli_json_array();

	for (size_t i = 0; i < items->n; i++) {
		const struct store_item *item = &items->v[i];
		AUTO_FREE char *name = xasprintf("%s/%s", item->folder, item->name);
		struct cli_json *object = cli_json_object();

		cli_json_set_string(object, "name", name);
		cli_json_set_number(object, "bytes", (long long)item->bytes);
		cli_json_set_number(object, "used", (long long)item->used);
		cli_json_set_bool(object, "needed", item->needed);
		cli_json_set_bool(object, "in-use", item->in_use);
		cli_json_add(array, object);
	}
	return array;
}

static void print_json(const struct store *store, const struct store_usage *usage,
		       const struct store_items *items)
{
	static const char *const keys[ROWS] = {
		"images",  "blobs",	"snapshots", "caches",
		"records", "leftovers", "total",     "reclaimable",
	};
	struct cli_json *object = cli_json_object();
	const struct store_amount *rows[ROWS];
	struct store_amount total;

	set_rows(usage, rows, &total);
	cli_json_set_string(object, "root", store_path(store));
	for (size_t i = 0; i < ROWS; i++) {
		struct cli_json *row = cli_json_object();

		cli_json_set_number(row, "count", (long long)rows[i]->count);
		cli_json_set_number(row, "bytes", (long long)rows[i]->bytes);
		cli_json_set(object, keys[i], row);
	}
	if (items)
		cli_json_set(object, "items", json_items(items));
	cli_json_print(object, stdout);
}

static int du(void *settings, struct err *e)
{
	const struct settings *s = settings;
	AUTO_STORE_ITEMS struct store_items items = {0};
	struct store_usage usage;
	struct store *store = NULL;
	int r = storage_open(&store, s->root, true, e);

	if (r == 0)
		r = store_usage(store, &usage, s->verbose ? &items : NULL, e);
	if (r == 0 && s->json)
		print_json(store, &usage, s->verbose ? &items : NULL);
	if (r == 0 && !s->json) {
		if (s->verbose)
			print_items(&items);
		print(&usage);
	}
	store_close(store);
	return r;
}

const struct command cmd_du = {
	.name = "du",
	.summary = "show what the store takes",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = du,
};
