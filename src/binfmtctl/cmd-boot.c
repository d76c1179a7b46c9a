/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "binfmtctl/custom.h"
#include "binfmtctl/install.h"
#include "binfmtctl/persist.h"

/* What the configuration says of one architecture. */
struct choice {
	bool install;
	bool asked; /* by its name, not by `all` */
	const struct binfmt_plan_options *options;
};

static void choose_all(struct choice *choices, size_t n,
		       const struct binfmt_plan_options *options)
{
	for (size_t i = 0; i < n; i++)
		if (!choices[i].asked)
			choices[i] = (struct choice){true, false, options};
}

/* The later word on an architecture wins, but one by name over one by `all`. */
static void choose(struct install *in, struct choice *choices, const char *name,
		   bool install, const struct binfmt_plan_options *options)
{
	const struct binfmt_archs *archs = &in->session.archs;
	const struct binfmt_arch *arch = binfmt_archs_find(archs, name);

	if (strcmp(name, "all") == 0)
		choose_all(choices, archs->n, options);
	else if (arch)
		choices[arch - archs->v] = (struct choice){install, true, options};
	else
		session_report_unknown(&in->session, "installing", name,
				       "unknown architecture");
}

static void install_entry(struct install *in, const struct binfmt_entry *entry)
{
	AUTO_ERR struct err e = ERR_INIT;
	struct binfmt_entry wanted = *entry;
	const char *how;
	int r = custom_check(entry, &e);

	wanted.enabled = true;
	if (r == 0)
		r = session_install_entry(&in->session, &wanted, true, &how, &e);
	if (r == 0 && !entry->enabled)
		r = session_set_enabled(&in->session, entry->name, false, &e);
	if (r < 0)
		session_report_failure(&in->session, "installing", entry->name, &e);
	else
		session_report("installing", entry->name,
			       entry->enabled ? how : "OK (disabled)");
}

static void install_set(struct install *in, const struct persisted_set *set)
{
	const struct binfmt_archs *archs = &in->session.archs;
	AUTO_FREE struct choice *choices = xcalloc(archs->n + 1, sizeof *choices);

	for (size_t i = 0; i < set->install.n; i++)
		choose(in, choices, set->install.v[i], true, &set->options);
	for (size_t i = 0; i < set->n; i++) {
		const struct persisted *p = &set->v[i];

		if (p->architecture)
			choose(in, choices, p->architecture, p->install, &p->options);
	}
	for (size_t i = 0; i < archs->n; i++) {
		AUTO_FREE char *label = binfmt_arch_label(&archs->v[i]);

		if (choices[i].install)
			install_one(in, i, label, choices[i].asked, choices[i].options);
	}
	/* What is said of a single entry has the last word. */
	for (size_t i = 0; i < set->n; i++)
		if (!set->v[i].architecture)
			install_entry(in, &set->v[i].entry);
}

static int run(const struct settings *settings)
{
	AUTO_INSTALL struct install in = INSTALL_INIT(settings);
	CLEAN(persisted_free) struct persisted_set set = {0};
	AUTO_ERR struct err e = ERR_INIT;

	if (persisted_load(&set, settings->config_dir, &e) < 0)
		return fail(&e);
	if (install_open(&in, &e) < 0)
		return fail(&e);
	/* The configuration is what is wanted, whatever others installed before. */
	in.replace = true;
	install_set(&in, &set);
	return in.session.failed ? STATUS_FAILED : 0;
}

const struct command cmd_boot = {
	.action = OPT_BOOT,
	.run = run,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};
