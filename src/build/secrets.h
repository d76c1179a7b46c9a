/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What RUN --mount=type=secret may be given. The bytes are in memory from the start of a
 * build to its end, and nowhere else: in no key, no record, no message.
 */

#include <stddef.h>

#include "base/err.h"
#include "build/build.h"

struct build_secret {
	const char *id; /* of the settings */
	char *data;
	size_t len;
};

struct build_secrets {
	struct build_secret *v;
	size_t n;
};

/* Reads all of them: as the user who called, before any namespace is entered. */
int build_secrets_read(struct build_secrets *s, const struct build_settings *settings,
		       struct err *e);

/* NULL when there is none of this id. */
const struct build_secret *build_secret_find(const struct build_secrets *s,
					     const char *id);

/* Also wipes them. */
void build_secrets_free(struct build_secrets *s);
