/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"

/*
 * Loads a kernel module and those that it needs, as modprobe(8) would, with the
 * configuration in /etc/modprobe.d. 0 also when it is built in or loaded already; -ENOENT
 * when the running kernel's /lib/modules has none of that name. Needs CAP_SYS_MODULE.
 */
int priv_module_load(const char *name, struct err *e);
