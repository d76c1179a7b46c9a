/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct priv_file {
	const char *name; /* in the root folder */
	const void *data;
	size_t size;
	uid_t owner; /* 0: whoever calls */
	mode_t mode;
};

/* Whether a file can be given to this user: root, and the user exists in this namespace.
 */
bool priv_can_chown_to(uid_t uid);

/*
 * Moves the calling process, for good, into a root of its own that holds nothing but this
 * file: a mount namespace with an empty tmpfs. For a child that was forked for it.
 * Without CAP_SYS_ADMIN it takes a user namespace with one id, where `owner` has to be 0.
 */
int priv_emptyroot_enter(const struct priv_file *file, struct err *e);
