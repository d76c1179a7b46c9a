/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "binfmt/debian.h"
#include "binfmt/native.h"
#include "binfmtctl/session.h"

static const char verb[] = "exporting";

struct export
{
	struct session session;
	bool *native; /* per architecture */
	int dirfd;    /* of --output; -1: stdout */
};

static void export_free(struct export *ex)
{
	session_close(&ex->session);
	free(ex->native);
	clean_close(&ex->dirfd);
}

static int format(enum export_form form, const struct binfmt_entry *entry,
		  struct strbuf *s, struct err *e)
{
	int r;

	if (form == EXPORT_DEBIAN)
		return binfmt_debian_format(entry, PROGRAM, s, e);
	r = binfmt_entry_validate(entry, e);
	if (r == 0)
		r = binfmt_entry_format(entry, s, e);
	if (r == 0)
		strbuf_addc(s, '\n');
	return r;
}

static int write_file(const struct export *ex, const struct binfmt_entry *entry,
		      const struct strbuf *text, struct err *e)
{
	bool conf = ex->session.settings->export_form == EXPORT_BINFMT_D;
	AUTO_FREE char *name = xasprintf("%s%s", entry->name, conf ? ".conf" : "");

	if (conf && name[0] == '.')
		return err_set(e, -EINVAL,
			       "systemd-binfmt does not read files whose names start "
			       "with a dot");
	return file_write_at(ex->dirfd, name, text->data, text->len, 0644, e);
}

/* One entry, or what keeps it from being said, under this label. */
static void export_entry(struct export *ex, const struct binfmt_entry *entry,
			 const char *label)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	int r = format(ex->session.settings->export_form, entry, &text, &e);

	if (r == 0 && ex->dirfd >= 0)
		r = write_file(ex, entry, &text, &e);
	if (r < 0)
		session_report_failure(&ex->session, verb, label, &e);
	else if (ex->dirfd >= 0)
		session_report(verb, entry->name, "OK");
	else
		fputs(text.data, stdout);
}

/* The kernel lists newest first: what is read again in this order ends as it is now. */
static void export_live(struct export *ex)
{
	const struct binfmt_entries *live = &ex->session.live;

	for (size_t i = live->n; i > 0; i--) {
		const struct binfmt_entry *entry = &live->v[i - 1];

		if (entry->enabled)
			export_entry(ex, entry, entry->name);
		else
			session_report(verb, entry->name, "skipped: it is disabled");
	}
}

static void export_arch(struct export *ex, size_t i, const char *label, bool asked)
{
	const struct binfmt_arch *arch = &ex->session.archs.v[i];
	AUTO_BINFMT_PLAN struct binfmt_plan plan = {0};
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	if (ex->native[i]) {
		session_report(verb, label, "skipped: this machine runs it itself");
		return;
	}
	r = binfmt_plan_make(&plan, arch, &ex->session.settings->plan, &e);
	if (r == -ENOENT && !asked)
		session_report(verb, label, "skipped: no qemu for it was found");
	else if (r < 0)
		session_report_failure(&ex->session, verb, label, &e);
	for (size_t k = 0; r == 0 && k < plan.entries.n; k++)
		export_entry(ex, &plan.entries.v[k], label);
}

static void export_name(struct export *ex, const char *name)
{
	const struct binfmt_archs *archs = &ex->session.archs;
	const struct binfmt_arch *arch = binfmt_archs_find(archs, name);
	bool all = strcmp(name, "all") == 0;

	for (size_t i = 0; all && i < archs->n; i++) {
		AUTO_FREE char *label = binfmt_arch_label(&archs->v[i]);

		export_arch(ex, i, label, false);
	}
	if (!all && arch)
		export_arch(ex, (size_t)(arch - archs->v), name, true);
	else if (!all)
		session_report_unknown(&ex->session, verb, name, "unknown architecture");
}

static int open_output(struct export *ex, struct err *e)
{
	const char *path = ex->session.settings->output;

	if (!path)
		return 0;
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, -errno, "cannot make the folder %s", path);
	ex->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ex->dirfd < 0 ? err_sys(e, -errno, "cannot open the folder %s", path) : 0;
}

static int run(const struct settings *settings)
{
	CLEAN(export_free)
	struct export ex = {.session = SESSION_INIT(settings), .dirfd = -1};
	const struct binfmt_archs *archs = &ex.session.archs;
	AUTO_ERR struct err e = ERR_INIT;
	int r = session_open_view(&ex.session, &e);

	if (r == 0)
		r = open_output(&ex, &e);
	ex.native = xcalloc(archs->n + 1, sizeof *ex.native);
	if (r == 0 && settings->names.n)
		r = binfmt_native_probe(archs, &ex.session.live, ex.native, &e);
	if (r < 0)
		return fail(&e);
	for (size_t i = 0; i < settings->names.n; i++)
		export_name(&ex, settings->names.v[i]);
	if (settings->names.n == 0)
		export_live(&ex);
	return ex.session.failed ? STATUS_FAILED : 0;
}

const struct command cmd_export = {
	.action = OPT_EXPORT,
	.run = run,
};
