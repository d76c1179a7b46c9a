/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "binfmt/native.h"
#include "binfmtctl/session.h"
#include "cli/output.h"

struct row {
	const struct binfmt_arch *arch;
	bool native;
	bool installed;
	struct binfmt_interpreter found; /* path NULL: none */
};

static const char *state(const struct row *row)
{
	if (row->native)
		return "native";
	return row->installed ? "installed" : "not installed";
}

static bool is_installed(const struct binfmt_arch *arch,
			 const struct binfmt_entries *live)
{
	for (size_t i = 0; i < arch->nmagics; i++) {
		AUTO_FREE char *name = binfmt_arch_entry_name(arch, i);

		if (!binfmt_entries_find(live, name))
			return false;
	}
	return true;
}

static struct row make_row(const struct binfmt_arch *arch, bool native,
			   const struct binfmt_entries *live, const char *qemu_dir)
{
	struct row row = {.arch = arch, .native = native};

	row.installed = is_installed(arch, live);
	if (binfmt_interpreter_find(&row.found, arch, qemu_dir, NULL) == 0)
		binfmt_interpreter_read_version(&row.found, arch->qemu);
	return row;
}

static struct cli_json *json_row(const struct row *row)
{
	struct cli_json *j = cli_json_object();

	cli_json_set_string(j, "architecture", row->arch->name);
	cli_json_set_strings(j, "platforms", &row->arch->platforms);
	cli_json_set_strings(j, "names", &row->arch->names);
	cli_json_set_bool(j, "native", row->native);
	cli_json_set_bool(j, "installed", row->installed);
	if (row->found.path)
		cli_json_set_string(j, "qemu", row->found.path);
	if (row->found.version[0])
		cli_json_set_string(j, "version", row->found.version);
	return j;
}

static void add_row(struct cli_table *t, const struct row *row)
{
	AUTO_STRBUF struct strbuf platforms = STRBUF_INIT;

	for (size_t i = 0; i < row->arch->platforms.n; i++)
		strbuf_addf(&platforms, "%s%s", i ? " " : "", row->arch->platforms.v[i]);
	cli_table_row(t, (const char *const[]){
				 row->arch->name, platforms.data, state(row),
				 row->found.path ? row->found.path : "no qemu found",
				 row->found.version});
}

static int run(const struct settings *settings)
{
	static const char *const heading[] = {"ARCHITECTURE", "PLATFORMS", "STATE",
					      "QEMU", "VERSION"};
	bool json = settings->json || !isatty(STDOUT_FILENO);
	struct cli_json *rows = json ? cli_json_array() : NULL;
	AUTO_TABLE struct cli_table t = {.columns = ARRAY_SIZE(heading)};
	AUTO_SESSION struct session session = SESSION_INIT(settings);
	const struct binfmt_archs *archs = &session.archs;
	AUTO_FREE bool *native = NULL;
	AUTO_ERR struct err e = ERR_INIT;
	int r = session_open_view_only(&session, &e);

	native = xcalloc(archs->n + 1, sizeof *native);
	if (r == 0)
		r = binfmt_native_probe(archs, &session.live, native, &e);
	if (r < 0)
		return fail(&e);
	cli_table_row(&t, heading);
	for (size_t i = 0; i < archs->n; i++) {
		struct row row = make_row(&archs->v[i], native[i], &session.live,
					  settings->plan.qemu_dir);

		if (json)
			cli_json_add(rows, json_row(&row));
		else
			add_row(&t, &row);
		binfmt_interpreter_free(&row.found);
	}
	if (json)
		cli_json_print(rows, stdout);
	else
		cli_table_print(&t, stdout);
	return 0;
}

const struct command cmd_list = {
	.action = OPT_LIST,
	.run = run,
	.caps = view_caps,
	.ncaps = VIEW_CAPS,
	.unprivileged = true,
};
