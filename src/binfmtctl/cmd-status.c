/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "binfmt/native.h"
#include "binfmt/platform.h"
#include "binfmtctl/session.h"
#include "cli/output.h"

struct status {
	struct session session; /* the live entries are sorted by name */
	int enabled;		/* the instance as a whole */
	struct strv supported;	/* platforms, the machine's own first */
	struct strv emulators;	/* names of the entries that are enabled */
};

static void status_free(struct status *st)
{
	session_close(&st->session);
	strv_free(&st->supported);
	strv_free(&st->emulators);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct binfmt_entry *)a)->name,
		      ((const struct binfmt_entry *)b)->name);
}

static int gather_live(struct status *st, struct err *e)
{
	struct binfmt_entries *live = &st->session.live;
	int r = session_open_view_only(&st->session, e);

	if (r < 0 || st->session.instance.fd < 0)
		return r;
	st->enabled = binfmt_kernel_enabled(st->session.instance.fd, e);
	if (st->enabled < 0)
		return st->enabled;
	if (live->n)
		qsort(live->v, live->n, sizeof *live->v, compare_names);
	return 0;
}

static int gather_platforms(struct status *st, struct err *e)
{
	AUTO_FREE bool *native = xcalloc(st->session.archs.n + 1, sizeof *native);
	int r = binfmt_native_probe(&st->session.archs, &st->session.live, native, e);

	if (r == 0)
		r = binfmt_platforms_native(&st->session.archs, native, &st->supported,
					    e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < st->session.live.n; i++) {
		const struct binfmt_entry *entry = &st->session.live.v[i];
		const struct binfmt_arch *arch =
			binfmt_archs_find_entry(&st->session.archs, entry->name);

		if (!entry->enabled || !st->enabled)
			continue;
		strv_add(&st->emulators, entry->name);
		if (arch)
			binfmt_platforms_add(&st->supported, &arch->platforms);
	}
	return 0;
}

static void add_hex(struct strbuf *s, const uint8_t *bytes, size_t n)
{
	strbuf_trim(s, 0);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(s, "%02x", bytes[i]);
}

static struct cli_json *json_entry(const struct status *st,
				   const struct binfmt_entry *entry)
{
	const struct binfmt_arch *arch =
		binfmt_archs_find_entry(&st->session.archs, entry->name);
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	struct cli_json *j = cli_json_object();

	cli_json_set_string(j, "name", entry->name);
	cli_json_set_bool(j, "enabled", entry->enabled);
	if (arch) {
		cli_json_set_string(j, "architecture", arch->name);
		cli_json_set_strings(j, "platforms", &arch->platforms);
	}
	cli_json_set_string(j, "interpreter", entry->interpreter);
	binfmt_flags_format(entry->flags, &s);
	strbuf_adds(&s, entry->other_flags);
	cli_json_set_string(j, "flags", s.data);
	if (entry->extension) {
		cli_json_set_string(j, "extension", entry->extension);
		return j;
	}
	cli_json_set_number(j, "offset", (long long)entry->offset);
	add_hex(&s, entry->magic, entry->size);
	cli_json_set_string(j, "magic", s.data);
	add_hex(&s, entry->mask, entry->size);
	cli_json_set_string(j, "mask", s.data);
	return j;
}

static bool is_mounted(const struct status *st)
{
	return st->session.instance.fd >= 0 && !st->session.instance.unattached;
}

static void print_json(const struct status *st)
{
	struct cli_json *j = cli_json_object();
	struct cli_json *entries = cli_json_array();

	cli_json_set_strings(j, "supported", &st->supported);
	cli_json_set_strings(j, "emulators", &st->emulators);
	cli_json_set_bool(j, "mounted", is_mounted(st));
	cli_json_set_bool(j, "enabled", st->enabled);
	if (!st->session.instance.private_unknown)
		cli_json_set_bool(j, "private", st->session.instance.private_table);
	for (size_t i = 0; i < st->session.live.n; i++)
		cli_json_add(entries, json_entry(st, &st->session.live.v[i]));
	cli_json_set(j, "entries", entries);
	cli_json_print(j, stdout);
}

static char *join(const struct strv *list)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	for (size_t i = 0; i < list->n; i++)
		strbuf_addf(&s, "%s%s", i ? " " : "", list->v[i]);
	return strbuf_take(&s);
}

static void print_table(const struct status *st)
{
	static const char *const heading[] = {"ENTRY", "STATE", "FLAGS", "INTERPRETER",
					      "PLATFORMS"};
	AUTO_TABLE struct cli_table t = {.columns = ARRAY_SIZE(heading)};
	AUTO_FREE char *supported = join(&st->supported);
	const char *point = st->session.settings->mount_point;

	printf("This machine runs: %s\n", supported);
	if (!is_mounted(st) && st->session.live.n == 0)
		printf("No handlers: binfmt_misc is not mounted on %s.\n", point);
	else if (!is_mounted(st))
		printf("Handlers, though binfmt_misc is not mounted on %s:\n", point);
	else if (st->session.live.n == 0)
		printf("No handlers are installed.\n");
	if (st->session.instance.fd >= 0 && !st->enabled)
		printf("binfmt_misc is disabled as a whole: no handler runs.\n");
	if (st->session.live.n == 0)
		return;
	cli_table_row(&t, heading);
	for (size_t i = 0; i < st->session.live.n; i++) {
		const struct binfmt_entry *entry = &st->session.live.v[i];
		const struct binfmt_arch *arch =
			binfmt_archs_find_entry(&st->session.archs, entry->name);
		AUTO_FREE char *platforms = arch ? join(&arch->platforms) : NULL;
		AUTO_STRBUF struct strbuf flags = STRBUF_INIT;

		binfmt_flags_format(entry->flags, &flags);
		strbuf_adds(&flags, entry->other_flags);
		cli_table_row(&t, (const char *const[]){
					  entry->name,
					  entry->enabled ? "enabled" : "disabled",
					  flags.data, entry->interpreter, platforms});
	}
	cli_table_print(&t, stdout);
}

int print_status(const struct settings *settings)
{
	CLEAN(status_free) struct status st = {.session = SESSION_INIT(settings)};
	AUTO_ERR struct err e = ERR_INIT;
	int r = gather_live(&st, &e);

	if (r == 0)
		r = gather_platforms(&st, &e);
	if (r < 0)
		return fail(&e);
	if (settings->json || !isatty(STDOUT_FILENO))
		print_json(&st);
	else
		print_table(&st);
	return 0;
}

const struct command cmd_status = {
	.action = OPT_STATUS,
	.caps = view_caps,
	.ncaps = VIEW_CAPS,
	.unprivileged = true,
	.run = print_status,
};
