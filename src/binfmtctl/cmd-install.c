/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/mount.h"
#include "binfmt/native.h"
#include "binfmtctl/command.h"
#include "cli/output.h"

struct install {
	const struct settings *settings;
	struct binfmt_archs archs;
	struct binfmt_instance instance;
	struct binfmt_entries live; /* before this run changed anything */
	bool *native;		    /* per architecture */
	bool *done;
	unsigned installed, failed;
};

static void install_free(struct install *in)
{
	binfmt_archs_free(&in->archs);
	binfmt_instance_close(&in->instance);
	binfmt_entries_free(&in->live);
	free(in->native);
	free(in->done);
}

static void report(const char *what, const char *result)
{
	fprintf(stderr, "installing: %s %s\n", what, result);
}

static void report_failure(struct install *in, const char *what, struct err *e)
{
	AUTO_FREE char *text = err_message(e);

	in->failed++;
	fprintf(stderr, "installing: %s failed: %s\n", what, text);
	err_free(e);
}

/* Says how an entry that is there differs from the one that was wanted. */
static int conflict(const struct binfmt_entry *there, const struct binfmt_entry *wanted,
		    struct err *e)
{
	AUTO_STRBUF struct strbuf a = STRBUF_INIT;
	AUTO_STRBUF struct strbuf b = STRBUF_INIT;

	if (binfmt_entry_format(there, &a, e) < 0 ||
	    binfmt_entry_format(wanted, &b, e) < 0)
		return -EEXIST;
	return err_set(e, -EEXIST,
		       "a different %s is installed (--replace puts the new one in its "
		       "place)\n    installed: %s%s\n    wanted:    %s",
		       wanted->name, a.data, there->other_flags, b.data);
}

/* A replacement that was killed half way leaves its bridge. */
static int remove_bridge(struct install *in, const char *name, struct err *e)
{
	AUTO_FREE char *bridge = xasprintf("%s.new", name);

	if (!binfmt_entries_find(&in->live, bridge))
		return 0;
	return binfmt_kernel_remove(in->instance.fd, bridge, e);
}

static int read_back(int fd, const struct binfmt_entry *wanted, struct err *e)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry shown = {0};
	int r = binfmt_kernel_get(fd, wanted->name, &shown, e);

	if (r < 0)
		return err_wrap(e, r, "the kernel took the entry, and then");
	if (!shown.enabled || !binfmt_entry_equal(&shown, wanted)) {
		AUTO_STRBUF struct strbuf a = STRBUF_INIT;

		(void)binfmt_entry_format(&shown, &a, NULL); /* only to show it */
		return err_set(e, -EIO, "the kernel made something else of it: %s",
			       a.data);
	}
	return 0;
}

/* Puts one entry into the kernel; *how says what had to be done. */
static int install_entry(struct install *in, const struct binfmt_entry *wanted,
			 const char **how, struct err *e)
{
	const struct binfmt_entry *there = binfmt_entries_find(&in->live, wanted->name);
	int fd = in->instance.fd;
	int r;

	if (!there) {
		r = binfmt_kernel_register(fd, wanted, e);
		*how = "OK";
	} else if (!binfmt_entry_equal(there, wanted)) {
		if (!in->settings->replace)
			return conflict(there, wanted, e);
		r = binfmt_kernel_replace(fd, wanted, e);
		*how = "OK (replaced)";
	} else if (in->settings->replace) {
		/* Flag F may have pinned an older file that stood at the same path. */
		r = binfmt_kernel_replace(fd, wanted, e);
		*how = "OK (renewed)";
	} else if (!there->enabled) {
		r = binfmt_kernel_set_enabled(fd, wanted->name, true, e);
		*how = "OK (enabled again)";
	} else {
		*how = "OK (already installed)";
		r = 0;
	}
	if (r == 0)
		r = read_back(fd, wanted, e);
	return r < 0 ? r : remove_bridge(in, wanted->name, e);
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
	AUTO_BINFMT_PLAN struct binfmt_plan plan = {0};
	AUTO_ERR struct err e = ERR_INIT;
	const char *how = "OK";
	int r;

	r = binfmt_plan_make(&plan, arch, &in->settings->plan, &e);
	if (r == -ENOENT && !asked) {
		fprintf(stderr, "installing: %s skipped: %s\n", label, e.text);
		return;
	}
	for (size_t i = 0; r == 0 && i < plan.entries.n; i++)
		r = in->settings->dry_run
			    ? print_entry(&plan.entries.v[i], &e)
			    : install_entry(in, &plan.entries.v[i], &how, &e);
	if (r < 0) {
		report_failure(in, label, &e);
		return;
	}
	in->installed++;
	if (!in->settings->dry_run)
		report(label, how);
}

