/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The namespaces that a build of this user has. Whoever looks at the files of a store, or
 * removes them, has to be there too: as an ordinary user's they belong to subordinate
 * ids, and an overlay's work folder is open to root alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Takes the process, which must have one thread, into a mount namespace, and a user
 * namespace unless it is root and needs no users of its own; it is root there. *one_owner
 * (NULL allowed): the only user. *shortfall, the caller's, tells why it is if it should
 * not be, else it is NULL.
 */
int build_enter(bool own_users, bool *one_owner, char **shortfall, struct err *e);

/* Tells apart ways in which an id here is another one on the disk; 0: it is the same. */
uint32_t build_enter_ids(void);
