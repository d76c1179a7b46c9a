/* SPDX-License-Identifier: MIT */
#include "binfmtctl/custom.h"

#include "base/alloc.h"
#include "binfmt/guard.h"
#include "binfmt/interpreter.h"
#include "binfmtctl/persist.h"
#include "cli/output.h"

int custom_check(const struct binfmt_entry *entry, struct err *e)
{
	AUTO_FREE char *needs = NULL;
	int r = binfmt_guard_check(entry, e);

	if (r == 0)
		r = binfmt_interpreter_check_any(entry->interpreter, &needs, e);
	if (r < 0)
		return r;
	if (needs && (entry->flags & BINFMT_FIX_BINARY))
		cli_message(PROGRAM,
			    "warning: %s is held by flag F, but %s is not: in a "
			    "container or chroot without that, %s fails",
			    entry->interpreter, needs, entry->name);
	return 0;
}

void custom_install(struct session *session, const char *verb,
		    const struct binfmt_entry *entry)
{
	const struct settings *s = session->settings;
	AUTO_ERR struct err e = ERR_INIT;
	const char *how = "OK";
	int r = custom_check(entry, &e);

	if (r == 0)
		r = s->dry_run
			    ? print_entry(entry, &e)
			    : session_install_entry(session, entry, s->replace, &how, &e);
	if (r < 0) {
		session_report_failure(session, verb, entry->name, &e);
		return;
	}
	if (!s->dry_run)
		session_report(verb, entry->name, how);
	custom_persist(session, entry);
}

static void report_persisted(struct session *session, const char *name, int r,
			     struct err *e)
{
	if (r < 0)
		session_report_failure(session, "persisting", name, e);
	else
		session_report("persisting", name, "OK");
}

void custom_persist(struct session *session, const struct binfmt_entry *entry)
{
	const struct settings *s = session->settings;
	AUTO_ERR struct err e = ERR_INIT;

	if (s->persist && !s->dry_run)
		report_persisted(session, entry->name, persist_entry(s, entry, &e), &e);
}

void custom_persist_removal(struct session *session, const char *name)
{
	const struct settings *s = session->settings;
	AUTO_ERR struct err e = ERR_INIT;

	if (s->persist && !s->dry_run)
		report_persisted(session, name, persist_remove_entry(s, name, &e), &e);
}
