/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "cli/output.h"
#include "mab-build/command.h"

static const struct command *const commands[] = {
	&cmd_build,
	&cmd_copy,
	&cmd_inspect,
	&cmd_tags,
};

int fail(struct err *e)
{
	AUTO_FREE char *text = err_message(e);

	cli_message(PROGRAM, "%s", text);
	err_free(e);
	return STATUS_FAILED;
}

int usage_error(const char *command, struct err *e)
{
	(void)fail(e);
	fprintf(stderr, "Try '%s %s%s--help'.\n", PROGRAM, command, *command ? " " : "");
	return STATUS_USAGE;
}

static void help(void)
{
	printf("usage: %s COMMAND [OPTION…] [ARGUMENT…]\n\n"
	       "Builds Dockerfiles for many platforms, without a daemon.\n\n"
	       "Commands:\n",
	       PROGRAM);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s  %s\n", commands[i]->name, commands[i]->summary);
	printf("\n'%s COMMAND --help' shows the options of a command.\n", PROGRAM);
}

static bool has_name(const struct command *c, const char *word)
{
	return strcmp(c->name, word) == 0 || (c->alias && strcmp(c->alias, word) == 0);
}

static int unknown_command(const char *word)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		strv_add(&names, commands[i]->name);
	near = strv_nearest(&names, word);
	err_set(&e, -EINVAL, "unknown command '%s'%s%s%s", word,
		near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
	return usage_error("", &e);
}

static int dispatch(int argc, char **argv)
{
	AUTO_ERR struct err e = ERR_INIT;

	if (argc < 2) {
		err_set(&e, -EINVAL, "a command is missing");
		return usage_error("", &e);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("%s %s\n", PROGRAM, PACKAGE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (has_name(commands[i], argv[1]))
			return commands[i]->run(argc - 1, argv + 1);
	return unknown_command(argv[1]);
}

/* Output that did not arrive, on a full disk say, is a failure. */
static int close_stdout(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	cli_message(PROGRAM, "cannot write to stdout");
	return status ? status : STATUS_FAILED;
}

int main(int argc, char **argv)
{
	(void)setlocale(LC_CTYPE, ""); /* messages stay as they are without it */
	return close_stdout(dispatch(argc, argv));
}
