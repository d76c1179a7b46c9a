/* SPDX-License-Identifier: MIT */
#pragma once

/* What a server wants of who asks: WWW-Authenticate (RFC 9110, 11.6.1; RFC 6750, 3). */

#include <stddef.h>

#include "base/cleanup.h"

struct challenge {
	char *scheme; /* "Bearer", in any case */
	char *realm;  /* these are NULL when they are not there */
	char *service;
	char *scope;
	char *error;
};

struct challenges {
	struct challenge *v;
	size_t n;
};

/*
 * Adds the challenges of one header's value, which may have several. What cannot be
 * understood ends the reading; what came before counts.
 */
void challenges_parse(struct challenges *list, const char *header);

/* The first of a scheme, in any case; NULL when there is none. */
const struct challenge *challenges_find(const struct challenges *list,
					const char *scheme);
void challenges_free(struct challenges *list);

#define AUTO_CHALLENGES CLEAN(challenges_free)
