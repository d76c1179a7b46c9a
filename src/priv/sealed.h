/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"

/*
 * Starts the program again from a copy of itself in memory, which nobody can write to
 * (memfd_create(2), F_SEAL_WRITE), unless it runs from one already: for the start of
 * main(), before anything is open or allocated. Returns 0 in the copy, or an error in
 * the program as it was started.
 *
 * Why: a command in a sandbox can be a script for the interpreter /proc/self/exe. That
 * is, until exec(2) is through, the program that made the sandbox, outside of it; if root
 * may write to its file there, root in the sandbox can, too. (The kernel answers ETXTBSY
 * as long as the program runs, but Linux 6.11 and 6.12 do not.)
 */
int priv_sealed_restart(char **argv, struct err *e);
