/* SPDX-License-Identifier: MIT */
#pragma once

/* Credential helpers, the programs docker-credential-NAME
 * (docker/docker-credential-helpers describes what they read and write).
 */

#include "base/err.h"
#include "registry/credentials.h"

/*
 * Asks a helper for a server's credentials. 1 when it has some, 0 when not. A helper that
 * is not installed or fails is an error that names it.
 */
int helper_get(const char *name, const char *server, struct credentials *c,
	       struct err *e);

/* Reads a helper's answer. */
int helper_parse(const char *name, const char *answer, size_t len, struct credentials *c,
		 struct err *e);
