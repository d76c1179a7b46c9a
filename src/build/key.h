/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keys: digests of fields, each with its length before it, so that no two lists of fields
 * are the same bytes.
 */

#include <stdint.h>

#include "base/strv.h"
#include "dockerfile/ast.h"
#include "oci/digest.h"

struct build_key {
	struct oci_hasher *hasher;
};

/* kind tells apart keys of different things. */
void build_key_begin(struct build_key *k, const char *kind);
void build_key_bytes(struct build_key *k, const void *data, size_t n);
void build_key_text(struct build_key *k, const char *text); /* NULL is not "" */
void build_key_number(struct build_key *k, int64_t n);
void build_key_list(struct build_key *k, const struct strv *list);
void build_key_digest(struct build_key *k, const struct oci_digest *digest);

/* What an expanded instruction says, wherever it stands. */
void build_key_instruction(struct build_key *k, const struct dockerfile_instruction *i);

/* Then k is empty again. */
void build_key_end(struct build_key *k, struct oci_digest *digest);
