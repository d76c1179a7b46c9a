/* SPDX-License-Identifier: MIT */
#include "binfmtctl/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/alloc.h"
#include "cli/output.h"
#include "priv/caps.h"

/*
 * A private table has a record only where one asks for it by --state-dir: its entries end
 * with the namespace, and nothing else would clear their rows away.
 */
static int open_ledger(struct session *session, bool create, struct err *e)
{
	const char *dir = session->settings->state_dir;

	if (!dir && session->instance.private_table)
		return 0;
	return binfmt_ledger_open(&session->ledger, dir ? dir : RUNSTATEDIR "/" PROGRAM,
				  create, e);
}

static int load_archs(struct session *session, struct err *e)
{
	const struct settings *s = session->settings;
	int r = binfmt_archs_load(&session->archs, s->config_dir, e);

	if (r == 0)
		binfmt_archs_set_prefix(&session->archs, s->prefix);
	return r;
}

int session_open_view(struct session *session, struct err *e)
{
	const struct settings *s = session->settings;
	int r = load_archs(session, e);

	if (r < 0)
		return r;
	r = binfmt_instance_look(&session->instance, s->mount_point, e);
	if (r == -ENOENT) { /* nothing is installed, then */
		err_free(e);
		return 0;
	}
	if (r == 0)
		r = open_ledger(session, false, e);
	return r < 0 ? r : binfmt_kernel_list(session->instance.fd, &session->live, e);
}

int session_open_view_only(struct session *session, struct err *e)
{
	int r = session_open_view(session, e);

	return r < 0 ? r : priv_caps_limit(NULL, 0, e);
}

static void tell_about_instance(const struct session *session)
{
	const struct binfmt_instance *instance = &session->instance;
	const char *path = session->settings->mount_point;

	if (instance->module_loaded)
		cli_message(PROGRAM, "loaded the kernel module binfmt_misc");
	if (instance->mounted)
		cli_message(PROGRAM, "mounted binfmt_misc on %s", path);
	if (instance->fleeting)
		cli_message(PROGRAM,
			    "warning: nothing else has binfmt_misc mounted: the handlers "
			    "end with this mount, that of a container or service (first "
			    "run `mount -t binfmt_misc binfmt_misc %s` on the host)",
			    BINFMT_MOUNT_POINT);
	if (instance->private_table)
		cli_message(PROGRAM, "this is the private table of a user namespace: it "
				     "ends with it, and nothing else sees it");
	if (binfmt_kernel_enabled(instance->fd, NULL) == 0)
		cli_message(PROGRAM,
			    "binfmt_misc is disabled as a whole, so that no handler runs "
			    "(`echo 1 >%s/status` enables it)",
			    path);
}

/* The lock is on the instance itself, so that all who can change it share one. */
static int lock(const struct session *session, struct err *e)
{
	static const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
	enum { TRIES = 20 * 60 }; /* a minute */

	for (int i = 0; i < TRIES; i++) {
		if (flock(session->instance.fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, -errno, "cannot lock binfmt_misc");
		if (i == 0)
			cli_message(PROGRAM, "waiting for another %s", PROGRAM);
		(void)nanosleep(&pause, NULL); /* shorter when interrupted */
	}
	return err_set(e, -EBUSY, "another %s has been busy for a minute", PROGRAM);
}

/* Without a record all works but --restore: that is no reason to fail. */
static int check_ledger(struct session *session, struct err *e)
{
	AUTO_STRV struct strv stale = STRV_INIT;
	AUTO_ERR struct err why = ERR_INIT;
	int r;

	if (open_ledger(session, true, &why) < 0) {
		cli_message(PROGRAM, "no record is kept of what is replaced: %s",
			    why.text);
		return 0;
	}
	r = binfmt_ledger_check(&session->ledger, &session->live, &stale, e);
	for (size_t i = 0; i < stale.n; i++)
		cli_message(PROGRAM,
			    "%s was removed or changed by something else since it "
			    "was installed",
			    stale.v[i]);
	return r;
}

int session_open_change(struct session *session, struct err *e)
{
	const struct settings *s = session->settings;
	int r = load_archs(session, e);

	if (r == 0)
		r = binfmt_instance_open(&session->instance, s->mount_point, e);
	if (r < 0)
		return r;
	tell_about_instance(session);
	r = lock(session, e);
	if (r == 0)
		r = binfmt_kernel_list(session->instance.fd, &session->live, e);
	return r < 0 ? r : check_ledger(session, e);
}

int session_open_own(struct session *session, struct err *e)
{
	const struct settings *s = session->settings;
	int r = load_archs(session, e);

	if (r == 0)
		r = binfmt_instance_own(&session->instance, s->mount_point, e);
	return r < 0 ? r : binfmt_kernel_list(session->instance.fd, &session->live, e);
}

int session_open(struct session *session, struct err *e)
{
	return session->settings->dry_run ? session_open_view(session, e)
					  : session_open_change(session, e);
}

int session_finish(const struct session *session)
{
	const struct settings *s = session->settings;
	int status = s->dry_run ? 0 : print_status(s);

	return session->failed ? STATUS_FAILED : status;
}

void session_close(struct session *session)
{
	binfmt_archs_free(&session->archs);
	binfmt_instance_close(&session->instance);
	binfmt_entries_free(&session->live);
	binfmt_ledger_close(&session->ledger);
}

/* Says how an entry that is there differs from the one that was wanted. */
static int conflict(const struct binfmt_entry *there, const struct binfmt_entry *wanted,
		    struct err *e)
{
	AUTO_STRBUF struct strbuf a = STRBUF_INIT;
	AUTO_STRBUF struct strbuf b = STRBUF_INIT;
	int r = binfmt_entry_format(there, &a, e);

	if (r == 0)
		r = binfmt_entry_format(wanted, &b, e);
	if (r < 0)
		return r;
	return err_set(e, -EEXIST,
		       "a different %s is installed (--replace puts the new one in its "
		       "place)\n    installed: %s\n    wanted:    %s",
		       wanted->name, a.data, b.data);
}

static int read_back(int fd, const struct binfmt_entry *wanted, struct err *e)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry shown = {0};
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	int r = binfmt_kernel_get(fd, wanted->name, &shown, e);

	if (r < 0)
		return err_wrap(e, r, "the kernel took the entry, and then");
	if (shown.enabled && binfmt_entry_equal(&shown, wanted))
		return 0;
	(void)binfmt_entry_format(&shown, &text, NULL); /* only to show it */
	return err_set(e, -EIO, "the kernel made something else of it: %s", text.data);
}

