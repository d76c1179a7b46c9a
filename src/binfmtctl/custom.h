/* SPDX-License-Identifier: MIT */
#pragma once

/* Entries that the user describes, on the command line or in files. */

#include "binfmtctl/session.h"

/*
 * Installs one after the checks that hold for all of them, or with --dry-run prints it;
 * says so in a line, and remembers a failure in the session.
 */
void custom_install(struct session *session, const char *verb,
		    const struct binfmt_entry *entry);
