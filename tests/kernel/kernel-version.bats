#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
#
# What old kernels lack, told by the version that setarch(8) shows.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	need_qemu s390x
	old=$(setarch --uname-2.6 uname -r)
	[[ $old == 2.6.* ]] || cannot "setarch --uname-2.6 does nothing here"
}

@test "before 4.8 there is no flag F: both versions are named" {
	expect 1 setarch --uname-2.6 "$top_builddir/binfmtctl" --install s390x
	has "$stderr" "installing: s390x failed: the kernel is $old, flag F needs 4.8 or newer"
	has "$stderr" --no-fix-binary
	[ -z "$(entries)" ]
}

@test "before 4.8: the same for flags that ask for F" {
	expect 1 setarch --uname-2.6 "$top_builddir/binfmtctl" --install s390x --flags F
	has "$stderr" "flag F needs 4.8 or newer"
	[ -z "$(entries)" ]
}

@test "before 4.8: --no-fix-binary does without" {
	expect 0 setarch --uname-2.6 "$top_builddir/binfmtctl" --install s390x --no-fix-binary
	[ "$(shown qemu-s390x flags:)" = OC ] # and no P, which needs 5.12
}
