/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/mount.h"
#include "binfmtctl/command.h"
#include "cli/output.h"

struct uninstall {
	const struct settings *settings;
	struct binfmt_archs archs;
	struct binfmt_instance instance;
	struct binfmt_entries live;
	bool *removed; /* per live entry */
	bool failed;
};

static void uninstall_free(struct uninstall *un)
{
	binfmt_archs_free(&un->archs);
	binfmt_instance_close(&un->instance);
	binfmt_entries_free(&un->live);
	free(un->removed);
}

static void report(const char *what, const char *result)
{
	fprintf(stderr, "uninstalling: %s %s\n", what, result);
}

static void report_failure(struct uninstall *un, const char *what, struct err *e)
{
	AUTO_FREE char *text = err_message(e);

	un->failed = true;
	fprintf(stderr, "uninstalling: %s failed: %s\n", what, text);
	err_free(e);
}

/* The architecture that an entry belongs to; a replacement's bridge counts as the entry.
 */
static const struct binfmt_arch *arch_of(const struct uninstall *un,
					 const struct binfmt_entry *entry)
{
	AUTO_FREE char *name = xstrdup(entry->name);
	size_t n = strlen(name);

	if (n > 4 && strcmp(name + n - 4, ".new") == 0)
		name[n - 4] = '\0';
	return binfmt_archs_find_entry(&un->archs, name);
}

static bool name_matches(const struct binfmt_arch *arch, const char *pattern)
{
	for (size_t i = 0; i < arch->names.n; i++)
		if (fnmatch(pattern, arch->names.v[i], 0) == 0)
			return true;
	for (size_t i = 0; i < arch->platforms.n; i++)
		if (fnmatch(pattern, arch->platforms.v[i], 0) == 0)
			return true;
	return fnmatch(pattern, arch->name, 0) == 0;
}

/*
 * Whether a word of the command line selects a live entry. A pattern selects entries of
 * known architectures only: others' entries, whatever they are called, are left alone
 * unless they are named in full.
 */
static bool selects(const struct uninstall *un, const char *word,
		    const struct binfmt_arch *wanted, const struct binfmt_entry *entry)
{
	const struct binfmt_arch *arch = arch_of(un, entry);

	if (strcmp(word, "all") == 0)
		return arch != NULL;
	if (strpbrk(word, "*?["))
		return arch &&
		       (fnmatch(word, entry->name, 0) == 0 || name_matches(arch, word));
	return wanted ? arch == wanted : strcmp(entry->name, word) == 0;
}

static void remove_entry(struct uninstall *un, size_t i, const char *label)
{
	const char *name = un->live.v[i].name;
	AUTO_ERR struct err e = ERR_INIT;

	un->removed[i] = true;
	if (un->settings->dry_run) {
		puts(name);
		return;
	}
	if (binfmt_kernel_remove(un->instance.fd, name, &e) < 0)
		report_failure(un, label, &e);
	else
		report(label, "OK");
}

static void unknown(struct uninstall *un, const char *word)
{
	AUTO_FREE char *near = binfmt_archs_nearest(&un->archs, word);
	AUTO_ERR struct err e = ERR_INIT;

	if (near)
		err_set(&e, -EINVAL,
			"neither an architecture nor an entry (did you mean '%s'?)",
			near);
	else
		err_set(&e, -EINVAL, "neither an architecture nor an entry");
	report_failure(un, word, &e);
}

static void uninstall_word(struct uninstall *un, const char *word)
{
	bool many = strcmp(word, "all") == 0 || strpbrk(word, "*?[");
	const struct binfmt_arch *wanted =
		many ? NULL : binfmt_archs_find(&un->archs, word);
	bool found = false;

	for (size_t i = 0; i < un->live.n; i++) {
		if (!selects(un, word, wanted, &un->live.v[i]))
			continue;
		found = true;
		if (!un->removed[i])
			remove_entry(un, i, many ? un->live.v[i].name : word);
	}
	if (found || un->settings->dry_run)
		return;
	if (many || wanted)
		report(word, "OK (not installed)");
	else
		unknown(un, word);
}

/* Without a mount there is nothing to show what is installed: it is mounted for that. */
static int prepare(struct uninstall *un, struct err *e)
{
	const struct settings *s = un->settings;
	int r = binfmt_archs_load(&un->archs, s->config_dir, e);

	if (r == 0)
		r = s->dry_run ? binfmt_instance_find(&un->instance, s->mount_point, e)
			       : binfmt_instance_open(&un->instance, s->mount_point, e);
	if (r == 0)
		r = binfmt_kernel_list(un->instance.fd, &un->live, e);
	if (r < 0)
		return r;
	un->removed = xcalloc(un->live.n + 1, sizeof *un->removed);
	return 0;
}

static int run(const struct settings *settings)
{
	CLEAN(uninstall_free)
	struct uninstall un = {.settings = settings, .instance = BINFMT_INSTANCE_INIT};
	AUTO_ERR struct err e = ERR_INIT;
	int status;

	if (prepare(&un, &e) < 0)
		return fail(&e);
	for (size_t i = 0; i < settings->names.n; i++)
		uninstall_word(&un, settings->names.v[i]);
	status = settings->dry_run ? 0 : print_status(settings);
	return un.failed ? STATUS_FAILED : status;
}

const struct command cmd_uninstall = {
	.action = OPT_UNINSTALL,
	.run = run,
	.caps = change_caps,
	.ncaps = 2, /* all of them */
};
