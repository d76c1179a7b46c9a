#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The machine's own table, as root and without namespaces. Every test puts back what it
# found: entries that were there stay as they are, and what was not mounted is unmounted.

load helpers

mounted()
{
	[ "$(stat -f -c %t "$table")" = 42494e4d ]
}

setup()
{
	[ "$(id -u)" = 0 ] || cannot "only root can change the machine's table"
	in_user_namespace && cannot "this is a user namespace, not the machine"
	need_qemu s390x
	# One at a time: the folder is a file that all of them can lock.
	exec 9</proc/sys/fs
	flock -w 120 9
	was_mounted=no
	: >"$BATS_TEST_TMPDIR/before"
	ls "$table/" >/dev/null # mounts what an autofs stands for
	if mounted; then
		was_mounted=yes
		contents >"$BATS_TEST_TMPDIR/before"
		entries >"$BATS_TEST_TMPDIR/names"
	else
		: >"$BATS_TEST_TMPDIR/names"
	fi
}

teardown()
{
	[ -e "$BATS_TEST_TMPDIR/names" ] || return 0 # nothing was done
	mounted || return 0
	for entry in $(entries | grep -vxFf "$BATS_TEST_TMPDIR/names"); do
		echo -1 >"$table/$entry"
	done
	if [ "$was_mounted" = yes ]; then
		contents | diff "$BATS_TEST_TMPDIR/before" -
	else
		umount "$table"
		run ! mounted
	fi
}

# Entries that were there when the test began, as they are now.
unchanged()
{
	contents | grep -xFf "$BATS_TEST_TMPDIR/before" | diff "$BATS_TEST_TMPDIR/before" -
}

# No test may take away an entry of this machine's that is called as ours are.
need_no_handlers()
{
	if grep -q '^qemu-' "$BATS_TEST_TMPDIR/names"; then
		skip "the machine has qemu handlers of its own"
	fi
}

@test "install all, where nothing is mounted, lasts and is for everybody" {
	[ "$was_mounted" = no ] || skip "binfmt_misc is mounted here"
	expect 0 binfmtctl --install all --state-dir "$BATS_TEST_TMPDIR"
	has "$stderr" "binfmtctl: mounted binfmt_misc on $table"
	[[ $stderr != *private* ]]
	jq -e '.mounted and .private == false and (.emulators | contains(["qemu-s390x"]))' \
		<<<"$output"
	entries | grep -x qemu-s390x
	[ "$(setsid --wait cat "$table/qemu-s390x")" = "$(cat "$table/qemu-s390x")" ]
	need_busybox s390x
	[ "$(unshare --user --map-root-user --mount "$busybox" uname -m)" = s390x ]
}

@test "install all leaves what was there as it was" {
	mounted || mount -t binfmt_misc binfmt_misc "$table"
	unchanged
	[ -e "$table/qemu-s390x" ] || echo ':qemu-s390x:E::test-s390x::/bin/true:' >"$table/register"
	before=$(cat "$table/qemu-s390x")
	run binfmtctl --install all --state-dir "$BATS_TEST_TMPDIR"
	[ "$(cat "$table/qemu-s390x")" = "$before" ]
	unchanged
}

@test "uninstall of a pattern leaves nobody else's entry touched" {
	need_no_handlers
	expect 0 binfmtctl --install all --state-dir "$BATS_TEST_TMPDIR"
	echo ':qemu-of-this-test:E::of-this-test::/bin/true:O' >"$table/register"
	printf '%s' ':of-this-test:M:4:\x01\x02:\xff\xf0:/bin/true:' >"$table/register"
	echo 0 >"$table/of-this-test"
	others=$(cat "$table/qemu-of-this-test" "$table/of-this-test")
	expect 0 binfmtctl --uninstall 'qemu-*' --state-dir "$BATS_TEST_TMPDIR"
	has "$stderr" "uninstalling: qemu-s390x OK"
	[ "$(cat "$table/qemu-of-this-test" "$table/of-this-test")" = "$others" ]
	unchanged
	[ "$(entries | grep -cvxFf "$BATS_TEST_TMPDIR/names")" -eq 2 ]
	mounted
}

# What a container does: a mount namespace that ends, and its own mount of the table.
in_container() # ARGUMENT...
{
	# shellcheck disable=SC2016 # the inner shell expands it
	expect 0 unshare --mount sh -euc '
		table=$1 program=$2
		shift 2
		! mountpoint -q "$table" || umount "$table"
		"$program" "$@" >&2
		"$program" --verify s390x' sh \
		"$table" "$top_builddir/binfmtctl" --state-dir "$BATS_TEST_TMPDIR" "$@"
}

@test "handlers that would end with a container are told" {
	[ "$was_mounted" = no ] || skip "binfmt_misc is mounted here"
	in_container --install s390x
	has "$stderr" "warning: nothing else has binfmt_misc mounted"
	has "$stderr" "verifying: s390x OK"
	mount -t binfmt_misc binfmt_misc "$table"
	[ -z "$(entries)" ]
}

@test "handlers that outlive a container are there afterwards" {
	need_no_handlers
	mounted || mount -t binfmt_misc binfmt_misc "$table"
	in_container --install s390x
	[[ $stderr != *"nothing else has"* ]]
	has "$stderr" "verifying: durability OK (the table is mounted for process 1 too"
	entries | grep -x qemu-s390x
	run ! grep -x binfmtctl-canary <(entries)
	unchanged
}

# In a mount namespace of the test's own; nothing is registered.
@test "an autofs is triggered" {
	need python3
	grep -qw autofs /proc/filesystems || skip "this kernel has no autofs"
	mkdir "$BATS_TEST_TMPDIR/auto"
	expect 0 unshare --mount "$BATS_TEST_DIRNAME/automount" "$BATS_TEST_TMPDIR/auto" \
		"$top_builddir/binfmtctl" --status --mount-point "$BATS_TEST_TMPDIR/auto"
	jq -e .mounted <<<"$output"
}
