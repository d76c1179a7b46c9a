/* SPDX-License-Identifier: MIT */
#pragma once

/* What no entry may do: each of these would leave a machine on which little runs. */

#include "base/err.h"
#include "binfmt/entry.h"

/*
 * Refuses an entry that is not valid, or would take the machine's own programs, scripts,
 * or its own interpreter. -EPERM, but for what is not valid.
 */
int binfmt_guard_check(const struct binfmt_entry *entry, struct err *e);
