/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What one call works on: the table of architectures, the kernel's instance, and the
 * entries that were live at the start. Every change to the kernel's table goes through
 * here, and so does every line about a single item.
 */

#include <stdbool.h>

#include "base/err.h"
#include "binfmt/arch.h"
#include "binfmt/kernel.h"
#include "binfmt/ledger.h"
#include "binfmt/mount.h"
#include "binfmtctl/command.h"

struct session {
	const struct settings *settings;
	struct binfmt_archs archs;
	struct binfmt_instance instance; /* fd -1: not mounted, or not needed */
	struct binfmt_entries live;	 /* before this call changed anything */
	struct binfmt_ledger ledger;
	bool failed; /* an item failed */
};

#define SESSION_INIT(s)                                                                  \
	{                                                                                \
		.settings = (s), .instance = BINFMT_INSTANCE_INIT,                       \
		.ledger = BINFMT_LEDGER_INIT                                             \
	}

/*
 * For looking: needs no privilege. A missing mount is an empty table to those who may not
 * mount.
 */
int session_open_view(struct session *session, struct err *e);

/* For nothing but looking: what privilege there was is given up. */
int session_open_view_only(struct session *session, struct err *e);

/*
 * For changing: loads the module and mounts where needed, and says so. Others that want
 * to change the same instance wait until the session is closed.
 */
int session_open_change(struct session *session, struct err *e);

/* For changing the table of the user namespace that this process has just entered. */
int session_open_own(struct session *session, struct err *e);

/* For changing, or, with --dry-run, only for looking. */
int session_open(struct session *session, struct err *e);

/* The end of an action that changes: prints the status, and returns the exit status. */
int session_finish(const struct session *session);

void session_close(struct session *session);

#define AUTO_SESSION CLEAN(session_close)

/*
 * Makes the kernel have the entry, and reads it back. *how tells in words what had to be
 * done: "OK (already installed)". An entry of the same name and other contents is
 * -EEXIST, with both in the text, unless replace.
 */
int session_install_entry(struct session *session, const struct binfmt_entry *wanted,
			  bool replace, const char **how, struct err *e);

/*
 * Whether an entry is this program's own: on record, or with the very contents that it
 * would register for one of its architectures (the record does not reach from one
 * container into the next).
 */
bool session_owns(const struct session *session, const struct binfmt_entry *entry);

int session_remove_entry(struct session *session, const char *name, struct err *e);

/* Changes nothing else of the entry. */
int session_set_enabled(struct session *session, const char *name, bool enabled,
			struct err *e);

/* `verb: what result` on stderr. */
void session_report(const char *verb, const char *what, const char *result);

/* `verb: what failed: …`; releases e, and the call will exit with 1. */
void session_report_failure(struct session *session, const char *verb, const char *what,
			    struct err *e);

/* An item that is no architecture: says so, with the nearest name. */
void session_report_unknown(struct session *session, const char *verb, const char *what,
			    const char *reason);
