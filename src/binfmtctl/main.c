/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "binfmt/mount.h"
#include "binfmtctl/command.h"
#include "cli/output.h"
#include "priv/caps.h"

const unsigned change_caps[CHANGE_CAPS] = {CAP_SYS_ADMIN, CAP_SYS_MODULE, CAP_SYS_CHROOT,
					   CAP_CHOWN, CAP_FOWNER};
const unsigned view_caps[VIEW_CAPS] = {CAP_SYS_ADMIN};

static const struct command *const commands[] = {
	&cmd_add,	&cmd_add_from, &cmd_boot,    &cmd_completion, &cmd_disable,
	&cmd_doctor,	&cmd_enable,   &cmd_explain, &cmd_export,     &cmd_install,
	&cmd_list,	&cmd_remove,   &cmd_restore, &cmd_run,	      &cmd_status,
	&cmd_uninstall, &cmd_verify,
};

int fail(struct err *e)
{
	AUTO_FREE char *text = err_message(e);

	cli_message(PROGRAM, "%s", text);
	err_free(e);
	return STATUS_FAILED;
}

static int usage_error(struct err *e)
{
	(void)fail(e);
	fprintf(stderr, "Try '%s --help'.\n", PROGRAM);
	return STATUS_USAGE;
}

static int check_privilege(const struct command *c)
{
	if (c->ncaps == 0 || c->unprivileged || priv_caps_have(c->caps[0]))
		return 0;
	/* The machine's table, once mounted, asks for no more than root's user id. */
	if (geteuid() == 0 && !binfmt_in_user_namespace())
		return 0;
	cli_message(PROGRAM,
		    "changing the machine's handlers needs root (use sudo); handlers for "
		    "one command do not: %s --run LIST -- COMMAND",
		    PROGRAM);
	return STATUS_FAILED;
}

static int run(const struct command *c, const struct settings *settings)
{
	AUTO_ERR struct err e = ERR_INIT;
	int status;

	if (!settings->dry_run) {
		status = check_privilege(c);
		if (status)
			return status;
	}
	if (priv_caps_limit(c->caps, settings->dry_run ? 0 : c->ncaps, &e) < 0)
		return fail(&e);
	return c->run(settings);
}

/* Output that did not arrive, on a full disk say, is a failure. */
static int close_stdout(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	cli_message(PROGRAM, "cannot write to stdout");
	return status ? status : STATUS_FAILED;
}

static int dispatch(const struct settings *settings)
{
	switch (settings->action) {
	case OPT_HELP:
		cli_options_help(&program, stdout);
		return 0;
	case OPT_VERSION:
		printf("%s %s\n", PROGRAM, PACKAGE_VERSION);
		return 0;
	default:
		break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i]->action == settings->action)
			return run(commands[i], settings);
	abort(); /* every action has a row above */
}

int main(int argc, char **argv)
{
	AUTO_ERR struct err e = ERR_INIT;
	struct settings settings;
	int status;

	(void)setlocale(LC_CTYPE, ""); /* messages stay as they are without it */
	if (settings_parse(&settings, argc, argv, &e) < 0)
		status = usage_error(&e);
	else
		status = dispatch(&settings);
	settings_free(&settings);
	return close_stdout(status);
}
