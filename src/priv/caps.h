/* SPDX-License-Identifier: MIT */
#pragma once

/* The process's capabilities (capabilities(7)); CAP_* come from <linux/capability.h>. */

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The number of a name, with or without "CAP_", in any case; -ENOENT: there is none. */
int priv_caps_number(const char *name);

/* "CAP_CHOWN", owned by the caller; NULL for a number without a name. */
char *priv_caps_name(unsigned cap);

/* Whether the capability is in the effective set. */
bool priv_caps_have(unsigned cap);

/*
 * Gives up every permitted and effective capability but these, for good. One that the
 * process does not have is not gained. No process that it starts may gain privileges by
 * exec afterwards when n is 0 (no_new_privs).
 */
int priv_caps_limit(const unsigned *caps, size_t n, struct err *e);
