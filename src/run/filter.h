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
	bool deny, sync;    /* as it was made */
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

/*
 * The same rules one by one, for a runtime that makes a filter from them: names of calls
 * and their answer, a positive errno or 0. Without that on clone(2), which depends on an
 * argument: CLONE_NEWUSER answers EPERM. Architectures are those of libseccomp, to a
 * NULL.
 */
typedef void (*run_filter_rule)(void *context, const char *name, int answer);
void run_filter_each(const struct run_filter *f, run_filter_rule rule, void *context);
extern const char *const run_filter_architectures[];

void run_filter_free(struct run_filter *f);

#define AUTO_RUN_FILTER CLEAN(run_filter_free)
