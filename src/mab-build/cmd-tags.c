/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cli/option.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/image.h"
#include "mab-build/remote.h"
#include "registry/pull.h"

enum option_id { OPT_HELP = 1 };

static const struct cli_option options[] = {
	REMOTE_OPTIONS,
	{0, "Help", .help = ""},
	{OPT_HELP, "help", .letter = 'h', .help = "show this text"},
	{0},
};

static const struct cli_program program = {
	.name = PROGRAM " tags",
	.usage = PROGRAM " tags [OPTION…] REPOSITORY",
	.summary = "Lists the tags of a repository, one a line.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	bool help;
	struct image_name name;
	struct remote remote;
};

static int set_option(void *context, const struct cli_option *option, const char *value,
		      struct err *e)
{
	struct settings *s = context;

	if (option->id != OPT_HELP)
		return remote_set(&s->remote, option, value, e);
	s->help = true;
	return 0;
}

static int parse_settings(struct settings *s, int argc, char **argv, struct err *e)
{
	int operands, r;

	r = cli_options_parse(&program, argc, argv, set_option, s, &operands, e);
	if (r < 0 || s->help)
		return r;
	if (argc - operands != 1)
		return err_set(e, -EINVAL, "one repository is to be named");
	r = image_name_parse(&s->name, argv[operands], e);
	if (r == 0 && s->name.transport != TRANSPORT_REGISTRY)
		r = err_set(e, -EINVAL, "only registries have tags, not '%s'",
			    argv[operands]);
	return r;
}

static int list(struct settings *s, struct err *e)
{
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_STRV struct strv tags = STRV_INIT;
	int r = remote_client(&s->remote, &client, e);

	if (r == 0)
		r = registry_tags(client, &s->name.ref, &tags, e);
	for (size_t i = 0; i < tags.n && r == 0; i++)
		cli_line(stdout, "%s", tags.v[i]);
	return r;
}

static int run(int argc, char **argv)
{
	AUTO_ERR struct err e = ERR_INIT;
	struct settings s = {0};
	int status = 0;

	if (parse_settings(&s, argc, argv, &e) < 0)
		status = usage_error("tags", &e);
	else if (s.help)
		cli_options_help(&program, stdout);
	else if (list(&s, &e) < 0)
		status = fail(&e);
	image_name_free(&s.name);
	remote_free(&s.remote);
	return status;
}

const struct command cmd_tags = {
	.name = "tags",
	.summary = "list the tags of a repository",
	.run = run,
};
