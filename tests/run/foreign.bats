#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Steps of other platforms, in the private table that binfmtctl --run fills.

load helpers

setup_file()
{
	able need_qemu aarch64 && able need_busybox arm64 || return 0
	prepare_steps
	need_busybox arm64
	make_image "$BATS_FILE_TMPDIR/foreign" "$busybox"
	chmod 755 "$top_builddir/binfmtctl"
	cp "$top_builddir/binfmtctl" "$BATS_FILE_TMPDIR"
	[ "$EUID" -ne 0 ] || chown -R 1234:1234 "$BATS_FILE_TMPDIR/foreign"
}

# The namespace with handlers has one id.
# shellcheck disable=SC2034
setup()
{
	skip_if_unable
	mode=single
	new_root
	rm -r "$lower"
	cp -a "$BATS_FILE_TMPDIR/foreign" "$lower"
}

foreign_step() # STATUS OPTION... -- COMMAND...
{
	local wanted=$1
	shift
	rm -rf "$work/work"
	expect "$wanted" as_tester "$BATS_FILE_TMPDIR/binfmtctl" --run arm64 -- \
		"$BATS_FILE_TMPDIR/step" "$@"
}

overlay()
{
	foreign_step "$1" --lower "$lower" --upper "$upper" --work "$work" "${@:2}"
}

@test "an arm64 step" {
	overlay 7 -- sh -c 'uname -m; echo err >&2; touch /file; cat /etc/hostname; exit 7'
	same "$output" $'aarch64\nbuild'
	same "$stderr" err
	same "$(names "$upper")" ./file
	overlay 137 -- sh -c 'kill -KILL $$'
	overlay 0 -- sh -c 'cat /proc/1/environ /proc/1/cmdline | tr -d "\0" | wc -c'
	same "$output" 0
}

@test "without a handler the message says so" {
	need_no_handler "$lower/bin/busybox" true
	expect 125 as_tester "$BATS_FILE_TMPDIR/step" --single-id --root "$lower" -- sh -c true
	has "$stderr" "cannot run sh: it is a program for a platform that this machine has no"
}

@test "an emulator's system calls are filtered like a program's" {
	overlay 0 -- dd if=/dev/null of=/dev/null conv=fsync
	overlay 1 --sync -- dd if=/dev/null of=/dev/null conv=fsync
	has "$stderr" "Invalid argument"
	overlay 1 -- unshare --user true
	# The installed profile leaves an emulator all that it needs.
	installed=/usr/share/containers/seccomp.json
	[ -e "$installed" ] || return 0
	overlay 0 --profile "$installed" -- sh -c 'uname -m; ls / | wc -l; seq 9 | sort -r | head -n 1'
	has "$output" $'aarch64\n'
	has "$output" $'\n9'
	overlay 0 --profile "$installed" -- dd if=/dev/null of=/dev/null conv=fsync
	overlay 1 --profile "$installed" -- unshare --user true
}
