/* SPDX-License-Identifier: MIT */
#include "build/mode.h"

#include "tests/tap.h"

int main(void)
{
	ok(build_mode_apply("755", 0600, false) == 0755, "octal");
	ok(build_mode_apply("4711", 0600, true) == 04711, "octal with set-user-ID");
	ok(build_mode_apply("u=rwX,go=rX", 0600, false) == 0644, "X of a file");
	ok(build_mode_apply("u=rwX,go=rX", 0700, false) == 0755, "X of a program");
	ok(build_mode_apply("u=rwX,go=rX", 0600, true) == 0755, "X of a folder");
	ok(build_mode_apply("a-w", 0666, false) == 0444, "taking away");
	ok(build_mode_apply("go=u", 0750, false) == 0777, "like another's");
	ok(build_mode_apply("u+s,+t", 0755, true) == 05755, "s and t");
	ok(build_mode_apply("o=", 0777, false) == 0770, "nothing");
	return tap_done();
}