/* asked: by its name, not by `all`. */
static void install_one(struct install *in, size_t i, const char *label, bool asked)
{
	if (in->done[i])
		return;
	in->done[i] = true;
	if (in->native[i])
		report(label, "skipped: this machine runs it itself");
	else
		install_arch(in, &in->archs.v[i], label, asked);
}

static void install_all(struct install *in)
{
	for (size_t i = 0; i < in->archs.n; i++) {
		AUTO_FREE char *label = binfmt_arch_label(&in->archs.v[i]);

		install_one(in, i, label, false);
	}
	if (in->installed == 0 && in->failed == 0) {
		AUTO_ERR struct err e = ERR_INIT;

		err_set(&e, -ENOENT,
			"no qemu was found (install the package qemu-user-static or "
			"qemu-user, or name its folder with --qemu-dir)");
		report_failure(in, "all", &e);
	}
}

static void install_name(struct install *in, const char *name)
{
	const struct binfmt_arch *arch = binfmt_archs_find(&in->archs, name);
	AUTO_FREE char *near = NULL;
	AUTO_ERR struct err e = ERR_INIT;

	if (arch) {
		install_one(in, (size_t)(arch - in->archs.v), name, true);
		return;
	}
	near = binfmt_archs_nearest(&in->archs, name);
	if (near)
		err_set(&e, -EINVAL, "unknown architecture '%s' (did you mean '%s'?)",
			name, near);
	else
		err_set(&e, -EINVAL, "unknown architecture '%s' (see %s --list)", name,
			PROGRAM);
	report_failure(in, name, &e);
}

static void tell_about_instance(const struct install *in)
{
	if (in->instance.module_loaded)
		cli_message(PROGRAM, "loaded the kernel module binfmt_misc");
	if (in->instance.mounted)
		cli_message(PROGRAM, "mounted binfmt_misc on %s",
			    in->settings->mount_point);
	if (in->instance.private_table)
		cli_message(PROGRAM, "this is the private table of a user namespace: it "
				     "ends with it, and nothing else sees it");
	if (binfmt_kernel_enabled(in->instance.fd, NULL) == 0)
		cli_message(PROGRAM,
			    "binfmt_misc is disabled as a whole, so that no handler runs "
			    "(`echo 1 >%s/status` enables it)",
			    in->settings->mount_point);
}

static int prepare(struct install *in, struct err *e)
{
	const struct settings *s = in->settings;
	int r = binfmt_archs_load(&in->archs, s->config_dir, e);

	if (r < 0)
		return r;
	in->native = xcalloc(in->archs.n + 1, sizeof *in->native);
	in->done = xcalloc(in->archs.n + 1, sizeof *in->done);
	if (!s->dry_run) {
		r = binfmt_instance_open(&in->instance, s->mount_point, e);
		if (r == 0)
			r = binfmt_kernel_list(in->instance.fd, &in->live, e);
		if (r < 0)
			return r;
		tell_about_instance(in);
	}
	return binfmt_native_probe(&in->archs, &in->live, in->native, e);
}

static int run(const struct settings *settings)
{
	CLEAN(install_free)
	struct install in = {.settings = settings, .instance = BINFMT_INSTANCE_INIT};
	AUTO_ERR struct err e = ERR_INIT;
	int status;

	if (prepare(&in, &e) < 0)
		return fail(&e);
	for (size_t i = 0; i < settings->names.n; i++) {
		const char *name = settings->names.v[i];

		if (strcmp(name, "all") == 0)
			install_all(&in);
		else
			install_name(&in, name);
	}
	status = settings->dry_run ? 0 : print_status(settings);
	return in.failed ? STATUS_FAILED : status;
}

const struct command cmd_install = {
	.action = OPT_INSTALL,
	.run = run,
	.caps = change_caps,
	.ncaps = 2, /* all of them */
};
