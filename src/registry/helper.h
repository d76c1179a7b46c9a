/* SPDX-License-Identifier: MIT */
#pragma once

/* Credential helpers, the programs docker-credential-NAME
 * (docker/docker-credential-helpers describes what they read and write). A helper that is
 * not installed or fails is an error that names it.
 */

#include "base/err.h"
#include "base/strv.h"
#include "registry/credentials.h"

/* What helpers call the registry of "host/path"; owned by the caller. */
char *helper_server(const char *repository);

/* Asks a helper for a server's credentials. 1 when it has some, 0 when not. */
int helper_get(const char *name, const char *server, struct credentials *c,
	       struct err *e);

/* Reads a helper's answer. */
int helper_parse(const char *name, const char *answer, size_t len, struct credentials *c,
		 struct err *e);

/* Lets a helper keep credentials. */
int helper_store(const char *name, const char *server, const struct credentials *c,
		 struct err *e);

/* Lets a helper forget a server's. 1 when it had some, 0 when not. */
int helper_erase(const char *name, const char *server, struct err *e);

/* Adds the servers that a helper has credentials for. */
int helper_list(const char *name, struct strv *servers, struct err *e);
