/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "binfmtctl/install.h"
#include "binfmtctl/persist.h"
#include "binfmtctl/verify.h"

static void persist(struct install *in, const struct binfmt_arch *arch, const char *label)
{
	const struct settings *s = in->session.settings;
	AUTO_ERR struct err e = ERR_INIT;

	if (!s->persist || s->dry_run)
		return;
	if (persist_arch(s, arch, &e) < 0)
		session_report_failure(&in->session, "persisting", label, &e);
	else
		session_report("persisting", label, "OK");
}

static void verify_installed(struct install *in)
{
	const struct binfmt_archs *archs = &in->session.archs;

	for (size_t i = 0; i < archs->n; i++) {
		AUTO_FREE char *label = binfmt_arch_label(&archs->v[i]);

		if (in->ok[i])
			verify_arch(&in->session, &archs->v[i], label, NULL);
	}
}

static int run(const struct settings *settings)
{
	AUTO_INSTALL struct install in = INSTALL_INIT(settings);
	AUTO_ERR struct err e = ERR_INIT;

	if (install_open(&in, &e) < 0)
		return fail(&e);
	for (size_t i = 0; i < settings->names.n; i++) {
		const char *name = settings->names.v[i];
		const struct binfmt_arch *arch;

		if (install_name(&in, name, &arch))
			persist(&in, arch, name);
	}
	if (settings->verify && !settings->dry_run)
		verify_installed(&in);
	return session_finish(&in.session);
}

const struct command cmd_install = {
	.action = OPT_INSTALL,
	.run = run,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};
