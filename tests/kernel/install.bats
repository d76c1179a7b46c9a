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
}

@test "all: every architecture with a qemu that the CPU does not run itself" {
	binfmtctl --list --json >"$BATS_TEST_TMPDIR/list"
	expect 0 binfmtctl --install all
	jq -r '.[] | select(.qemu and (.native | not)) | "qemu-" + .architecture' \
		"$BATS_TEST_TMPDIR/list" | sort >"$BATS_TEST_TMPDIR/wanted"
	[ -s "$BATS_TEST_TMPDIR/wanted" ] || cannot "no qemu is installed"
	# An architecture with a second machine number has a second entry.
	entries | sed 's/-[0-9]*$//' | sort -u | diff "$BATS_TEST_TMPDIR/wanted" -
	[ "$(grep -c '^installing: .* OK$' <<<"$stderr")" -eq \
		"$(wc -l <"$BATS_TEST_TMPDIR/wanted")" ]
}

@test "all: what the CPU runs itself, and what has no qemu, gets one line each" {
	need_qemu s390x
	mkdir "$BATS_TEST_TMPDIR/bin"
	cp "$qemu" "$BATS_TEST_TMPDIR/bin/qemu-s390x"
	expect 0 binfmtctl --install all --qemu-dir "$BATS_TEST_TMPDIR/bin"
	[ "$(entries)" = qemu-s390x ]
	has "$stderr" "skipped: this machine runs it itself"
	has "$stderr" "installing: sparc64 skipped: there is no qemu-sparc64 in"
	[ "$(grep -c '^installing: ' <<<"$stderr")" -eq \
		"$(binfmtctl --list --json | jq length)" ]
}

@test "all: no qemu at all is a failure" {
	expect 1 binfmtctl --install all --qemu-dir "$BATS_TEST_TMPDIR"
	has "$stderr" "installing: all failed: no qemu was found"
	[ -z "$(entries)" ]
}

@test "a name that was asked for and has no qemu is a failure" {
	expect 1 binfmtctl --install s390x --qemu-dir "$BATS_TEST_TMPDIR"
	has "$stderr" "installing: s390x failed: there is no qemu-s390x in $BATS_TEST_TMPDIR"
}

@test "the kernel shows what --dry-run prints" {
	expect 0 binfmtctl --install all --dry-run
	[ -z "$(entries)" ]
	strings=$output
	expect 0 binfmtctl --install all
	[ "$(entries | wc -l)" -eq "$(wc -l <<<"$strings")" ]
	while IFS=: read -r _ name kind offset magic mask interpreter flags; do
		[ "$kind$offset" = M ]
		[ "$(shown "$name" magic)" = "${magic//\\x/}" ]
		[ "$(shown "$name" mask)" = "${mask//\\x/}" ]
		[ "$(shown "$name" interpreter)" = "$interpreter" ]
		[ "$(shown "$name" flags:)" = "$flags" ]
		[ "$(shown "$name" offset)" = 0 ]
		[ "$(head -n 1 "$table/$name")" = enabled ]
	done <<<"$strings"
}

@test "installing a second time is OK and changes nothing" {
	binfmtctl --install all >/dev/null
	before=$(contents)
	expect 0 binfmtctl --install all
	[ "$before" = "$(contents)" ]
	has "$stderr" "OK (already installed)"
	run ! grep '^installing: .* OK$' <<<"$stderr"
}

@test "all items of a list are tried, and one that fails counts" {
	need_qemu s390x
	need_qemu riscv64
	expect 1 binfmtctl --install s390x,nonsense --install riscv64
	has "$stderr" "installing: s390x OK"
	has "$stderr" "installing: nonsense failed: unknown architecture 'nonsense'"
	has "$stderr" "installing: riscv64 OK"
	[ "$(entries | xargs)" = "qemu-riscv64 qemu-s390x" ]
}

@test "a name that is given twice is installed once" {
	need_qemu s390x
	expect 0 binfmtctl --install s390x,linux/s390x,s390x
	[ "$(grep -c '^installing: ' <<<"$stderr")" -eq 1 ]
}

@test "flags: F, C and O, and P where the kernel and qemu know it" {
	need_qemu s390x
	binfmtctl --install s390x >/dev/null
	[ "$(shown qemu-s390x flags:)" = POCF ]
}

@test "flags: no P for a qemu that does not tell its version" {
	need_busybox "$(dpkg --print-architecture)"
	binfmtctl --install s390x --qemu "$busybox" >/dev/null
	[ "$(shown qemu-s390x flags:)" = OCF ]
}

@test "flags: --no-credentials, --no-fix-binary and --flags" {
	need_qemu s390x
	binfmtctl --install s390x --no-credentials >/dev/null
	[ "$(shown qemu-s390x flags:)" = PF ]
	binfmtctl --install s390x --replace --no-fix-binary >/dev/null
	[ "$(shown qemu-s390x flags:)" = POC ]
	binfmtctl --install s390x --replace --flags FC >/dev/null
	[ "$(shown qemu-s390x flags:)" = OCF ] # C brings O
	binfmtctl --install s390x --replace --flags O >/dev/null
	[ "$(shown qemu-s390x flags:)" = O ]
}

@test "an entry that somebody disabled is enabled again" {
	need_qemu s390x
	binfmtctl --install s390x >/dev/null
	echo 0 >"$table/qemu-s390x"
	expect 0 binfmtctl --install s390x
	has "$stderr" "installing: s390x OK (enabled again)"
	[ "$(head -n 1 "$table/qemu-s390x")" = enabled ]
}

@test "binfmt_misc that is disabled as a whole is told" {
	need_qemu s390x
	echo 0 >"$table/status"
	expect 0 binfmtctl --install s390x
	echo 1 >"$table/status"
	has "$stderr" "binfmt_misc is disabled as a whole"
	has "$stderr" "echo 1 >$table/status"
	jq -e '.enabled == false and .emulators == []' <<<"$output"
}

@test "output that cannot be written is a failure, and the entry is there" {
	need_qemu s390x
	expect 1 bash -c '"$top_builddir/binfmtctl" --install s390x >/dev/full'
	has "$stderr" "cannot write to stdout"
	[ "$(entries)" = qemu-s390x ]
}
