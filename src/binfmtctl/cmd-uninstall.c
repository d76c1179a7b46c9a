/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmtctl/persist.h"
#include "binfmtctl/session.h"

static const char verb[] = "uninstalling";

struct uninstall {
	struct session session;
	bool *removed; /* per live entry */
};

static void uninstall_free(struct uninstall *un)
{
	session_close(&un->session);
	free(un->removed);
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
 * Whether a word of the command line selects a live entry. `all` and patterns select
 * entries of known architectures only; any other has to be named in full.
 */
static bool selects(const struct uninstall *un, const char *word,
		    const struct binfmt_arch *wanted, const struct binfmt_entry *entry)
{
	const struct binfmt_arch *arch =
		binfmt_archs_find_entry(&un->session.archs, entry->name);

	if (strcmp(word, "all") == 0)
		return arch != NULL;
	if (strpbrk(word, "*?["))
		return arch &&
		       (fnmatch(word, entry->name, 0) == 0 || name_matches(arch, word));
	return wanted ? arch == wanted : strcmp(entry->name, word) == 0;
}

static void remove_entry(struct uninstall *un, size_t i, const char *label)
{
	const char *name = un->session.live.v[i].name;
	AUTO_ERR struct err e = ERR_INIT;

	un->removed[i] = true;
	if (un->session.settings->dry_run)
		puts(name);
	else if (session_remove_entry(&un->session, name, &e) < 0)
		session_report_failure(&un->session, verb, label, &e);
	else if (binfmt_ledger_has_displaced(&un->session.ledger, name))
		session_report(verb, label, "OK (--restore puts back what it displaced)");
	else
		session_report(verb, label, "OK");
}

static void uninstall_word(struct uninstall *un, const char *word)
{
	const struct binfmt_entries *live = &un->session.live;
	bool many = strcmp(word, "all") == 0 || strpbrk(word, "*?[");
	const struct binfmt_arch *wanted =
		many ? NULL : binfmt_archs_find(&un->session.archs, word);
	bool found = false;

	for (size_t i = 0; i < live->n; i++) {
		if (!selects(un, word, wanted, &live->v[i]))
			continue;
		found = true;
		if (un->removed[i])
			continue;
		if (many && !session_owns(&un->session, &live->v[i]))
			session_report(verb, live->v[i].name,
				       "skipped: something else installed it (name it in "
				       "full to remove it)");
		else
			remove_entry(un, i, many ? live->v[i].name : word);
	}
	if (found)
		return;
	if (many || wanted)
		session_report(verb, word, "OK (not installed)");
	else
		session_report_unknown(&un->session, verb, word,
				       "no architecture and no entry is called");
}

static void persist_removal(struct uninstall *un, const struct binfmt_arch *arch,
			    const char *label)
{
	AUTO_ERR struct err e = ERR_INIT;

	if (persist_remove_arch(un->session.settings, arch, &e) < 0)
		session_report_failure(&un->session, "persisting", label, &e);
	else
		session_report("persisting", label, "OK");
}

/* Takes out of the configuration what the word selects, installed now or not. */
static void persist_word(struct uninstall *un, const char *word)
{
	const struct binfmt_archs *archs = &un->session.archs;
	const struct binfmt_arch *wanted = binfmt_archs_find(archs, word);

	if (strcmp(word, "all") == 0) {
		persist_removal(un, NULL, word);
		return;
	}
	if (wanted)
		persist_removal(un, wanted, word);
	for (size_t i = 0; i < archs->n && strpbrk(word, "*?["); i++) {
		AUTO_FREE char *name = binfmt_arch_entry_name(&archs->v[i], 0);

		if (fnmatch(word, name, 0) == 0 || name_matches(&archs->v[i], word))
			persist_removal(un, &archs->v[i], name);
	}
}

static int run(const struct settings *settings)
{
	CLEAN(uninstall_free) struct uninstall un = {.session = SESSION_INIT(settings)};
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	/* What is installed shows only where it is mounted: it is mounted for that. */
	r = session_open(&un.session, &e);
	if (r < 0)
		return fail(&e);
	un.removed = xcalloc(un.session.live.n + 1, sizeof *un.removed);
	for (size_t i = 0; i < settings->names.n; i++)
		uninstall_word(&un, settings->names.v[i]);
	for (size_t i = 0;
	     settings->persist && !settings->dry_run && i < settings->names.n; i++)
		persist_word(&un, settings->names.v[i]);
	return session_finish(&un.session);
}

const struct command cmd_uninstall = {
	.action = OPT_UNINSTALL,
	.run = run,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};
