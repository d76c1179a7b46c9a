# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For the lint tests: one TAP line per file that a tool has looked at.

cd "${top_srcdir:-.}" || exit 1
count=0
failures=0

need() {
	command -v "$1" >/dev/null && return
	echo "1..0 # SKIP $1 is not installed"
	exit 0
}

# check NAME COMMAND…: passes when the command does; its output is shown when not.
check() {
	name=$1
	shift
	count=$((count + 1))
	if out=$("$@" 2>&1); then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		echo "$out" | sed 's/^/# /'
		failures=$((failures + 1))
	fi
}

done_testing() {
	echo "1..$count"
	test "$failures" -eq 0
}

c_files() {
	find src tests -name '*.[ch]' ! -name '*-texts.c' | sort
}

# Scripts by their first line, wherever they are.
shell_files() {
	find setup .ci build-aux/tap-run packaging qemu tests -type f ! -path '*/corpus/*' \
		-exec grep -lE -m1 '^#!.*(sh|bash|bats)$' {} + | sort
	find tests -name '*.bash' -o -name 'lib.sh' | sort
}
