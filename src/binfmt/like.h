/* SPDX-License-Identifier: MIT */
#pragma once

/* A magic for all files of the kind of a sample. */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "binfmt/arch.h"
#include "binfmt/entry.h"

/*
 * Fills magic, mask and size of the entry from a sample's first n bytes. An ELF program
 * of a known architecture: what the table says of that. Another ELF program: its first 20
 * bytes, for e_type EXEC and DYN, and for EI_OSABI 0 to 3. "MZ": these two bytes.
 * Anything else: the first four bytes. Refused is what says nothing of a kind: a script,
 * four letters, digits and blanks, zeros.
 */
int binfmt_like(struct binfmt_entry *entry, const struct binfmt_archs *archs,
		const uint8_t *head, size_t n, struct err *e);
