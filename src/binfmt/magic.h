/* SPDX-License-Identifier: MIT */
#pragma once

/* How an architecture's ELF files begin, as magic bytes and a mask. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"

enum { BINFMT_MAGIC_MAX = 64 };

struct binfmt_magic {
	uint8_t magic[BINFMT_MAGIC_MAX];
	uint8_t mask[BINFMT_MAGIC_MAX];
	size_t size;   /* bytes of both, from offset 0 */
	unsigned bits; /* 32 or 64 */
	bool big_endian;
	unsigned machine; /* e_machine */
	uint32_t flags;	  /* e_flags, where they count */
	uint32_t flags_mask;
};

/* Reads one file of magic/; *magics (owned by the caller) gets one per machine number. */
int binfmt_magic_read(const struct conf *c, struct binfmt_magic **magics, size_t *n,
		      struct err *e);
