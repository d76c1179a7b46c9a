/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether an architecture's handler works: its probe is run through the kernel in a root
 * that holds nothing else.
 */

#include <stdbool.h>

#include "base/err.h"
#include "binfmt/arch.h"
#include "binfmt/interpreter.h"
#include "binfmt/kernel.h"

/* What was found out; set as far as it could be. */
struct binfmt_verdict {
	bool ran;	   /* the probe ran and its instructions gave the right result */
	bool native;	   /* no entry takes it: the machine ran it itself */
	bool argv0_kept;   /* it saw the argv[0] that it was given */
	bool threads;	   /* it could make a thread */
	bool setuid;	   /* its set-user-ID bit was honoured */
	bool setuid_tried; /* needs root */
	/* The program that ran it, as the kernel holds it; path is what the kernel names.
	 */
	struct binfmt_interpreter answered;
	bool file_changed; /* the path leads to another file now */
};

/*
 * Runs the probe of the architecture, whose entry (NULL: none) is live. 0 when it ran
 * right. Otherwise a text says what went wrong, and what mends it: -ENOEXEC no entry
 * takes it, -ENOENT the interpreter is not in the empty root, -EACCES a policy forbids
 * it, -EIO it crashed or gave a wrong result, -ETIMEDOUT, -ENOTSUP there is no probe.
 */
int binfmt_verify(struct binfmt_verdict *verdict, const struct binfmt_arch *arch,
		  const struct binfmt_entry *entry, struct err *e);

void binfmt_verdict_free(struct binfmt_verdict *verdict);
