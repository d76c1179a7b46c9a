/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A filter for system calls as a list, in the terms of libseccomp: what both the kernel's
 * code and an OCI runtime's JSON are made of. For this folder only.
 */

#include <seccomp.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

enum { RUN_RULE_ARGS = 6 };

struct run_rule {
	char *name;	 /* of the system call */
	uint32_t action; /* SCMP_ACT_* */
	unsigned nargs;	 /* all of them must hold */
	struct scmp_arg_cmp args[RUN_RULE_ARGS];
};

struct run_rules {
	uint32_t otherwise; /* the action for calls without a rule */
	struct run_rule *v;
	size_t n;
	struct strv architectures; /* "SCMP_ARCH_X86_64" */
};

/* A rule without arguments yet, the last of the list. */
struct run_rule *run_rules_add(struct run_rules *r, const char *name, uint32_t action);

/* Takes all rules of a call away. */
void run_rules_drop(struct run_rules *r, const char *name);
void run_rules_free(struct run_rules *r);

/* The number of "SCMP_ARCH_…"; 0 when libseccomp knows none of that name. */
uint32_t run_rules_architecture(const char *name);

/* The names in the OCI runtime spec, of an action without its errno. */
const char *run_rules_action_name(uint32_t action);
const char *run_rules_compare_name(enum scmp_compare op);

/* SCMP_ACT_* with errno 0, or -EINVAL. */
int64_t run_rules_action(const char *name);

/* enum scmp_compare, or -EINVAL. */
int run_rules_compare(const char *name);

/*
 * Reads a profile (containers-common's seccomp.json, Docker's form): what in it holds for
 * this machine and these capabilities (1 << CAP_*). The names of calls are not looked at,
 * as profiles name those of newer kernels. All else that is not known is refused, with
 * its place.
 */
int run_profile_read(struct run_rules *r, const char *file, uint64_t capabilities,
		     struct err *e);
