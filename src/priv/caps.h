/* SPDX-License-Identifier: MIT */
#pragma once

/* The process's capabilities (capabilities(7)); CAP_* come from <linux/capability.h>. */

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Whether the capability is in the effective set. */
bool priv_caps_have(unsigned cap);

/*
 * Gives up every permitted and effective capability but these, for good. One that the
 * process does not have is not gained. No process that it starts may gain privileges by
 * exec afterwards when n is 0 (no_new_privs).
 */
int priv_caps_limit(const unsigned *caps, size_t n, struct err *e);
