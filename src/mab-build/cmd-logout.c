/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cli/option.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/remote.h"
#include "registry/login.h"

enum option_id { OPT_ALL = 1 };

static const struct cli_option options[] = {
	{OPT_ALL, "all", .letter = 'a', .help = "from all registries"},
	{REMOTE_AUTHFILE, "authfile", .arg = "FILE",
	 .help = "the file with logins, in place of the usual one"},
	{REMOTE_REGISTRIES_CONF, "registries-conf", .arg = "FILE",
	 .help = "in place of the usual files; it may name credential helpers"},
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " logout",
	.usage = PROGRAM " logout [OPTION…] REGISTRY[/PATH]\n"
			 "       " PROGRAM " logout [OPTION…] --all",
	.summary = "Forgets a login that is kept in the auth file or by a credential "
		   "helper.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	bool all;
	const char *registry;
	struct remote remote;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	if (option->id != OPT_ALL)
		return remote_set(&s->remote, option, value, e);
	s->all = true;
	return 0;
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;

	if (n != !s->all)
		return err_set(e, -EINVAL, "%s",
			       s->all ? "with --all, no registry is named"
				      : "one registry is to be named, or --all");
	s->registry = words[0];
	return 0;
}

static int logout(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_REGISTRY struct registry *client = NULL;
	int r = remote_client(&s->remote, &client, e);

	if (r == 0)
		r = s->all ? registry_logout_all(client, e)
			   : registry_logout(client, s->registry, e);
	if (r == 0)
		cli_line(stdout, "logged out from %s",
			 s->all ? "all registries" : s->registry);
	return r;
}

static void release(void *settings)
{
	remote_free(&((struct settings *)settings)->remote);
}

const struct command cmd_logout = {
	.name = "logout",
	.summary = "forget a login to a registry",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = logout,
	.release = release,
};
