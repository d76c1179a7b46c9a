/* SPDX-License-Identifier: MIT */
#pragma once

/* Running other programs. They are looked for in PATH; the environment is the caller's.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "base/strv.h"

/*
 * Runs a program to its end, with /dev/null as stdin and stdout. said gets the first
 * 4 KiB of its stderr. 0 when it exits with 0; -EIO for any other end, which the text
 * tells together with what it said. The caller must not ignore SIGCHLD.
 */
int proc_run(const char *const *argv, struct strbuf *said, struct err *e);

enum { PROC_ANSWER_MAX = 64 * 1024 };

/* How to run it otherwise. */
struct proc_how {
	const struct strv
		*env; /* NAME=VALUE, all of the environment; NULL: the caller's */
	struct strbuf *answer; /* gets the first PROC_ANSWER_MAX bytes of its stdout;
				  NULL: /dev/null */
	/* Asked now and then; once true, the program is ended: -ECANCELED. NULL: never.
	 */
	bool (*canceled)(void *data);
	void *data;
};

int proc_run_how(const char *const *argv, const struct proc_how *how, struct strbuf *said,
		 struct err *e);

/*
 * Becomes the program. Returns only when that fails: -ENOENT when there is none (or its
 * loader is missing). Unlike execvp(3), it hands no file to a shell that the kernel
 * refuses with -ENOEXEC. The text names the program.
 */
int proc_exec(const char *const *argv, struct err *e);