/* A replacement that was killed half way leaves its bridge. */
static int remove_bridge(const struct session *session, const char *name, struct err *e)
{
	AUTO_FREE char *bridge = xasprintf("%s" BINFMT_BRIDGE_SUFFIX, name);
	int r;

	if (!binfmt_entries_find(&session->live, bridge))
		return 0;
	r = binfmt_kernel_remove(session->instance.fd, bridge, e);
	if (r != -ENOENT)
		return r;
	err_free(e); /* a replacement has used the same bridge, and removed it */
	return 0;
}

/* Registers a new entry, or puts it in the place of the one that is there. */
static int put_entry(struct session *session, const struct binfmt_entry *wanted,
		     const struct binfmt_entry *there, struct err *e)
{
	int fd = session->instance.fd;
	int r = binfmt_ledger_note_install(&session->ledger, wanted, there, e);

	if (r < 0)
		return r;
	r = there ? binfmt_kernel_replace(fd, wanted, e)
		  : binfmt_kernel_register(fd, wanted, e);
	return r < 0 ? r : binfmt_ledger_note_done(&session->ledger, wanted->name, e);
}

int session_install_entry(struct session *session, const struct binfmt_entry *wanted,
			  bool replace, const char **how, struct err *e)
{
	const struct binfmt_entry *there =
		binfmt_entries_find(&session->live, wanted->name);
	bool same = there && binfmt_entry_equal(there, wanted);
	int r = 0;

	if (!there) {
		r = put_entry(session, wanted, there, e);
		*how = "OK";
	} else if (replace) {
		/* Also the same: flag F may hold a file that the path no longer leads to.
		 */
		r = put_entry(session, wanted, there, e);
		*how = same ? "OK (renewed)" : "OK (replaced)";
	} else if (!same) {
		return conflict(there, wanted, e);
	} else if (!there->enabled) {
		r = binfmt_kernel_set_enabled(session->instance.fd, wanted->name, true,
					      e);
		*how = "OK (enabled again)";
	} else {
		*how = "OK (already installed)";
	}
	if (r == 0)
		r = read_back(session->instance.fd, wanted, e);
	return r < 0 ? r : remove_bridge(session, wanted->name, e);
}

static bool has_our_contents(const struct session *session,
			     const struct binfmt_entry *entry)
{
	const struct binfmt_arch *arch =
		binfmt_archs_find_entry(&session->archs, entry->name);

	for (size_t i = 0; arch && i < arch->nmagics; i++) {
		const struct binfmt_magic *m = &arch->magics[i];
		struct binfmt_entry made = {.size = m->size};

		memcpy(made.magic, m->magic, m->size);
		memcpy(made.mask, m->mask, m->size);
		if (binfmt_entry_same_match(&made, entry))
			return true;
	}
	return false;
}

bool session_owns(const struct session *session, const struct binfmt_entry *entry)
{
	return binfmt_ledger_owns(&session->ledger, entry) ||
	       has_our_contents(session, entry);
}

int session_remove_entry(struct session *session, const char *name, struct err *e)
{
	int r = binfmt_kernel_remove(session->instance.fd, name, e);

	return r < 0 ? r : binfmt_ledger_note_remove(&session->ledger, name, e);
}

int session_set_enabled(struct session *session, const char *name, bool enabled,
			struct err *e)
{
	return binfmt_kernel_set_enabled(session->instance.fd, name, enabled, e);
}

void session_report(const char *verb, const char *what, const char *result)
{
	fprintf(stderr, "%s: %s %s\n", verb, what, result);
}

void session_report_failure(struct session *session, const char *verb, const char *what,
			    struct err *e)
{
	AUTO_FREE char *text = err_message(e);

	session->failed = true;
	fprintf(stderr, "%s: %s failed: %s\n", verb, what, text);
	err_free(e);
}

void session_report_unknown(struct session *session, const char *verb, const char *what,
			    const char *reason)
{
	AUTO_FREE char *near = binfmt_archs_nearest(&session->archs, what);
	AUTO_ERR struct err e = ERR_INIT;

	if (near)
		err_set(&e, -EINVAL, "%s '%s' (did you mean '%s'?)", reason, what, near);
	else
		err_set(&e, -EINVAL, "%s '%s' (see %s --list)", reason, what, PROGRAM);
	session_report_failure(session, verb, what, &e);
}
