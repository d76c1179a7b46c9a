/* SPDX-License-Identifier: MIT */
#pragma once

/* Asking the person at the terminal. */

#include <stdbool.h>

#include "base/err.h"

/*
 * Shows `label: ` on the terminal, whatever stdin and stdout are, and reads a line, of a
 * secret without showing it. The answer is the caller's. -ENXIO when there is no
 * terminal, -ECANCELED after a signal.
 */
int prompt_line(const char *label, bool secret, char **answer, struct err *e);

/* The whole of stdin without the newline at its end, of at most 64 KiB. */
int prompt_stdin(char **answer, struct err *e);
