#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
#
# What the CPU and the kernel run without a handler is found by asking the kernel.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
}

# Names of all architectures that are taken for native.
native()
{
	binfmtctl --list "$@" | jq -r '.[] | select(.native) | .architecture'
}

@test "what is found agrees with what runs" {
	found=$(binfmtctl --status | jq -r '.supported[]')
	tried=0
	while read -r arch platform; do
		[ -x "$cache/$arch/busybox" ] || continue
		tried=$((tried + 1))
		if "$cache/$arch/busybox" true 2>/dev/null; then
			grep -qx "$platform" <<<"$found"
		else
			run ! grep -x "$platform" <<<"$found"
		fi
	done <<-'ARCHS'
		amd64 linux/amd64
		i386 linux/386
		arm64 linux/arm64
		armhf linux/arm/v7
		s390x linux/s390x
		ppc64el linux/ppc64le
		riscv64 linux/riscv64
		mipsel linux/mipsle
		mips64el linux/mips64le
	ARCHS
	[ "$tried" -gt 1 ] || cannot "no busyboxes in $cache (tests/foreign fetches them)"
}

@test "handlers that are installed do not make an architecture native" {
	before=$(native)
	binfmtctl --install all >/dev/null
	[ "$(native)" = "$before" ]
}

@test "an entry that takes every 32-bit program fools nobody" {
	# Not the host's own: the tests would not get far.
	[ "$(getconf LONG_BIT)" = 64 ] || skip "this machine is one of 32 bits"
	printf '%s' ':everything:M::\x7fELF\x01::/bin/true:F' >"$table/register"
	run ! grep -Ex 'arm|armeb|m68k|ppc|sparc|mips|riscv32' <<<"$(native)"
	grep -x "$(uname -m)" <<<"$(native)"
}

@test "neither does one in a table that cannot be seen" {
	[ "$(getconf LONG_BIT)" = 64 ] || skip "this machine is one of 32 bits"
	printf '%s' ':everything:M::\x7fELF\x01::/bin/true:F' >"$table/register"
	mkdir "$BATS_TEST_TMPDIR/empty"
	run native --mount-point "$BATS_TEST_TMPDIR/empty"
	[ "$status" -eq 0 ]
	run ! grep -Ex 'arm|armeb|m68k|ppc|sparc|mips|riscv32' <<<"$output"
}

# memfd_create(2) refuses files that can be run, so that one on a disk must do.
@test "without memory files that can be run the answer is the same" {
	[ -e /proc/sys/vm/memfd_noexec ] || skip "this kernel has no vm.memfd_noexec"
	wanted=$(native)
	found=$(unshare --user --map-root-user --pid --fork --mount-proc bash -euc '
		echo 2 >/proc/sys/vm/memfd_noexec
		"$top_builddir/binfmtctl" --list' | jq -r '.[] | select(.native) | .architecture')
	[ "$found" = "$wanted" ]
}

@test "where nothing that can be run may be made, only the own architecture is sure" {
	[ -e /proc/sys/vm/memfd_noexec ] || skip "this kernel has no vm.memfd_noexec"
	found=$(unshare --user --map-root-user --pid --fork --mount-proc bash -euc '
		cp "$top_builddir/binfmtctl" /dev/shm/
		echo 2 >/proc/sys/vm/memfd_noexec
		for folder in /tmp /run /var/tmp; do
			mount -t tmpfs -o noexec tmpfs "$folder"
		done
		/dev/shm/binfmtctl --list' | jq -r '.[] | select(.native) | .architecture')
	rm -f /dev/shm/binfmtctl
	[ "$found" = "$(uname -m)" ]
}
