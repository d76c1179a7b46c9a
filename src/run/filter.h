/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the seccomp filter (seccomp(2)) of a step does to its system calls. An emulated
 * program's calls are its emulator's, so the same filter holds for every platform.
 */

#include <linux/filter.h>
#include <stdbool.h>

#include "base/err.h"

struct run_filter {
	struct sock_filter *code;
	unsigned short len; /* instructions; 0: every call is allowed */
};

/*
 * With deny, calls that a build has no use for and that have been ways out of containers
 * answer EPERM: keyrings, user namespaces, bpf, modules, kexec, and others listed in
 * filter.c. Without sync, calls that only wait for a disk answer 0 and do nothing: a step
 * that a power cut interrupts is run again anyway.
 *
 * Takes a millisecond or two: make it once per build. Any number of steps may use it.
 */
int run_filter_new(struct run_filter *f, bool deny, bool sync, struct err *e);

/* For the calling process, its children, and for good. Needs CAP_SYS_ADMIN. */
int run_filter_load(const struct run_filter *f, struct err *e);

void run_filter_free(struct run_filter *f);

#define AUTO_RUN_FILTER CLEAN(run_filter_free)
