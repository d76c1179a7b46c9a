/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/native.h"
#include "binfmtctl/session.h"

static const char verb[] = "installing";

struct install {
	struct session session;
	bool *native; /* per architecture */
	bool *done;
	unsigned installed;
};

static void install_free(struct install *in)
{
	session_close(&in->session);
	free(in->native);
	free(in->done);
}

static int print_entry(const struct binfmt_entry *entry, struct err *e)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	int r = binfmt_entry_format(entry, &s, e);

	if (r == 0)
		puts(s.data);
	return r;
}

static void install_arch(struct install *in, const struct binfmt_arch *arch,
			 const char *label, bool asked)
{
	const struct settings *s = in->session.settings;
	AUTO_BINFMT_PLAN struct binfmt_plan plan = {0};
	AUTO_ERR struct err e = ERR_INIT;
	const char *how = "OK";
	int r = binfmt_plan_make(&plan, arch, &s->plan, &e);

	if (r == -ENOENT && !asked) {
		fprintf(stderr, "%s: %s skipped: %s\n", verb, label, e.text);
		return;
	}
	for (size_t i = 0; r == 0 && i < plan.entries.n; i++)
		r = s->dry_run ? print_entry(&plan.entries.v[i], &e)
			       : session_install_entry(&in->session, &plan.entries.v[i],
						       s->replace, &how, &e);
	if (r < 0) {
		session_report_failure(&in->session, verb, label, &e);
		return;
	}
	in->installed++;
	if (!s->dry_run)
		session_report(verb, label, how);
}

/* asked: by its name, not by `all`. */
static void install_one(struct install *in, size_t i, const char *label, bool asked)
{
	if (in->done[i])
		return;
	in->done[i] = true;
	if (in->native[i])
		session_report(verb, label, "skipped: this machine runs it itself");
	else
		install_arch(in, &in->session.archs.v[i], label, asked);
}

static void install_all(struct install *in)
{
	const struct binfmt_archs *archs = &in->session.archs;
	AUTO_ERR struct err e = ERR_INIT;

	for (size_t i = 0; i < archs->n; i++) {
		AUTO_FREE char *label = binfmt_arch_label(&archs->v[i]);

		install_one(in, i, label, false);
	}
	if (in->installed || in->session.failed)
		return;
	err_set(&e, -ENOENT,
		"no qemu was found (install the package qemu-user-static or qemu-user, "
		"or name its folder with --qemu-dir)");
	session_report_failure(&in->session, verb, "all", &e);
}

static void install_name(struct install *in, const char *name)
{
	const struct binfmt_archs *archs = &in->session.archs;
	const struct binfmt_arch *arch = binfmt_archs_find(archs, name);

	if (strcmp(name, "all") == 0)
		install_all(in);
	else if (arch)
		install_one(in, (size_t)(arch - archs->v), name, true);
	else
		session_report_unknown(&in->session, verb, name, "unknown architecture");
}

static int prepare(struct install *in, struct err *e)
{
	const struct binfmt_archs *archs = &in->session.archs;
	int r = in->session.settings->dry_run ? session_open_view(&in->session, e)
					      : session_open_change(&in->session, e);

	if (r < 0)
		return r;
	in->native = xcalloc(archs->n + 1, sizeof *in->native);
	in->done = xcalloc(archs->n + 1, sizeof *in->done);
	return binfmt_native_probe(archs, &in->session.live, in->native, e);
}

static int run(const struct settings *settings)
{
	CLEAN(install_free) struct install in = {.session = SESSION_INIT(settings)};
	AUTO_ERR struct err e = ERR_INIT;
	int status;

	if (prepare(&in, &e) < 0)
		return fail(&e);
	for (size_t i = 0; i < settings->names.n; i++)
		install_name(&in, settings->names.v[i]);
	status = settings->dry_run ? 0 : print_status(settings);
	return in.session.failed ? STATUS_FAILED : status;
}

const struct command cmd_install = {
	.action = OPT_INSTALL,
	.run = run,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};
