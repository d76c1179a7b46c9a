/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What may be wrong with binfmt_misc on this machine. Nothing is changed and nothing is
 * run. All that is looked at comes in through the facts, so that a test can pass a tree
 * of its own for the machine's.
 */

#include <stdbool.h>

#include "base/err.h"
#include "binfmt/arch.h"
#include "binfmt/kernel.h"

struct binfmt_facts {
	int root;		 /* a directory fd of `/`: /proc, /etc and so on */
	const char *mount_point; /* absolute */
	int table;		 /* a directory fd of the instance; -1: none there */
	bool unattached;	 /* it is mounted elsewhere */
	bool enabled;		 /* the instance as a whole */
	const char *release;	 /* the kernel's, "6.18.1" */
	unsigned version;	 /* see binfmt_kernel_version() */
	bool in_user_namespace;
	bool private_table;   /* it belongs to that namespace */
	bool private_unknown; /* whether it does cannot be told without privilege */
	const struct binfmt_archs *archs;
	const bool *native; /* per architecture */
	const struct binfmt_entries *live;
};

enum binfmt_verdict {
	BINFMT_VERDICT_OK,
	BINFMT_VERDICT_WARN, /* works, but not for everybody, or not for ever */
	BINFMT_VERDICT_BAD,  /* does not work */
};

struct binfmt_finding {
	const char *check; /* which found it; a constant */
	enum binfmt_verdict verdict;
	char *what; /* a sentence without full stop */
	char *mend; /* a command or advice; NULL where none is needed */
};

struct binfmt_findings {
	struct binfmt_finding *v;
	size_t n;
	const char *check; /* that is at work */
};

/* Every check says at least one thing; those of entries are left out without a table. */
void binfmt_doctor_examine(const struct binfmt_facts *facts,
			   struct binfmt_findings *findings);

/*
 * Only whether the table outlives the mount that shows it. Of the facts it needs root,
 * mount_point, table, version and whether the table is private.
 */
void binfmt_doctor_durability(const struct binfmt_facts *facts,
			      struct binfmt_findings *findings);

void binfmt_findings_free(struct binfmt_findings *findings);

#define AUTO_BINFMT_FINDINGS CLEAN(binfmt_findings_free)
