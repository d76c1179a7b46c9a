/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/option.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/prompt.h"
#include "mab-build/remote.h"
#include "registry/login.h"

enum option_id {
	OPT_USERNAME = 1,
	OPT_PASSWORD,
	OPT_PASSWORD_STDIN,
	OPT_GET_LOGIN,
};

static const struct cli_option options[] = {
	{0, "Who to be", .help = ""},
	{OPT_USERNAME, "username", .letter = 'u', .arg = "USER",
	 .help = "asked for at the terminal without it"},
	{OPT_PASSWORD, "password", .letter = 'p', .arg = "PASSWORD",
	 .help = "likewise; others may see it on the command line for a moment"},
	{OPT_PASSWORD_STDIN, "password-stdin", .help = "read the password from stdin"},
	{OPT_GET_LOGIN, "get-login", .help = "only print the user who is logged in"},
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " login",
	.usage = PROGRAM " login [OPTION…] REGISTRY[/PATH]",
	.summary = "Asks a registry whether it takes user and password, and keeps them "
		   "in the auth file, or with the credential helper that is configured.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	bool from_stdin, get_login;
	const char *registry;
	struct credentials who;
	struct remote remote;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	switch (option->id) {
	case OPT_USERNAME:
		free(s->who.user);
		s->who.user = xstrdup(value);
		return 0;
	case OPT_PASSWORD:
		remote_take_secret(&s->who.password, value);
		return 0;
	case OPT_PASSWORD_STDIN:
		s->from_stdin = true;
		return 0;
	case OPT_GET_LOGIN:
		s->get_login = true;
		return 0;
	default:
		return remote_set(&s->remote, option, value, e);
	}
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;

	if (n != 1)
		return err_set(e, -EINVAL, "one registry is to be named");
	if (s->from_stdin && (s->who.password || s->remote.creds))
		return err_set(e, -EINVAL,
			       "--password-stdin goes neither with --password nor with "
			       "--creds");
	if (s->from_stdin && !s->who.user)
		return err_set(e, -EINVAL, "--password-stdin needs --username");
	s->registry = words[0];
	if (s->remote.creds)
		credentials_free(&s->who);
	return s->remote.creds ? credentials_parse(&s->who, s->remote.creds, e) : 0;
}

/* What the command line left open. */
static int ask(struct settings *s, struct err *e)
{
	int r = 0;

	if (s->from_stdin)
		return prompt_stdin(&s->who.password, e);
	if (!s->who.user)
		r = prompt_line("Username", false, &s->who.user, e);
	if (r == 0 && !s->who.password)
		r = prompt_line("Password", true, &s->who.password, e);
	if (r == -ENXIO)
		r = err_set(e, r,
			    "there is no terminal to ask for user and password: use "
			    "--username and --password-stdin");
	return r;
}

static int print_user(struct settings *s, struct registry *client, struct err *e)
{
	AUTO_CREDENTIALS struct credentials c = {0};
	int r = registry_who(client, s->registry, &c, e);

	if (r == 0)
		cli_line(stdout, "%s", c.user);
	return r;
}

static int login(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_FREE char *where = NULL;
	int r = remote_client(&s->remote, &client, e);

	if (r == 0 && s->get_login)
		return print_user(s, client, e);
	if (r == 0)
		r = ask(s, e);
	if (r == 0)
		r = registry_login(client, s->registry, &s->who, &where, e);
	if (r == 0)
		cli_line(stdout, "logged in to %s; %s keeps it", s->registry, where);
	return r;
}

static void release(void *settings)
{
	struct settings *s = settings;

	credentials_free(&s->who);
	remote_free(&s->remote);
}

const struct command cmd_login = {
	.name = "login",
	.summary = "log in to a registry",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = login,
	.release = release,
};
