/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A record of what this program registered and what stood there before. It lives under
 * /run, as the kernel's table does not outlive a boot either. Per entry there is a file
 * NAME.ours, and NAME.displaced where an entry of somebody else gave way; NAME.next is
 * there while the kernel is being told, so that a process that is killed meanwhile loses
 * nothing. All hold what the kernel would show. Writers hold the instance's lock.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "binfmt/entry.h"
#include "binfmt/kernel.h"

struct binfmt_ledger {
	int fd; /* the folder; -1: no record is kept */
};

#define BINFMT_LEDGER_INIT                                                               \
	{                                                                                \
		-1                                                                       \
	}

/* Opens DIR/ledger, making both if create; without, a missing one is an empty record. */
int binfmt_ledger_open(struct binfmt_ledger *ledger, const char *dir, bool create,
		       struct err *e);

/* Before `wanted` is registered in the place of `there` (NULL: nothing is there). */
int binfmt_ledger_note_install(const struct binfmt_ledger *ledger,
			       const struct binfmt_entry *wanted,
			       const struct binfmt_entry *there, struct err *e);

/* After it was registered. */
int binfmt_ledger_note_done(const struct binfmt_ledger *ledger, const char *name,
			    struct err *e);

/* After the entry was removed; what it displaced stays on record. */
int binfmt_ledger_note_remove(const struct binfmt_ledger *ledger, const char *name,
			      struct err *e);

/* Nothing of this name is on record any more. */
int binfmt_ledger_forget(const struct binfmt_ledger *ledger, const char *name,
			 struct err *e);

/* Whether the record says that this live entry is ours. */
bool binfmt_ledger_owns(const struct binfmt_ledger *ledger,
			const struct binfmt_entry *live);

/* Names of entries that displaced another. */
int binfmt_ledger_displacers(const struct binfmt_ledger *ledger, struct strv *names,
			     struct err *e);

bool binfmt_ledger_has_displaced(const struct binfmt_ledger *ledger, const char *name);

/* What stood there before; -ENOENT when nothing is on record. */
int binfmt_ledger_displaced(const struct binfmt_ledger *ledger, const char *name,
			    struct binfmt_entry *entry, struct err *e);

/*
 * Brings the record in line with the live entries: finishes what a killed process began,
 * and strikes out rows of entries that somebody else removed or replaced since. The names
 * of the latter are added to `stale`.
 */
int binfmt_ledger_check(const struct binfmt_ledger *ledger,
			const struct binfmt_entries *live, struct strv *stale,
			struct err *e);

void binfmt_ledger_close(struct binfmt_ledger *ledger);
