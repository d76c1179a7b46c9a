/* SPDX-License-Identifier: MIT */
#include "priv/module.h"

#include <errno.h>
#include <libkmod.h>

static void context_free(struct kmod_ctx **c)
{
	if (*c)
		kmod_unref(*c);
}

static void list_free(struct kmod_list **l)
{
	kmod_module_unref_list(*l);
}

/* One module of the list that a name stands for (a name may be an alias of several). */
static int load(struct kmod_list *item, const char *name, struct err *e)
{
	struct kmod_module *m = kmod_module_get_module(item);
	int r = 0;

	/*
	 * Safe with any input: the name is a constant of this program, and the file comes
	 * from /lib/modules, which only root writes. A blacklist is obeyed.
	 */
	r = kmod_module_probe_insert_module(m, KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL,
					    NULL, NULL);
	kmod_module_unref(m);
	if (r == KMOD_PROBE_APPLY_BLACKLIST)
		return err_set(e, -EPERM,
			       "module %s is blacklisted in /etc/modprobe.d "
			       "(remove the line to allow it)",
			       name);
	if (r < 0)
		return err_sys(e, r, "cannot load module %s", name);
	return 0;
}

int priv_module_load(const char *name, struct err *e)
{
	CLEAN(context_free) struct kmod_ctx *c = kmod_new(NULL, NULL);
	CLEAN(list_free) struct kmod_list *found = NULL;
	struct kmod_list *item;
	int r;

	if (!c)
		return err_set(e, -ENOENT, "there are no kernel modules here");
	/* Its log lines are for people who debug kmod. */
	kmod_set_log_fn(c, NULL, NULL);
	r = kmod_module_new_from_lookup(c, name, &found);
	if (r < 0 || !found)
		return err_set(e, -ENOENT, "there is no module %s for this kernel", name);
	kmod_list_foreach(item, found)
	{
		r = load(item, name, e);
		if (r < 0)
			return r;
	}
	return 0;
}
