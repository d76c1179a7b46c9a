/* SPDX-License-Identifier: MIT */
#pragma once

/* What to register for an architecture: which program, with which flags. */

#include "base/err.h"
#include "binfmt/arch.h"
#include "binfmt/interpreter.h"
#include "binfmt/kernel.h"

struct binfmt_plan_options {
	const char *qemu;     /* the program itself; NULL: look for one */
	const char *qemu_dir; /* where to look; NULL: the usual places */
	bool no_fix_binary;   /* leave out flag F */
	bool no_credentials;  /* leave out flags C and O */
	bool preserve_argv0;  /* flag P in any case */
	int flags;	      /* enum binfmt_flag, all of them; -1: decide */
};

struct binfmt_plan {
	struct binfmt_interpreter interpreter;
	struct binfmt_entries entries; /* one per machine number */
};

/*
 * Finds the program, checks it, and fills the entries. -ENOENT when no program is there;
 * any other failure says why the one found must not be registered. An entry that would
 * take the machine's own programs is refused.
 */
int binfmt_plan_make(struct binfmt_plan *plan, const struct binfmt_arch *arch,
		     const struct binfmt_plan_options *options, struct err *e);

void binfmt_plan_free(struct binfmt_plan *plan);

#define AUTO_BINFMT_PLAN CLEAN(binfmt_plan_free)
