#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# A process that is killed leaves every architecture with its old or its new handler.

table=/proc/sys/fs/binfmt_misc

setup() {
	mount -t binfmt_misc binfmt_misc "$table"
	mount -t tmpfs tmpfs /run
	binfmtctl=("${top_builddir:?}/binfmtctl" --state-dir /run/state)
}

teardown() {
	umount /run "$table"
}

install_old() {
	"${binfmtctl[@]}" --install arm64 --flags F --replace >/dev/null 2>&1
}

# The entry, or the bridge to it, is there and says what the old or the new one says.
check_handled() {
	entry=$table/qemu-aarch64
	test -e "$entry" || entry=$table/qemu-aarch64.new
	grep -qx 'enabled' "$entry"
	grep -qxE 'flags: (F|POCF)' "$entry"
	grep -qx 'magic 7f454c460201010000000000000000000200b700' "$entry"
}

@test "killed at every system call of --replace" {
	n=1
	install_old
	while "$top_builddir/tests/kernel/kill-at" "$n" "${binfmtctl[@]}" --install arm64 --replace \
		>/dev/null 2>&1; do
		check_handled || { echo "not handled after call $n"; ls -l $table; false; }
		install_old || { echo "cannot go on after call $n"; false; }
		test ! -e $table/qemu-aarch64.new || { echo "a bridge stays, call $n"; false; }
		n=$((n + 1))
	done
	echo "# $n system calls" >&3
	test "$n" -gt 100
	check_handled
}
