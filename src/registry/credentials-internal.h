/* SPDX-License-Identifier: MIT */
#pragma once

/* Auth files, for who reads and who writes them. */

#include <jansson.h>

#include "registry/credentials.h"

enum { AUTH_FILE_MAX = 1 << 20 }; /* bytes */

/* The object that a file's text is; NULL when it is none. */
json_t *auth_parse(const char *file, const char *text, size_t len, struct err *e);

/* The member of an object that is meant by "host" or "host/path"; NULL for none. */
const char *auth_key(json_t *object, const char *name);

/* The helper for a repository's host, and that for all others; NULL for none. */
const char *auth_helper(json_t *root, const char *repository);
const char *auth_store(json_t *root);

/* The file that a login is written to, owned by the caller. NULL when there is none. */
char *auth_file_path(const char *authfile, struct err *e);
