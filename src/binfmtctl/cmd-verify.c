/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "binfmt/doctor.h"
#include "binfmtctl/verify.h"
#include "priv/caps.h"

/* Every architecture whose handler is in the kernel. */
static void verify_live(struct session *session, struct cli_json *results)
{
	const struct binfmt_archs *archs = &session->archs;
	bool any = false;

	for (size_t i = 0; i < archs->n; i++) {
		AUTO_FREE char *name = binfmt_arch_entry_name(&archs->v[i], 0);
		AUTO_FREE char *label = binfmt_arch_label(&archs->v[i]);

		if (!binfmt_entries_find(&session->live, name))
			continue;
		any = true;
		verify_arch(session, &archs->v[i], label, results);
	}
	if (!any)
		fprintf(stderr, "verifying: no handlers are installed\n");
}

/* Whether what was verified stays: a table can end with the mount that shows it. */
static void tell_durability(const struct session *session)
{
	AUTO_BINFMT_FINDINGS struct binfmt_findings findings = {0};
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct binfmt_facts facts = {
		.root = root,
		.mount_point = session->settings->mount_point,
		.table = session->instance.fd,
		.version = binfmt_kernel_version(NULL, 0),
		.in_user_namespace = binfmt_in_user_namespace(),
		.private_table = session->instance.private_table,
		.private_unknown = session->instance.private_unknown,
	};

	if (root < 0 || facts.table < 0)
		return;
	binfmt_doctor_durability(&facts, &findings);
	for (size_t i = 0; i < findings.n; i++) {
		const struct binfmt_finding *f = &findings.v[i];

		if (f->verdict == BINFMT_VERDICT_OK)
			fprintf(stderr, "verifying: durability OK (%s)\n", f->what);
		else
			fprintf(stderr, "verifying: durability warning: %s (%s)\n",
				f->what, f->mend);
	}
}

static int run(const struct settings *settings)
{
	AUTO_SESSION struct session session = SESSION_INIT(settings);
	struct cli_json *results;
	AUTO_ERR struct err e = ERR_INIT;

	if (session_open_view(&session, &e) < 0)
		return fail(&e);
	results = cli_json_array();
	for (size_t i = 0; i < settings->names.n; i++) {
		const char *name = settings->names.v[i];
		const struct binfmt_arch *arch = binfmt_archs_find(&session.archs, name);

		if (strcmp(name, "all") == 0)
			verify_live(&session, results);
		else if (arch)
			verify_arch(&session, arch, name, results);
		else
			session_report_unknown(&session, "verifying", name,
					       "unknown architecture");
	}
	if (settings->names.n == 0)
		verify_live(&session, results);
	tell_durability(&session);
	if (settings->json || !isatty(STDOUT_FILENO))
		cli_json_print(results, stdout);
	else
		cli_json_free(results);
	return session.failed ? STATUS_FAILED : 0;
}

/* An empty root of its own, and a file in it that belongs to somebody else. */
static const unsigned caps[] = {CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_CHOWN, CAP_FOWNER};

const struct command cmd_verify = {
	.action = OPT_VERIFY,
	.run = run,
	.caps = caps,
	.ncaps = ARRAY_SIZE(caps),
	.unprivileged = true,
};
