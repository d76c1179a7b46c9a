/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * mab-build's commands. Each cmd-*.c ends in the descriptor of its command; main.c lists
 * them.
 */

#include "base/err.h"

#define PROGRAM "mab-build"

/* Exit status; 0 is success. */
enum {
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

struct command {
	const char *name;
	const char *alias;   /* another name, or NULL */
	const char *summary; /* one sentence, no full stop */
	/* argv[0] is the command's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_build;
extern const struct command cmd_copy;
extern const struct command cmd_inspect;
extern const struct command cmd_tags;

/* `mab-build: message` on stderr, then releases e. Returns STATUS_FAILED. */
int fail(struct err *e);

/* The same for a wrong command line, with a hint at `mab-build COMMAND --help`. */
int usage_error(const char *command, struct err *e);
