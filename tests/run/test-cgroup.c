/* SPDX-License-Identifier: MIT */
#include "run/cgroup.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/tap.h"

static bool is_path(const char *text, bool unified, const char *wanted)
{
	AUTO_FREE char *path = run_cgroup_path(text, unified);

	return wanted ? path && strcmp(path, wanted) == 0 : !path;
}

int main(void)
{
	static const char hybrid[] = "9:name=systemd:/s\n4:cpu,memory:/a:b/c\n0::/two\n";

	ok(is_path(hybrid, false, "/a:b/c"), "version 1, beside another controller");
	ok(is_path(hybrid, true, "/two"), "version 2");
	ok(is_path("0::/\n", true, "/"), "the root");
	ok(is_path("0::/\n", false, NULL), "no version 1");
	ok(is_path("3:memory2:/x\n2:name=memory:/y\n", false, NULL),
	   "no memory controller");
	ok(is_path("4:memory:/x\n", true, NULL), "no version 2");
	ok(is_path("", true, NULL) && is_path("no line\n1:x\n", true, NULL), "no lines");
	return tap_done();
}
