/* SPDX-License-Identifier: MIT */
#include "binfmt/arch.h"
#include "binfmtctl/command.h"
#include "cli/completion.h"

/* Names that people type most: the image platforms' and qemu's. */
static int run(const struct settings *settings)
{
	AUTO_BINFMT_ARCHS struct binfmt_archs archs = {0};
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;

	if (binfmt_archs_load(&archs, settings->config_dir, &e) < 0)
		return fail(&e);
	strv_add(&words, "all");
	for (size_t i = 0; i < archs.n; i++)
		strv_own(&words, binfmt_arch_label(&archs.v[i]));
	if (cli_completion_write(&program, settings->shell, &words, stdout, &e) < 0) {
		(void)fail(&e);
		return STATUS_USAGE;
	}
	return 0;
}

const struct command cmd_completion = {
	.action = OPT_COMPLETION,
	.run = run,
};
