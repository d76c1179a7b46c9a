/* SPDX-License-Identifier: MIT */
#include "run/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

struct run_rule *run_rules_add(struct run_rules *r, const char *name, uint32_t action)
{
	struct run_rule *rule;

	GROW(r->v, r->n);
	rule = &r->v[r->n++];
	*rule = (struct run_rule){.name = xstrdup(name), .action = action};
	return rule;
}

void run_rules_drop(struct run_rules *r, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->v[i].name, name) == 0)
			free(r->v[i].name);
		else
			r->v[kept++] = r->v[i];
	}
	r->n = kept;
}

void run_rules_free(struct run_rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].name);
	free(r->v);
	strv_free(&r->architectures);
	*r = (struct run_rules){0};
}

uint32_t run_rules_architecture(const char *name)
{
	static const char prefix[] = "SCMP_ARCH_";
	AUTO_FREE char *lower = NULL;

	if (strncmp(name, prefix, sizeof prefix - 1) != 0)
		return 0;
	lower = xstrdup(name + sizeof prefix - 1);
	str_lower(lower);
	return seccomp_arch_resolve_name(lower);
}

static const struct {
	const char *name;
	uint32_t action;
} actions[] = {
	{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
	{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
	{"SCMP_ACT_KILL", SCMP_ACT_KILL},
	{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
	{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
	{"SCMP_ACT_LOG", SCMP_ACT_LOG},
	{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
};

const char *run_rules_action_name(uint32_t action)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if ((action & 0xffff0000u) == actions[i].action)
			return actions[i].name;
	return NULL;
}

int64_t run_rules_action(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return actions[i].action;
	return -EINVAL;
}

static const char *const compares[] = {
	[SCMP_CMP_NE] = "SCMP_CMP_NE",
	[SCMP_CMP_LT] = "SCMP_CMP_LT",
	[SCMP_CMP_LE] = "SCMP_CMP_LE",
	[SCMP_CMP_EQ] = "SCMP_CMP_EQ",
	[SCMP_CMP_GE] = "SCMP_CMP_GE",
	[SCMP_CMP_GT] = "SCMP_CMP_GT",
	[SCMP_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

const char *run_rules_compare_name(enum scmp_compare op)
{
	return compares[op];
}

int run_rules_compare(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(compares); i++)
		if (compares[i] && strcmp(compares[i], name) == 0)
			return (int)i;
	return -EINVAL;
}
