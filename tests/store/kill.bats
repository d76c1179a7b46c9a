#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A process that is killed, or many at once, leave a store that works.

setup() {
	tool="${top_builddir:?}/tests/store/store-tool"
	cd "${BATS_TEST_TMPDIR:?}" || return
	mkdir -p files/dir
	echo one >files/dir/one
	ln files/dir/one files/two
	touch files/dir/.wh.gone
	tar -czf layer -C files .
}

check_image() { # NAME
	local path
	path=$("$tool" store check "$1")
	test "$(cat "$path/two")" = one
	test -c "$path/dir/gone"
}

# What is there is whole; the name may be missing. Then the next one goes through.
check_after() { # CALL
	if [ -d store/names ] && grep -qrx app store/names; then
		check_image app || { echo "broken after call $1"; false; }
	fi
	"$tool" store put app layer || { echo "cannot go on after call $1"; false; }
	check_image app
	test -z "$(ls store/tmp)" || { echo "leftovers after call $1"; ls store/tmp; false; }
}

# Only the main thread's calls count; the kill takes the others too.
@test "killed while it puts a layer into a new store" {
	n=1
	while "$top_builddir/tests/kernel/kill-at" "$n" "$tool" store put app layer \
		>/dev/null 2>&1; do
		check_after "$n"
		rm -r store
		n=$((n + 2))
	done
	echo "# $n system calls" >&3
	test "$n" -gt 100
	check_after last
}

@test "killed while it prunes" {
	echo other >files/other
	tar -czf old -C files .
	n=1
	while
		rm -rf store
		"$tool" store put app old
		"$tool" store put app layer
		"$top_builddir/tests/kernel/kill-at" "$n" "$tool" store prune
	do
		check_image app || { echo "broken after call $n"; false; }
		n=$((n + 4))
	done
	echo "# $n system calls" >&3
	test "$n" -gt 60
	check_image app
	test "$(find store/snapshots -mindepth 1 -maxdepth 1 | wc -l)" = 1
	test "$(find store/blobs -type f | wc -l)" = 2
}

@test "many at once, and pruning among them" {
	for i in 1 2 3 4 5 6 7 8; do
		echo "$i" >"files/file-$((i % 4))"
		tar -czf "layer-$i" -C files .
	done
	for i in 1 2 3 4 5 6 7 8; do
		{
			"$tool" store put "app-$i" "layer-$i" && "$tool" store put app layer &&
				"$tool" store prune && "$tool" store put "again-$i" "layer-$i"
		} &
		pids[i]=$!
	done
	for i in 1 2 3 4 5 6 7 8; do
		wait "${pids[i]}"
	done
	for i in 1 2 3 4 5 6 7 8; do
		check_image "app-$i"
		check_image "again-$i"
	done
	check_image app
	test -z "$(find store/tmp store/locks -mindepth 1)"
}
