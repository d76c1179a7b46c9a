/* SPDX-License-Identifier: MIT */
#pragma once

/* Giving up one's identity before a program that is not trusted. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct priv_identity {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary ones */
	size_t ngroups;
	const unsigned *caps; /* that it, when it is root, and set-user-ID programs have,
				 as far as the caller has them */
	size_t ncaps;
	bool all_caps; /* instead of those */
};

/*
 * Makes the calling process this user, for good. Where the user namespace has no
 * supplementary groups at all, root does without them; other users are not there.
 */
int priv_become(const struct priv_identity *id, struct err *e);
