/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cli/option.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/image.h"
#include "mab-build/remote.h"
#include "registry/pull.h"

static const struct cli_option options[] = {
	REMOTE_OPTIONS,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " tags",
	.usage = PROGRAM " tags [OPTION…] REPOSITORY",
	.summary = "Lists the tags of a repository, one a line.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

struct settings {
	struct image_name name;
	struct remote remote;
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct settings *s = settings;

	return remote_set(&s->remote, option, value, e);
}

static int take(void *settings, int n, char **words, struct err *e)
{
	struct settings *s = settings;
	int r;

	if (n != 1)
		return err_set(e, -EINVAL, "one repository is to be named");
	r = image_name_parse(&s->name, words[0], e);
	if (r == 0 && s->name.place.transport != TRANSPORT_REGISTRY)
		r = err_set(e, -EINVAL, "only registries have tags, not '%s'", words[0]);
	return r;
}

static int list(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_STRV struct strv tags = STRV_INIT;
	int r = remote_client(&s->remote, &client, e);

	if (r == 0)
		r = image_name_complete(&s->name, client, e);
	if (r == 0)
		r = registry_tags(client, &s->name.ref, &tags, e);
	for (size_t i = 0; i < tags.n && r == 0; i++)
		cli_line(stdout, "%s", tags.v[i]);
	return r;
}

static void release(void *settings)
{
	struct settings *s = settings;

	image_name_free(&s->name);
	remote_free(&s->remote);
}

const struct command cmd_tags = {
	.name = "tags",
	.summary = "list the tags of a repository",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = list,
	.release = release,
};
