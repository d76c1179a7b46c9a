/* SPDX-License-Identifier: MIT */

/* Any text: parsed, printed, expanded for a platform, checked, its errors shown. */

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/lint.h"
#include "dockerfile/parser.h"
#include "dockerfile/print.h"
#include "dockerfile/scope.h"
#include "tests/fuzz/fuzz.h"

static const struct dockerfile_given given = {
	.build = {"linux", "amd64", NULL, NULL},
	.target = {"linux", "arm", "v7", NULL},
};

static void expand_stage(const struct dockerfile *d,
			 const struct dockerfile_vars *globals, size_t k,
			 struct strbuf *out)
{
	const struct dockerfile_stage *stage = &d->stages[k];
	const struct dockerfile_instruction *list = d->instructions + stage->first;
	AUTO_SCOPE struct dockerfile_scope scope = {0};
	AUTO_INSTRUCTION struct dockerfile_instruction from = {0};

	(void)dockerfile_expand_from(d, list, globals, NULL, &from, NULL);
	dockerfile_scope_init(&scope, d, &given, globals);
	for (size_t n = 1; n < stage->n; n++) {
		AUTO_INSTRUCTION struct dockerfile_instruction i = {0};
		AUTO_FREE char *text = NULL;

		if (dockerfile_scope_next(&scope, &list[n], &i, NULL) < 0)
			return;
		dockerfile_print_instruction(&i, out);
		if (i.kind == DOCKERFILE_RUN)
			(void)dockerfile_run_text(&i, &text);
	}
}

/* What an image would carry must be an instruction again, and the same one. */
static void check_trigger(const struct dockerfile_instruction *onbuild)
{
	AUTO_FREE char *text = dockerfile_trigger_text(onbuild);
	AUTO_DOCKERFILE struct dockerfile d = {0};

	if (dockerfile_parse_trigger(&d, "ONBUILD", text, NULL) == 0 &&
	    d.instructions[0].kind != onbuild->trigger->kind)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dockerfile_lint_options o = {.given = &given};
	AUTO_WARNINGS struct dockerfile_warnings warnings = {0};
	AUTO_VARS struct dockerfile_vars globals = {0};
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_DOCKERFILE struct dockerfile d = {0};
	AUTO_FREE char *shown = NULL;
	const char *text = (const char *)data;

	if (dockerfile_parse(&d, "f", text, size, &e) < 0) {
		shown = dockerfile_error_show(&e, text, size);
		return 0;
	}
	dockerfile_print(&d, &out);
	if (dockerfile_globals(&d, &given, &globals, NULL) == 0)
		for (size_t k = 0; k < d.nstages; k++)
			expand_stage(&d, &globals, k, &out);
	for (size_t k = 0; k < d.n; k++)
		if (d.instructions[k].trigger)
			check_trigger(&d.instructions[k]);
	if (dockerfile_lint(&d, &o, &warnings, &e) < 0)
		shown = dockerfile_error_show(&e, text, size);
	return 0;
}
