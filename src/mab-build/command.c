/* SPDX-License-Identifier: MIT */
#include "mab-build/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "cli/output.h"

int fail(struct err *e)
{
	AUTO_FREE char *text = err_message(e);

	cli_message(PROGRAM, "%s", text);
	err_free(e);
	return STATUS_FAILED;
}

/* For a wrong command line. words are those of the command, perhaps none. */
static int usage_error(const char *words, struct err *e)
{
	(void)fail(e);
	fprintf(stderr, "Try '%s %s%s--help'.\n", PROGRAM, words, *words ? " " : "");
	return STATUS_USAGE;
}

/* --- One command --- */

struct call {
	const struct command *command;
	void *settings;
	bool help;
};

static int set_option(void *context, const struct cli_option *option, const char *value,
		      struct err *e)
{
	struct call *c = context;

	if (option->id != OPTION_HELP)
		return c->command->set(c->settings, option, value, e);
	c->help = true;
	return 0;
}

static int read_words(struct call *c, int argc, char **argv, struct err *e)
{
	int words;
	int r = cli_options_parse(c->command->program, argc, argv, set_option, c, &words,
				  e);

	if (r < 0 || c->help)
		return r;
	return c->command->take(c->settings, argc - words, argv + words, e);
}

int command_run(const struct command *command, int argc, char **argv)
{
	struct call c = {.command = command, .settings = xcalloc(1, command->size)};
	AUTO_ERR struct err e = ERR_INIT;
	int status = 0;

	if (read_words(&c, argc, argv, &e) < 0) {
		status = usage_error(command->name, &e);
	} else if (c.help) {
		cli_options_help(command->program, stdout);
	} else {
		status = command->act(c.settings, &e);
		if (status < 0)
			status = fail(&e);
	}
	if (command->release)
		command->release(c.settings);
	free(c.settings);
	return status;
}

/* --- One of several --- */

/* The last word of a command's name. */
static const char *last_word(const struct command *c)
{
	const char *space = strrchr(c->name, ' ');

	return space ? space + 1 : c->name;
}

static void help(const struct command *const *list, const char *prefix, const char *about)
{
	printf("usage: %s %sCOMMAND [OPTION…] [ARGUMENT…]\n\n%s\n\nCommands:\n", PROGRAM,
	       prefix, about);
	for (; *list; list++)
		printf("  %-10s  %s\n", last_word(*list), (*list)->summary);
	printf("\n'%s %sCOMMAND --help' shows the options of a command.\n", PROGRAM,
	       prefix);
}

static const struct command *find(const struct command *const *list, const char *word)
{
	for (; *list; list++)
		if (strcmp(last_word(*list), word) == 0 ||
		    ((*list)->alias && strcmp((*list)->alias, word) == 0))
			return *list;
	return NULL;
}

static int unknown(const struct command *const *list, const char *words, const char *word)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	const char *near;

	for (; *list; list++)
		strv_add(&names, last_word(*list));
	near = strv_nearest(&names, word);
	err_set(&e, -EINVAL, "unknown command '%s%s%s'%s%s%s", words, *words ? " " : "",
		word, near ? " (did you mean '" : "", near ? near : "",
		near ? "'?)" : "");
	return usage_error(words, &e);
}

int command_dispatch(const struct command *const *list, const char *prefix,
		     const char *about, int argc, char **argv)
{
	AUTO_FREE char *words = xstrndup(prefix, strcspn(prefix, " "));
	AUTO_ERR struct err e = ERR_INIT;
	const struct command *command;

	if (argc < 2) {
		err_set(&e, -EINVAL, "a command is missing");
		return usage_error(words, &e);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help(list, prefix, about);
		return 0;
	}
	command = find(list, argv[1]);
	if (!command)
		return unknown(list, words, argv[1]);
	if (command->group) {
		AUTO_FREE char *inner = xasprintf("%s%s ", prefix, command->name);
		AUTO_FREE char *text = xasprintf("To %s.", command->summary);

		return command_dispatch(command->group, inner, text, argc - 1, argv + 1);
	}
	return command_run(command, argc - 1, argv + 1);
}
