/* SPDX-License-Identifier: MIT */

/* --remove, --enable and --disable: entries of any kind, by their own names. */

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "binfmtctl/custom.h"

/* What one of the actions does to an entry that is there. */
struct act {
	const char *verb;
	int (*change)(struct session *session, const struct binfmt_entry *entry,
		      const char **how, struct err *e);
	bool keeps; /* the entry is still there afterwards */
	bool enabled;
};

static int remove_entry(struct session *session, const struct binfmt_entry *entry,
			const char **how, struct err *e)
{
	if (binfmt_ledger_has_displaced(&session->ledger, entry->name))
		*how = "OK (--restore puts back what it displaced)";
	return session_remove_entry(session, entry->name, e);
}

static int enable_entry(struct session *session, const struct binfmt_entry *entry,
			const char **how, struct err *e)
{
	if (entry->enabled)
		*how = "OK (already enabled)";
	return session_set_enabled(session, entry->name, true, e);
}

static int disable_entry(struct session *session, const struct binfmt_entry *entry,
			 const char **how, struct err *e)
{
	if (!entry->enabled)
		*how = "OK (already disabled)";
	return session_set_enabled(session, entry->name, false, e);
}

static void persist(struct session *session, const struct act *act,
		    const struct binfmt_entry *entry)
{
	struct binfmt_entry left = *entry;

	left.enabled = act->enabled;
	if (act->keeps)
		custom_persist(session, &left);
	else
		custom_persist_removal(session, entry->name);
}

static void report_missing(struct session *session, const char *verb, const char *name)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	const char *near;

	for (size_t i = 0; i < session->live.n; i++)
		strv_add(&names, session->live.v[i].name);
	near = strv_nearest(&names, name);
	if (near)
		err_set(&e, -ENOENT, "no entry has this name (did you mean '%s'?)", near);
	else
		err_set(&e, -ENOENT, "no entry has this name (see %s --status)", PROGRAM);
	session_report_failure(session, verb, name, &e);
}

static void act_on(struct session *session, const struct act *act, const char *name)
{
	bool persists = session->settings->persist;
	const struct binfmt_entry *entry = binfmt_entries_find(&session->live, name);
	AUTO_ERR struct err e = ERR_INIT;
	const char *how = "OK";

	if (!entry && persists && !act->keeps) {
		session_report(act->verb, name, "OK (not installed)");
		custom_persist_removal(session, name);
	} else if (!entry) {
		report_missing(session, act->verb, name);
	} else if (session->settings->dry_run) {
		puts(name);
	} else if (act->change(session, entry, &how, &e) < 0) {
		session_report_failure(session, act->verb, name, &e);
	} else {
		session_report(act->verb, name, how);
		persist(session, act, entry);
	}
}

/* A name may have a comma or a blank in it: the list is first taken for one name. */
static void find_names(const struct session *session, const char *list,
		       struct strv *names)
{
	AUTO_STRV struct strv words = STRV_INIT;

	if (binfmt_entries_find(&session->live, list))
		strv_add(&words, list);
	else
		strv_split(&words, list, ", ");
	for (size_t i = 0; i < words.n; i++)
		if (!strv_has(names, words.v[i]))
			strv_add(names, words.v[i]);
}

static int run(const struct settings *settings, const struct act *act)
{
	AUTO_SESSION struct session session = SESSION_INIT(settings);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	r = session_open(&session, &e);
	if (r < 0)
		return fail(&e);
	for (size_t i = 0; i < settings->names.n; i++)
		find_names(&session, settings->names.v[i], &names);
	for (size_t i = 0; i < names.n; i++)
		act_on(&session, act, names.v[i]);
	return session_finish(&session);
}

static int run_remove(const struct settings *settings)
{
	static const struct act act = {"removing", remove_entry, false, false};

	return run(settings, &act);
}

static int run_enable(const struct settings *settings)
{
	static const struct act act = {"enabling", enable_entry, true, true};

	return run(settings, &act);
}

static int run_disable(const struct settings *settings)
{
	static const struct act act = {"disabling", disable_entry, true, false};

	return run(settings, &act);
}

const struct command cmd_remove = {
	.action = OPT_REMOVE,
	.run = run_remove,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};

const struct command cmd_enable = {
	.action = OPT_ENABLE,
	.run = run_enable,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};

const struct command cmd_disable = {
	.action = OPT_DISABLE,
	.run = run_disable,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};
