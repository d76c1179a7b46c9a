# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For shells in a mount namespace of their own: takes away what binfmtctl finds.

table=/proc/sys/fs/binfmt_misc

binfmtctl()
{
	"$top_builddir/binfmtctl" "$@"
}

# As if binfmt_misc were not mounted.
hide_table()
{
	mount -t tmpfs tmpfs "$table"
}

# As if the kernel did not have it.
hide_kernel()
{
	grep -v binfmt_misc /proc/filesystems >"$BATS_TEST_TMPDIR/filesystems"
	mount --bind "$BATS_TEST_TMPDIR/filesystems" /proc/filesystems
}

# No modules; and /lib can be written to, where they would be.
hide_modules()
{
	local lib
	lib=$(readlink -f /lib)
	mount -t tmpfs tmpfs "$BATS_TEST_TMPDIR"
	mkdir "$BATS_TEST_TMPDIR/upper" "$BATS_TEST_TMPDIR/work"
	mount -t overlay -o "userxattr,lowerdir=$lib,upperdir=$BATS_TEST_TMPDIR/upper,workdir=$BATS_TEST_TMPDIR/work" \
		overlay "$lib"
	rm -rf /lib/modules
	mkdir -p /lib/modprobe.d
	mount -t tmpfs tmpfs /lib/modprobe.d # the machine's may be another user's
}

# A file that depmod takes for the module.
make_module()
{
	local folder
	folder=/lib/modules/$(uname -r)
	mkdir -p "$folder/kernel/fs"
	: | cc -c -x c -o "$folder/kernel/fs/binfmt_misc.ko" -
	touch "$folder/modules.order" "$folder/modules.builtin"
	depmod "$(uname -r)"
}
