#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	need_qemu s390x
}

@test "an ordinary user is told what is needed, before anything is touched" {
	need_other_users
	need strace
	touch "$BATS_FILE_TMPDIR/trace"
	chmod 666 "$BATS_FILE_TMPDIR/trace"
	for action in --install --uninstall; do
		expect 1 as_user strace -f -o "$BATS_FILE_TMPDIR/trace" \
			-e trace=openat,mount,fsopen,memfd_create,execveat \
			binfmtctl "$action" s390x
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		has "$stderr" "binfmtctl: changing the machine's handlers needs root (use sudo)"
		has "$stderr" "binfmtctl --run LIST -- COMMAND"
		grep -q 'exited with 1' "$BATS_FILE_TMPDIR/trace"
		run ! grep -E "^[0-9]+ +(mount|fsopen|memfd|execveat)|$table" "$BATS_FILE_TMPDIR/trace"
	done
	[ -z "$(entries)" ]
}

@test "an ordinary user sees the status, the list, and what would be done" {
	need_other_users
	binfmtctl --install s390x >/dev/null
	before=$(contents)
	expect 0 as_user binfmtctl --status
	jq -e '.emulators == ["qemu-s390x"]' <<<"$output"
	expect 0 as_user binfmtctl --list
	jq -e '.[] | select(.architecture == "s390x") | .installed' <<<"$output"
	expect 0 as_user binfmtctl --install s390x --dry-run
	[[ $output == :qemu-s390x:M::* ]]
	expect 0 as_user binfmtctl --uninstall s390x --dry-run
	[ "$output" = qemu-s390x ]
	[ "$(contents)" = "$before" ]
}

@test "root without the capability is told the same" {
	expect 1 setpriv --bounding-set -all --inh-caps -all \
		"$top_builddir/binfmtctl" --install s390x
	has "$stderr" "changing the machine's handlers needs root"
	[ -z "$(entries)" ]
}

# Prints the capability sets (inheritable, permitted, effective, ambient), and no_new_privs,
# of a binfmtctl that is about to write its first words into a pipe that is full.
capabilities() # ARGUMENT...
{
	local pid
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 5<>"$BATS_TEST_TMPDIR/pipe"
	head -c 65536 /dev/zero >&5
	"$top_builddir/binfmtctl" "$@" >&5 2>&1 3>&- &
	pid=$!
	until grep -q pipe_write "/proc/$pid/wchan"; do
		kill -0 "$pid"
		sleep 0.02
	done
	awk '/^(Cap[IPEA]|NoNewPrivs)/ { print $2 }' "/proc/$pid/status" | xargs
	kill "$pid"
	rm "$BATS_TEST_TMPDIR/pipe"
}

none=0000000000000000
# CAP_CHOWN, CAP_FOWNER, CAP_SYS_MODULE, CAP_SYS_CHROOT, CAP_SYS_ADMIN
change=0000000000250009

@test "status, list and dry runs have no capabilities, and cannot gain any" {
	for arguments in --status --list "--install s390x --dry-run"; do
		# shellcheck disable=SC2086 # several arguments
		[ "$(capabilities $arguments)" = "$none $none $none $none 1" ]
	done
}

@test "changes are made with the few capabilities that they need" {
	for arguments in "--install s390x" "--uninstall s390x"; do
		# shellcheck disable=SC2086 # several arguments
		[ "$(capabilities $arguments)" = "$none $change $change $none 0" ]
	done
}
