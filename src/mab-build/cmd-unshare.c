/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/proc.h"
#include "build/enter.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/storage.h"

/* As env(1) and shells have it. */
enum {
	STATUS_NOT_RUNNABLE = 126,
	STATUS_NOT_FOUND = 127,
};

static const struct cli_option options[] = {
	STORAGE_OPTION,
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " unshare",
	.usage = PROGRAM " unshare [OPTION…] [COMMAND [ARGUMENT…]]",
	.summary = "Runs a command (default: $SHELL) where files of the store have the "
		   "owners that builds see: in a user and mount namespace as they have.",
	.options = options,
	.epilogue = "Exit status: that of the command; 126 it cannot be run, 127 there "
		    "is none, 1 something else failed, 2 wrong usage.",
	.command = true,
};

struct settings {
	const char *root;
	char **words; /* NULL: the shell */
};

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	(void)option;
	(void)e;
	((struct settings *)settings)->root = value;
	return 0;
}

static int take(void *settings, int n, char **words, struct err *e)
{
	(void)e;
	((struct settings *)settings)->words = n ? words : NULL;
	return 0;
}

/* Where the command finds the store, from whatever folder. */
static int set_root(const struct settings *s, struct err *e)
{
	struct store *store = NULL;
	char path[PATH_MAX];
	int r = storage_open(&store, s->root, false, e);

	if (r == 0 &&
	    (!realpath(store_path(store), path) || setenv("MAB_BUILD_ROOT", path, 1) < 0))
		r = err_sys(e, -errno, "cannot find the store %s", store_path(store));
	store_close(store);
	return r;
}

static int run(void *settings, struct err *e)
{
	const struct settings *s = settings;
	const char *shell = getenv("SHELL");
	const char *usual[] = {shell && *shell ? shell : "/bin/sh", NULL};
	AUTO_FREE char *shortfall = NULL;
	int r = set_root(s, e);

	if (r == 0)
		r = build_enter(geteuid() != 0, NULL, &shortfall, e);
	if (r < 0)
		return r;
	if (shortfall)
		cli_message(PROGRAM, "all files belong to one user: %s", shortfall);
	r = proc_exec(s->words ? (const char *const *)s->words : usual, e);
	(void)fail(e);
	return r == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
}

const struct command cmd_unshare = {
	.name = "unshare",
	.summary = "run a command where builds of this user run",
	.program = &program,
	.size = sizeof(struct settings),
	.set = set,
	.take = take,
	.act = run,
};
