/* SPDX-License-Identifier: MIT */
#pragma once

/* Entries that the user describes, on the command line or in files. */

#include "binfmtctl/session.h"

/* What holds for all of them: what they take, and what they start. Warns on stderr. */
int custom_check(const struct binfmt_entry *entry, struct err *e);

/*
 * Checks and installs one, or with --dry-run prints it; with --persist it is for every
 * boot. Says so in a line each, and remembers a failure in the session.
 */
void custom_install(struct session *session, const char *verb,
		    const struct binfmt_entry *entry);

/* With --persist, writes the entry to handlers.d, or takes that of its name out. */
void custom_persist(struct session *session, const struct binfmt_entry *entry);
void custom_persist_removal(struct session *session, const char *name);
