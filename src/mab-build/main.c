/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "mab-build/command.h"

extern char **environ;

static const struct command *const commands[] = {
	&cmd_build,  &cmd_copy,	    &cmd_du,	&cmd_images, &cmd_inspect, &cmd_login,
	&cmd_logout, &cmd_manifest, &cmd_merge, &cmd_plugin, &cmd_prune,   &cmd_pull,
	&cmd_push,   &cmd_rmi,	    &cmd_tag,	&cmd_tags,   &cmd_unshare, NULL,
};

/* A CI runner starts a program without words. */
static bool is_plugin(void)
{
	for (char **v = environ; *v; v++)
		if (strncmp(*v, "PLUGIN_", 7) == 0)
			return true;
	return false;
}

static int dispatch(int argc, char **argv)
{
	if (argc > 1 &&
	    (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
		printf("%s %s\n", PROGRAM, PACKAGE_VERSION);
		return 0;
	}
	if (argc == 1 && is_plugin())
		return command_run(&cmd_plugin, argc, argv);
	return command_dispatch(commands, "",
				"Builds Dockerfiles for many platforms, without a "
				"daemon.",
				argc, argv);
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
