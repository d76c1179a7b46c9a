/* SPDX-License-Identifier: MIT */
#pragma once

/* Shell completion, made from the same table as --help. */

#include <stdio.h>

#include "base/err.h"
#include "base/strv.h"
#include "cli/option.h"

/*
 * Writes what bash, zsh or fish loads. Arguments called LIST complete to comma lists of
 * the words, DIR to folders, FILE and PATH to files, any other to nothing.
 */
int cli_completion_write(const struct cli_program *program, const char *shell,
			 const struct strv *words, FILE *out, struct err *e);
