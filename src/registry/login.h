/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Logins that are kept: in the auth file, or by the credential helper that it or
 * registries.conf names. A registry is HOST[:PORT], or HOST[:PORT]/PATH for what is below
 * that path only.
 */

#include "base/err.h"
#include "registry/client.h"
#include "registry/credentials.h"

/*
 * Asks the registry whether it takes the credentials, and keeps them. *where is the file
 * or helper that has them, owned by the caller. The file is replaced as a whole, for its
 * owner only to read; what else is in it stays.
 */
int registry_login(struct registry *r, const char *name, const struct credentials *c,
		   char **where, struct err *e);

/* -ENOENT when there is no login. */
int registry_logout(struct registry *r, const char *name, struct err *e);

/* All in the auth file, and all that a helper of registries.conf has. */
int registry_logout_all(struct registry *r, struct err *e);

/* The credentials that there are. -ENOENT when there are none. */
int registry_who(struct registry *r, const char *name, struct credentials *c,
		 struct err *e);
