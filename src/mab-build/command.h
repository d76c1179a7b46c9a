/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * mab-build's commands. Each cmd-*.c ends in the descriptor of its command; main.c lists
 * them. A command says what its options are and what they set; reading the command line,
 * help, failures and the exit status are the same for all, in command.c.
 */

#include "base/err.h"
#include "cli/option.h"

#define PROGRAM "mab-build"

/* Exit status; 0 is success. */
enum {
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

struct command {
	const char *name;    /* as typed; of one in a group, "manifest add" */
	const char *alias;   /* another name, or NULL */
	const char *summary; /* one sentence, no full stop */
	/* A group ends with NULL, and has nothing of what follows. */
	const struct command *const *group;
	const struct cli_program *program;
	size_t size; /* bytes of its settings, which begin as zero */
	/* All but --help. value is in argv. */
	int (*set)(void *settings, const struct cli_option *option, const char *value,
		   struct err *e);
	/* The words that are no options; settings are complete then, or wrong. */
	int (*take)(void *settings, int n, char **words, struct err *e);
	/* Does it. The exit status, or a negative errno with e. */
	int (*act)(void *settings, struct err *e);
	/* Releases what the settings own; called in any case; NULL: they own nothing. */
	void (*release)(void *settings);
};

extern const struct command cmd_build;
extern const struct command cmd_copy;
extern const struct command cmd_du;
extern const struct command cmd_images;
extern const struct command cmd_inspect;
extern const struct command cmd_login;
extern const struct command cmd_logout;
extern const struct command cmd_manifest;
extern const struct command cmd_merge;
extern const struct command cmd_plugin;
extern const struct command cmd_prune;
extern const struct command cmd_pull;
extern const struct command cmd_push;
extern const struct command cmd_rmi;
extern const struct command cmd_tag;
extern const struct command cmd_tags;
extern const struct command cmd_unshare;

/* The end of every table of options. */
enum { OPTION_HELP = 99 };
#define HELP_OPTION                                                                      \
	{OPTION_HELP, "help", .letter = 'h', .help = "show this text"},                  \
	{                                                                                \
		0                                                                        \
	}

/* argv[0] is the command's last word. Returns the exit status. */
int command_run(const struct command *command, int argc, char **argv);

/*
 * Runs the one of a list (ending with NULL) that argv[1] names; `about` is what --help
 * says before it lists them, prefix the words up to there ("" or "manifest ").
 */
int command_dispatch(const struct command *const *list, const char *prefix,
		     const char *about, int argc, char **argv);

/* `mab-build: message` on stderr, then releases e. Returns STATUS_FAILED. */
int fail(struct err *e);
