/* SPDX-License-Identifier: MIT */
#pragma once

/* Who can change what a path leads to. */

#include <sys/types.h>

#include "base/err.h"

/*
 * Whether only root, the caller and the user `also` (0: nobody else) can replace a file,
 * or what is in a folder: it, and every folder and link on the way to it, belongs to one
 * of them, and others cannot write there; in sticky folders they can add files, but not
 * replace those of others. path is absolute. Returns -EPERM, with the place in words,
 * where others can. In a user namespace owners who are not mapped look like one another,
 * so there `also` may be a guess.
 */
int owners_check(const char *path, uid_t also, struct err *e);
