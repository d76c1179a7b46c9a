/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "binfmtctl/session.h"

static const char verb[] = "restoring";

/* Back into the place of ours, or where nothing is now. */
static int restore_entry(struct session *session, const struct binfmt_entry *old,
			 struct err *e)
{
	int fd = session->instance.fd;
	int r;

	r = binfmt_entries_find(&session->live, old->name)
		    ? binfmt_kernel_replace(fd, old, e)
		    : binfmt_kernel_register(fd, old, e);
	if (r == 0 && !old->enabled)
		r = binfmt_kernel_set_enabled(fd, old->name, false, e);
	return r < 0 ? r : binfmt_ledger_forget(&session->ledger, old->name, e);
}

static void restore(struct session *session, const char *name)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry old = {0};
	AUTO_ERR struct err e = ERR_INIT;
	int r = binfmt_ledger_displaced(&session->ledger, name, &old, &e);

	if (r == 0 && session->settings->dry_run) {
		puts(name);
		return;
	}
	if (r == 0)
		r = restore_entry(session, &old, &e);
	if (r < 0)
		session_report_failure(session, verb, name, &e);
	else
		session_report(verb, name, "OK");
}

static int run(const struct settings *settings)
{
	AUTO_SESSION struct session session = SESSION_INIT(settings);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	r = session_open(&session, &e);
	if (r == 0)
		r = binfmt_ledger_displacers(&session.ledger, &names, &e);
	if (r < 0)
		return fail(&e);
	if (names.n == 0)
		fprintf(stderr, "%s: nothing was displaced\n", verb);
	for (size_t i = 0; i < names.n; i++)
		restore(&session, names.v[i]);
	return session_finish(&session);
}

const struct command cmd_restore = {
	.action = OPT_RESTORE,
	.run = run,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};
