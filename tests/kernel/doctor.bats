#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces

# Each check alone has its test in tests/binfmt/test-doctor.c, on trees made for it; here
# they look at a real table.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	need jq
	empty_private_table
	cd "$BATS_TEST_TMPDIR" || return
}

# The verdicts of a check, and its words in $words.
verdict() # CHECK
{
	local json
	json=$(binfmtctl --doctor --json) || true
	words=$(jq -r --arg check "$1" \
		'.[] | select(.check == $check) | .what, .mend // empty' <<<"$json")
	verdicts=$(jq -r --arg check "$1" '.[] | select(.check == $check) | .verdict' \
		<<<"$json" | xargs)
}

@test "a table in order" {
	need_qemu s390x
	binfmtctl --install s390x >/dev/null
	expect 0 binfmtctl --doctor
	has "$output" "ok    mount: binfmt_misc is mounted on $table"
	has "$output" "ok    namespace: in a user namespace"
	has "$output" "ok    replaced: "
	run ! grep '^bad' <<<"$output"
}

@test "no entries" {
	verdict table
	[ "$verdicts" = warn ]
	has "$words" "binfmtctl --install all"
}

@test "the mend of a disabled table and entry mends it" {
	printf ':a:M::MAGIC::/bin/true:' >"$table/register"
	echo 0 >"$table/a"
	echo 0 >"$table/status"
	expect 1 binfmtctl --doctor
	for check in table disabled; do
		verdict "$check"
		mend=$(sed -n 's/^`\(.*\)`$/\1/p' <<<"$words")
		[ -n "$mend" ]
		eval "$mend"
		verdict "$check"
		[ "$verdicts" = ok ]
	done
	[ "$(head -n 1 "$table/a") $(cat "$table/status")" = "enabled enabled" ]
	expect 0 binfmtctl --doctor
}

@test "another's entry in the way of ours, and the mend" {
	need_qemu s390x
	binfmtctl --install s390x >/dev/null
	verdict conflicts
	[ "$verdicts" = ok ]
	magic=$(shown qemu-s390x magic | sed 's/../\\x&/g')
	mask=$(shown qemu-s390x mask | sed 's/../\\x&/g')
	printf '%s' ":other:M::$magic:$mask:/bin/true:" >"$table/register"
	verdict conflicts
	[ "$verdicts" = warn ]
	has "$words" "the entry other takes the programs for s390x; qemu-s390x is older"
	verdict fix-binary
	[ "$verdicts" = warn ]
	binfmtctl --uninstall other >/dev/null
	verdict conflicts
	[ "$verdicts" = ok ]
}

@test "an interpreter that is gone" {
	cp "$(type -P true)" interpreter
	printf ':a:M::MAGIC::%s:' "$PWD/interpreter" >"$table/register"
	verdict interpreters
	[ "$verdicts" = ok ]
	rm interpreter
	verdict interpreters
	[ "$verdicts" = bad ]
	has "$words" "$PWD/interpreter of the entry a cannot be found"
}

@test "a script as the interpreter, with flag O" {
	printf '#!/bin/sh\necho by a script\n' >interpreter
	printf MAGIC >file
	chmod +x interpreter file
	binfmtctl --add a --magic MAGIC --interpreter "$PWD/interpreter"
	verdict chains
	[ "$verdicts" = ok ]
	[ "$(env ./file)" = "by a script" ]
	binfmtctl --add a --magic MAGIC --interpreter "$PWD/interpreter" --flags O --replace
	verdict chains
	if [ "$verdicts" = ok ]; then
		[ "$(env ./file)" = "by a script" ]
	else
		has "$words" "$PWD/interpreter of the entry a is a script for /bin/sh"
		[ "$(env ./file 2>&1)" != "by a script" ]
	fi
}

@test "an interpreter that was replaced since flag F opened it" {
	need_qemu s390x
	cp "$qemu" qemu-s390x
	binfmtctl --install s390x --qemu "$PWD/qemu-s390x" --flags F >/dev/null
	verdict replaced
	[ "$verdicts" = ok ]
	sleep 0.1
	cp "$qemu" new
	[ "$(stat -c %W new)" -gt 0 ] || skip "this file system has no times of birth"
	mv new qemu-s390x
	verdict replaced
	[ "$verdicts" = warn ]
	binfmtctl --install s390x --qemu "$PWD/qemu-s390x" --flags F --replace >/dev/null
	verdict replaced
	[ "$verdicts" = ok ]
}

@test "without a table the kernel is looked at, and entries are not" {
	expect 0 setpriv --bounding-set=-sys_admin "$top_builddir/binfmtctl" --doctor --json \
		--mount-point "$BATS_TEST_TMPDIR"
	[ "$(jq -r '.[] | select(.check == "mount") | .verdict' <<<"$output")" = warn ]
	[ "$(jq '[.[] | select(.check == "table")] | length' <<<"$output")" -eq 0 ]
}
