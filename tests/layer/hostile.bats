#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Archives that try to get out of their folder, or to break the reader, get nowhere.

setup() {
	tool="${top_builddir:?}/tests/layer/layer-tool"
	cd "${BATS_TEST_TMPDIR:?}" || return
	mkdir tars outside
	"${top_srcdir:?}/tests/layer/hostile-tars" tars
}

look_outside() {
	ls -A .
	find outside -printf '%p %y %#m %n %s %l\n' | sort
	cat outside/victim
}

# One archive; nothing outside may change, and the answer must be the expected one.
check() { # NAME COMMAND...
	local name=$1 status=0
	shift
	rm -rf in
	mkdir in
	timeout 20 "$@" --max-bytes 10000000 --max-entries 1000 --user unpack in \
		<"tars/$name.tar" >/dev/null 2>said || status=$?
	look_outside >after
	if ! cmp -s before after; then
		echo "$name: touched the outside"
	elif [ -e "tars/$name.want" ] && [ $status = 1 ]; then
		grep -qF "$(cat "tars/$name.want")" said && return
	elif [ ! -e "tars/$name.want" ] && [ $status = 0 ]; then
		return
	fi
	echo "$name: $status, $(cat said)"
	return 1
}

check_all() { # COMMAND...
	local failed=0 tar name
	echo untouched >outside/victim
	mkdir in
	touch said before after
	look_outside >before
	for tar in tars/*.tar; do
		name=${tar#tars/}
		check "${name%.tar}" "$@" || failed=1
	done
	return $failed
}

@test "with openat2" {
	check_all "$tool"
}

@test "without openat2" {
	check_all "$top_builddir/tests/kernel/deny" openat2 ENOSYS "$tool"
}

@test "overlay's attributes do not come from an archive" {
	mkdir in
	"$tool" unpack in <tars/overlay-xattrs.tar
	[ -z "$(getfattr -m - in/d)" ]
}

@test "absolute names are inside" {
	mkdir in
	"$tool" unpack in <tars/absolute.tar
	[ -e in/evil ]
	[ ! -e /evil ]
}

@test "only listing them is as safe" {
	for tar in tars/*.tar; do
		status=0
		timeout 20 "$tool" --max-bytes 10000000 --max-entries 1000 list <"$tar" \
			>/dev/null 2>said || status=$?
		[ $status -le 1 ] || { echo "$tar: $status"; cat said; false; }
	done
}
