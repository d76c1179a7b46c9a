/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who USER is: by the image's own /etc/passwd and /etc/group (passwd(5), group(5)), which
 * may hold anything.
 */

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct run_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary ones, gid first; each once */
	size_t ngroups;
	char *home; /* "/" when passwd(5) does not say */
};

/*
 * spec is "USER[:GROUP]", each a name or a number; empty or NULL is 0:0. A word is looked
 * for as a name first, then as a number, which need not be listed; nor need `root`, which
 * is 0 then. Without GROUP it is that of the user's entry (else 0), and the user is in
 * every group that lists its name; with GROUP it is in that one alone. The texts are of
 * files; damaged lines are passed over. -ENOENT: no such name.
 */
int run_user_parse(struct run_user *u, const char *spec, const char *passwd,
		   size_t passwd_len, const char *group, size_t group_len, struct err *e);

/* The same with the files below root, in which links stay inside. Missing is empty. */
int run_user_find(struct run_user *u, const char *spec, int root, struct err *e);

void run_user_free(struct run_user *u);

#define AUTO_RUN_USER CLEAN(run_user_free)
