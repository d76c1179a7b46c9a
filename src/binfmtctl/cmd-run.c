/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/proc.h"
#include "binfmtctl/install.h"
#include "binfmtctl/session.h"
#include "cli/output.h"
#include "priv/caps.h"
#include "priv/tree.h"
#include "priv/userns.h"

/*
 * The command does not get a process of its own: this one enters the namespaces, and
 * becomes it. So its exit status, its signals, its place in the terminal's jobs and its
 * parent are what they would have been.
 */

static int enter_namespaces(struct err *e)
{
	AUTO_CLOSE int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_PRIV_USERNS struct priv_userns ns = {0};
	AUTO_FREE char *shortfall = NULL;
	int r;

	priv_userns_plan(&ns, etc);
	r = priv_userns_enter(&ns, &shortfall, e);
	if (r == 0 && shortfall)
		cli_message(PROGRAM, "the command has one user and group only: %s",
			    shortfall);
	return r;
}

/* One that cannot be had here is left out with a word: it was not asked for by name. */
static void inherit_entry(struct session *session, const struct binfmt_entry *entry)
{
	AUTO_ERR struct err e = ERR_INIT;
	const char *how;
	int r = 0;

	if (!entry->enabled)
		return;
	if (entry->other_flags[0])
		r = err_set(&e, -ENOTSUP, "it has flags that are not known here: %s",
			    entry->other_flags);
	if (r == 0)
		r = session_install_entry(session, entry, false, &how, &e);
	if (r < 0)
		cli_message(PROGRAM, "cannot inherit %s: %s", entry->name, e.text);
}

/* The kernel lists the newest first, and asks them in that order. */
static int inherit(struct session *session, const struct binfmt_entries *entries,
		   struct err *e)
{
	for (size_t i = entries->n; i-- > 0;)
		inherit_entry(session, &entries->v[i]);
	binfmt_entries_free(&session->live);
	return binfmt_kernel_list(session->instance.fd, &session->live, e);
}

static int fill_table(const struct settings *settings,
		      const struct binfmt_entries *inherited, struct err *e)
{
	AUTO_INSTALL struct install in = INSTALL_INIT(settings);
	int r = session_open_own(&in.session, e);

	in.replace = true; /* what is asked for by name goes before what is inherited */
	in.only_failures = true;
	if (r == 0 && inherited->n)
		r = inherit(&in.session, inherited, e);
	if (r == 0)
		r = install_begin(&in, e);
	for (size_t i = 0; r == 0 && i < settings->names.n; i++) {
		const struct binfmt_arch *arch;

		(void)install_name(&in, settings->names.v[i], &arch); /* it reports */
	}
	if (r == 0 && in.session.failed)
		r = err_set(e, -ECANCELED, "the command was not run");
	return r;
}

/* 1 when the new root has such a folder, over which the old one's now is. */
static int bring_along(int root, const char *name, struct err *e)
{
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int target =
		openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int tree = -1;
	int r;

	if (target < 0)
		return 0;
	path = xasprintf("/%s", name);
	tree = priv_tree_clone(AT_FDCWD, path, e);
	if (tree < 0)
		return tree;
	r = priv_tree_attach(tree, target, "", e);
	return r < 0 ? r : 1;
}

/* proc brings the mount that holds the handlers. Where it cannot, that one must stay. */
static int enter_root(const char *path, struct err *e)
{
	AUTO_CLOSE int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int root = -1;
	int proc, r;

	if (folder < 0)
		return err_sys(e, -errno, "cannot open it");
	root = priv_tree_clone(folder, "", e);
	if (root < 0)
		return root;
	r = priv_tree_attach(root, folder, "", e);
	if (r < 0)
		return r;
	proc = r = bring_along(root, "proc", e);
	if (r >= 0)
		r = bring_along(root, "sys", e);
	if (r >= 0)
		r = bring_along(root, "dev", e);
	return r < 0 ? r : priv_tree_enter(root, proc == 0, e);
}

static int find_inherited(const struct settings *settings, struct binfmt_entries *entries,
			  struct err *e)
{
	AUTO_SESSION struct session session = SESSION_INIT(settings);
	int r = session_open_view(&session, e);

	if (r < 0 || session.instance.fd < 0 ||
	    binfmt_kernel_enabled(session.instance.fd, NULL) == 0)
		return r;
	*entries = session.live;
	session.live = (struct binfmt_entries){0};
	return 0;
}

/* All that happens before the command. */
static int prepare(const struct settings *settings, struct err *e)
{
	AUTO_BINFMT_ENTRIES struct binfmt_entries inherited = {0};
	int r = 0;

	if (settings->inherit)
		r = find_inherited(settings, &inherited, e);
	if (r == 0)
		r = enter_namespaces(e);
	if (r == 0)
		r = fill_table(settings, &inherited, e);
	if (r < 0 || !settings->root)
		return r;
	r = enter_root(settings->root, e);
	return r < 0 ? err_wrap(e, r, "--root %s", settings->root) : 0;
}

static int run(const struct settings *settings)
{
	AUTO_ERR struct err e = ERR_INIT;
	int r = prepare(settings, &e);

	if (r < 0) {
		(void)fail(&e);
		return STATUS_NOT_READY;
	}
	r = proc_exec(settings->command, &e);
	if (r == -ENOEXEC)
		(void)err_set(
			&e, r,
			"%s is a program that this machine does not run, nor one of "
			"the handlers",
			settings->command[0]);
	(void)fail(&e);
	return r == -ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

/* Root's, to map all ids: the kernel asks for the third to map id 0 (Linux 5.12). */
static const unsigned caps[] = {CAP_SETUID, CAP_SETGID, CAP_SETFCAP};

const struct command cmd_run = {
	.action = OPT_RUN,
	.run = run,
	.caps = caps,
	.ncaps = ARRAY_SIZE(caps),
	.unprivileged = true,
};
