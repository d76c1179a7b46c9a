/* SPDX-License-Identifier: MIT */
#include "mab-build/plan.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cli/output.h"

static void show_line(void *context, const struct build_planned *p)
{
	if (p->source)
		printf("%s %s\n", p->source, p->text);
	else
		printf("[%s] %s\n", p->about->label, p->text);
}

/* The base that a step begins with, when it is the first on it. */
struct base {
	const struct build_about *about;
	const char *name;
};

struct json_plan {
	struct base *bases;
	size_t nbases;
};

static const char *base_name(const struct json_plan *plan,
			     const struct build_about *about)
{
	for (size_t i = 0; i < plan->nbases; i++)
		if (plan->bases[i].about == about)
			return plan->bases[i].name;
	return NULL;
}

static void add_needed(struct cli_json *array, const struct build_about *about)
{
	if (about && about->id)
		cli_json_add_number(array, about->id);
}

static void show_object(void *context, const struct build_planned *p)
{
	struct json_plan *plan = context;
	struct cli_json *object, *needs;

	if (p->source) {
		GROW(plan->bases, plan->nbases);
		plan->bases[plan->nbases++] = (struct base){p->about, p->text};
		return;
	}
	object = cli_json_object();
	needs = cli_json_array();
	cli_json_set_number(object, "step", p->about->id);
	cli_json_set_string(object, "label", p->about->label);
	cli_json_set_string(object, "platform", p->about->platform);
	cli_json_set_bool(object, "emulated", p->about->emulated);
	cli_json_set_string(object, "text", p->text);
	if (base_name(plan, p->parent))
		cli_json_set_string(object, "base", base_name(plan, p->parent));
	add_needed(needs, p->parent);
	for (size_t i = 0; i < p->nsources; i++)
		add_needed(needs, p->sources[i]);
	cli_json_set(object, "needs", needs);
	cli_json_print_line(object, stdout);
}

void show_plan(const struct build *b, bool json)
{
	struct json_plan plan = {0};

	build_plan_list(b, json ? show_object : show_line, &plan);
	free(plan.bases);
}
