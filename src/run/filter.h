/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the seccomp filter (seccomp(2)) of a step does to its system calls. An emulated
 * program's calls are its emulator's, so the same filter holds for every platform.
 */

#include <linux/filter.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

struct run_rules;

/* To be made once per build: any number of steps may use it, of several threads. */
struct run_filter {
	struct run_rules *rules;
	/* private: what the kernel gets, made when the first step needs it */
	pthread_mutex_t lock;
	struct sock_filter *code;
	unsigned short len; /* instructions */
};

struct run_filter_options {
	/*
	 * Calls that a build has no use for and that have been ways out of containers
	 * answer EPERM: keyrings, user namespaces, bpf, modules, kexec, and others listed
	 * in filter.c; those for mounts and namespaces only without CAP_SYS_ADMIN.
	 */
	bool deny;
	/*
	 * Else calls that only wait for a disk answer 0 and do nothing: a step that a
	 * power cut interrupts is run again anyway.
	 */
	bool sync;
	/*
	 * A file in the form of containers-common's seccomp.json, whose rules hold
	 * besides, where the two above say nothing; NULL: none.
	 */
	const char *profile;
	uint64_t capabilities; /* of the step, 1 << CAP_* */
};

/* It is to be released also after a failure. */
int run_filter_new(struct run_filter *f, const struct run_filter_options *o,
		   struct err *e);

/* Whether there is anything that it does. */
bool run_filter_is_empty(const struct run_filter *f);

/* Makes the code, which takes some milliseconds, twenty with a profile; once. */
int run_filter_compile(struct run_filter *f, struct err *e);

/* Whether there is code, or none is needed. */
bool run_filter_is_ready(struct run_filter *f);

/*
 * For who keeps code, to have it without compiling: all that decides it, as text that is
 * added; the code itself, lent and of use where the text is the same; and what takes that
 * back. Whoever keeps it has to see to it that nobody else can change it, for what a step
 * may do is written there. -EINVAL when it cannot be such code, as after damage.
 */
void run_filter_describe(const struct run_filter *f, struct strbuf *text);
const void *run_filter_code(struct run_filter *f, size_t *size);
int run_filter_take(struct run_filter *f, const void *code, size_t size);

/* For the calling process, its children, and for good. Needs CAP_SYS_ADMIN. */
int run_filter_load(const struct run_filter *f, struct err *e);

void run_filter_free(struct run_filter *f);

#define AUTO_RUN_FILTER CLEAN(run_filter_free)
