/* SPDX-License-Identifier: MIT */
#pragma once

/* Verifying handlers: what --verify and --install … --verify share. */

#include "binfmtctl/session.h"
#include "cli/output.h"

/*
 * Runs the architecture's probe and reports it under the label. What was found out is
 * added to the JSON array `results` (NULL: nowhere). Returns whether all is well.
 */
bool verify_arch(struct session *session, const struct binfmt_arch *arch,
		 const char *label, struct cli_json *results);
