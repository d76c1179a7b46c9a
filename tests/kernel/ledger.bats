#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# Whose entries they are, what they displaced, and several calls at once.

load helpers

setup_file()
{
	mount_private_table
	mount -t tmpfs tmpfs /run
}

setup()
{
	empty_private_table
	rm -rf /run/state
	need_qemu aarch64
}

# Somebody else's handler for arm64, which matches more than ours.
install_theirs()
{
	printf '%s' ':qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00' \
		'\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff' \
		"\\xff\\xfe\\xff\\xff\\xff:$qemu:PF" >"$table/register"
}

with_record() # OPTION...
{
	binfmtctl --state-dir /run/state "$@"
}

@test "patterns and all leave what somebody else installed" {
	install_theirs
	with_record --install riscv64 >/dev/null
	expect 0 with_record --uninstall 'qemu-*'
	[ "$(entries)" = qemu-aarch64 ]
	has "$stderr" "qemu-aarch64 skipped: something else installed it"
	expect 0 with_record --uninstall all
	[ "$(entries)" = qemu-aarch64 ]
}

@test "a full name removes it all the same" {
	install_theirs
	expect 0 with_record --uninstall arm64
	[ -z "$(entries)" ]
}

@test "without a record, own entries are known by their contents" {
	install_theirs
	binfmtctl --install riscv64,s390x >/dev/null
	expect 0 binfmtctl --uninstall all
	[ "$(entries)" = qemu-aarch64 ]
}

@test "what was displaced is put back as it was" {
	install_theirs
	echo 0 >"$table/qemu-aarch64"
	before=$(contents)
	with_record --install arm64 --replace >/dev/null
	[ "$(contents)" != "$before" ]
	expect 0 with_record --restore
	has "$stderr" "restoring: qemu-aarch64 OK"
	[ "$(contents)" = "$before" ]
	expect 0 with_record --restore
	has "$stderr" "nothing was displaced"
}

@test "what was displaced is the first, however often ours is replaced" {
	install_theirs
	before=$(contents)
	with_record --install arm64 --replace >/dev/null
	with_record --install arm64 --replace --no-credentials >/dev/null
	with_record --install arm64 --replace >/dev/null
	with_record --restore >/dev/null
	[ "$(contents)" = "$before" ]
}

@test "it can be put back after ours was removed" {
	install_theirs
	before=$(contents)
	with_record --install arm64 --replace >/dev/null
	expect 0 with_record --uninstall arm64
	has "$stderr" "--restore puts back what it displaced"
	with_record --restore >/dev/null
	[ "$(contents)" = "$before" ]
}

@test "what somebody changed since is said, and left alone" {
	with_record --install arm64,riscv64 --replace >/dev/null
	echo -1 >"$table/qemu-riscv64"
	echo -1 >"$table/qemu-aarch64"
	install_theirs
	expect 0 with_record --install s390x
	has "$stderr" "qemu-riscv64 was removed or changed by something else"
	has "$stderr" "qemu-aarch64 was removed or changed by something else"
	expect 0 with_record --uninstall all
	[ "$(entries)" = qemu-aarch64 ]
}

@test "where no record can be kept, all else works" {
	expect 0 binfmtctl --state-dir /proc/none --install arm64
	has "$stderr" "no record is kept of what is replaced"
	[ "$(entries)" = qemu-aarch64 ]
}

@test "a private table has no record unless it is asked for" {
	binfmtctl --install arm64 >/dev/null
	[ ! -e /run/binfmtctl ]
}

@test "what a killed process left half written is cleared away" {
	with_record --install arm64 >/dev/null
	touch /run/state/ledger/qemu-aarch64.ours.tmp123
	with_record --install riscv64 >/dev/null
	[ ! -e /run/state/ledger/qemu-aarch64.ours.tmp123 ]
	expect 0 with_record --uninstall all
	[ -z "$(ls /run/state/ledger)" ]
}

@test "several at once wait for each other" {
	for _ in 1 2 3 4 5 6 7 8; do
		with_record --install arm64,riscv64 --replace >/dev/null 2>>"$BATS_TEST_TMPDIR/log" &
	done
	wait
	[ "$(grep -c 'arm64 OK' "$BATS_TEST_TMPDIR/log")" -eq 8 ]
	run ! grep failed "$BATS_TEST_TMPDIR/log"
	[ "$(entries)" = "$(printf 'qemu-aarch64\nqemu-riscv64')" ]
}
