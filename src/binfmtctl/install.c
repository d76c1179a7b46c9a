/* SPDX-License-Identifier: MIT */
#include "binfmtctl/install.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/native.h"

static const char verb[] = "installing";

int install_open(struct install *in, struct err *e)
{
	int r = session_open(&in->session, e);

	return r < 0 ? r : install_begin(in, e);
}

int install_begin(struct install *in, struct err *e)
{
	const struct binfmt_archs *archs = &in->session.archs;

	in->native = xcalloc(archs->n + 1, sizeof *in->native);
	in->done = xcalloc(archs->n + 1, sizeof *in->done);
	in->ok = xcalloc(archs->n + 1, sizeof *in->ok);
	return binfmt_native_probe(archs, &in->session.live, in->native, e);
}

void install_close(struct install *in)
{
	session_close(&in->session);
	free(in->native);
	free(in->done);
	free(in->ok);
}

int print_entry(const struct binfmt_entry *entry, struct err *e)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	int r = binfmt_entry_format(entry, &s, e);

	if (r == 0)
		puts(s.data);
	return r;
}

static void report(const struct install *in, const char *label, const char *result)
{
	if (!in->only_failures)
		session_report(verb, label, result);
}

/* Whether the handler is in the kernel now, or printed as it would be. */
static bool install_arch(struct install *in, const struct binfmt_arch *arch,
			 const char *label, bool asked,
			 const struct binfmt_plan_options *options)
{
	bool dry_run = in->session.settings->dry_run;
	AUTO_BINFMT_PLAN struct binfmt_plan plan = {0};
	AUTO_ERR struct err e = ERR_INIT;
	const char *how = "OK";
	int r = binfmt_plan_make(&plan, arch, options, &e);

	if (r == -ENOENT && !asked) {
		AUTO_FREE char *skipped = xasprintf("skipped: %s", e.text);

		report(in, label, skipped);
		return false;
	}
	for (size_t i = 0; r == 0 && i < plan.entries.n; i++)
		r = dry_run ? print_entry(&plan.entries.v[i], &e)
			    : session_install_entry(&in->session, &plan.entries.v[i],
						    in->replace, &how, &e);
	if (r < 0) {
		session_report_failure(&in->session, verb, label, &e);
		return false;
	}
	if (!dry_run)
		report(in, label, how);
	return true;
}

void install_one(struct install *in, size_t arch, const char *label, bool asked,
		 const struct binfmt_plan_options *options)
{
	if (in->done[arch])
		return;
	in->done[arch] = true;
	if (in->native[arch])
		report(in, label, "skipped: this machine runs it itself");
	else
		in->ok[arch] = install_arch(in, &in->session.archs.v[arch], label, asked,
					    options);
}

void install_all(struct install *in, const struct binfmt_plan_options *options)
{
	const struct binfmt_archs *archs = &in->session.archs;
	AUTO_ERR struct err e = ERR_INIT;
	bool any = false;

	for (size_t i = 0; i < archs->n; i++) {
		AUTO_FREE char *label = binfmt_arch_label(&archs->v[i]);

		install_one(in, i, label, false, options);
		any = any || in->ok[i];
	}
	if (any || in->session.failed)
		return;
	err_set(&e, -ENOENT,
		"no qemu was found (install the package qemu-user-static or qemu-user, "
		"or name its folder with --qemu-dir)");
	session_report_failure(&in->session, verb, "all", &e);
}

bool install_name(struct install *in, const char *name, const struct binfmt_arch **arch)
{
	const struct binfmt_plan_options *options = &in->session.settings->plan;
	const struct binfmt_archs *archs = &in->session.archs;

	*arch = NULL;
	if (strcmp(name, "all") == 0) {
		install_all(in, options);
		return true;
	}
	*arch = binfmt_archs_find(archs, name);
	if (!*arch) {
		session_report_unknown(&in->session, verb, name, "unknown architecture");
		return false;
	}
	install_one(in, (size_t)(*arch - archs->v), name, true, options);
	return in->ok[*arch - archs->v];
}
