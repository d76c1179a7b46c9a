/* SPDX-License-Identifier: MIT */
#pragma once

/* Changing an auth file. */

#include <jansson.h>

#include "base/err.h"

/* Changes the object of a file. 1: it is to be written, 0: it stays as it is. */
typedef int (*auth_change)(void *context, json_t *root, struct err *e);

/*
 * Reads a file (none is an empty object), has it changed, and replaces it as a whole,
 * with mode 0600. Missing folders are made; two programs that do this wait for each
 * other. Returns what the change returned.
 */
int auth_file_change(const char *file, auth_change change, void *context, struct err *e);
