/* SPDX-License-Identifier: MIT */
#include "binfmt/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Five numbers of 8 digits, with blanks between them. */
enum { NUMBERS = 5 * 9 - 1 };

int binfmt_probe_parse(struct binfmt_probe_report *report, const char *line)
{
	int at = 0;

	if (sscanf(line, "%8x %8x %8x %8x %8x%n", &report->check, &report->argc,
		   &report->uid, &report->euid, &report->thread, &at) != 5 ||
	    at != NUMBERS || line[NUMBERS] != ' ')
		return -EINVAL;
	line += NUMBERS + 1;
	(void)snprintf(report->argv0, sizeof report->argv0, "%.*s", /* cut is fine */
		       (int)strcspn(line, "\n"), line);
	return 0;
}

const struct binfmt_probe *binfmt_probe_find(const char *arch)
{
	for (size_t i = 0; i < binfmt_probe_count; i++)
		if (strcmp(binfmt_probes[i].arch, arch) == 0)
			return &binfmt_probes[i];
	return NULL;
}
