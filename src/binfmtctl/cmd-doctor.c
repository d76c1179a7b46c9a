/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "binfmt/doctor.h"
#include "binfmt/native.h"
#include "binfmtctl/session.h"
#include "cli/output.h"
#include "priv/caps.h"

static const char *const verdicts[] = {
	[BINFMT_VERDICT_OK] = "ok",
	[BINFMT_VERDICT_WARN] = "warn",
	[BINFMT_VERDICT_BAD] = "bad",
};

static void print_words(const struct binfmt_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct binfmt_finding *f = &findings->v[i];

		cli_line(stdout, "%-4s  %s: %s", verdicts[f->verdict], f->check, f->what);
		if (f->mend)
			cli_line(stdout, "      mend: %s", f->mend);
	}
}

static void print_json(const struct binfmt_findings *findings)
{
	struct cli_json *list = cli_json_array();

	for (size_t i = 0; i < findings->n; i++) {
		const struct binfmt_finding *f = &findings->v[i];
		struct cli_json *j = cli_json_object();

		cli_json_set_string(j, "check", f->check);
		cli_json_set_string(j, "verdict", verdicts[f->verdict]);
		cli_json_set_string(j, "what", f->what);
		if (f->mend)
			cli_json_set_string(j, "mend", f->mend);
		cli_json_add(list, j);
	}
	cli_json_print(list, stdout);
}

/* What the session knows, as facts; native is filled. */
static int gather(const struct session *session, const char *release, int root,
		  bool *native, struct binfmt_facts *facts, struct err *e)
{
	int r = binfmt_native_probe(&session->archs, &session->live, native, e);

	if (r < 0)
		return r;
	*facts = (struct binfmt_facts){
		.root = root,
		.mount_point = session->settings->mount_point,
		.table = session->instance.fd,
		.unattached = session->instance.unattached,
		.release = release,
		.version = binfmt_kernel_version(NULL, 0),
		.in_user_namespace = binfmt_in_user_namespace(),
		.private_table = session->instance.private_table,
		.private_unknown = session->instance.private_unknown,
		.archs = &session->archs,
		.native = native,
		.live = &session->live,
	};
	if (facts->table < 0)
		return 0;
	r = binfmt_kernel_enabled(facts->table, e);
	facts->enabled = r > 0;
	return r < 0 ? r : 0;
}

static bool is_bad(const struct binfmt_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		if (findings->v[i].verdict == BINFMT_VERDICT_BAD)
			return true;
	return false;
}

static int run(const struct settings *settings)
{
	AUTO_SESSION struct session session = SESSION_INIT(settings);
	AUTO_BINFMT_FINDINGS struct binfmt_findings findings = {0};
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE bool *native = NULL;
	AUTO_ERR struct err e = ERR_INIT;
	struct binfmt_facts facts;
	char release[65] = "";
	int r = root < 0 ? err_sys(&e, -errno, "cannot open /") : 0;

	if (r == 0)
		r = session_open_view(&session, &e);
	native = xcalloc(session.archs.n + 1, sizeof *native);
	(void)binfmt_kernel_version(release, sizeof release);
	if (r == 0)
		r = gather(&session, release, root, native, &facts, &e);
	if (r < 0)
		return fail(&e);
	binfmt_doctor_examine(&facts, &findings);
	if (settings->json)
		print_json(&findings);
	else
		print_words(&findings);
	return is_bad(&findings) ? STATUS_FAILED : 0;
}

/*
 * To see a table that is mounted elsewhere, what process 1 has, and interpreters that
 * only root reads.
 */
static const unsigned look_caps[] = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH};

const struct command cmd_doctor = {
	.action = OPT_DOCTOR,
	.run = run,
	.caps = look_caps,
	.ncaps = ARRAY_SIZE(look_caps),
	.unprivileged = true,
};
