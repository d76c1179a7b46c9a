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
	binfmtctl --install s390x >/dev/null
}

@test "a different entry is left alone, and both are shown" {
	before=$(contents)
	expect 1 binfmtctl --install s390x --no-credentials
	[ "$(contents)" = "$before" ]
	has "$stderr" "installing: s390x failed: a different qemu-s390x is installed (--replace"
	grep -q '^    installed: :qemu-s390x:M::.*:POCF$' <<<"$stderr"
	grep -q '^    wanted:    :qemu-s390x:M::.*:PF$' <<<"$stderr"
}

@test "somebody else's entry of the same name is left alone" {
	echo -1 >"$table/qemu-s390x"
	echo ':qemu-s390x:E::other::/bin/true:' >"$table/register"
	before=$(contents)
	expect 1 binfmtctl --install s390x
	[ "$(contents)" = "$before" ]
	has "$stderr" "installed: :qemu-s390x:E::other::/bin/true:"
}

@test "--replace puts the new one in its place" {
	expect 0 binfmtctl --install s390x --no-credentials --replace
	has "$stderr" "installing: s390x OK (replaced)"
	[ "$(entries)" = qemu-s390x ]
	[ "$(shown qemu-s390x flags:)" = PF ]
}

@test "--replace with nothing in the place just installs" {
	echo -1 >"$table/qemu-s390x"
	expect 0 binfmtctl --install s390x --replace
	grep -qx 'installing: s390x OK' <<<"$stderr"
}

# Flag F holds the file that was there when the entry was made.
@test "--replace renews the program that flag F pinned" {
	need_busybox s390x
	foreign=$busybox
	need_busybox "$(dpkg --print-architecture)"
	cp "$qemu" "$BATS_TEST_TMPDIR/echo"
	binfmtctl --install s390x --replace --qemu "$BATS_TEST_TMPDIR/echo" --flags F >/dev/null
	rm "$BATS_TEST_TMPDIR/echo"
	cp "$busybox" "$BATS_TEST_TMPDIR/echo"
	[ "$("$foreign" uname -m)" = s390x ]
	expect 0 binfmtctl --install s390x --replace --qemu "$BATS_TEST_TMPDIR/echo" --flags F
	has "$stderr" "installing: s390x OK (renewed)"
	[ "$("$foreign" uname -m)" = "$foreign uname -m" ]
}

@test "the bridge that a killed replacement left is taken away" {
	sed 's/^:qemu-s390x:/:qemu-s390x.new:/' >"$table/register" \
		< <(binfmtctl --install s390x --dry-run)
	[ "$(entries | xargs)" = "qemu-s390x qemu-s390x.new" ]
	expect 0 binfmtctl --install s390x
	[ "$(entries)" = qemu-s390x ]
}

@test "replacing works when a bridge is in the way" {
	echo ':qemu-s390x.new:E::other::/bin/true:' >"$table/register"
	expect 0 binfmtctl --install s390x --no-credentials --replace
	[ "$(entries)" = qemu-s390x ]
	[ "$(shown qemu-s390x flags:)" = PF ]
}

@test "uninstalling takes a bridge away too" {
	sed 's/^:qemu-s390x:/:qemu-s390x.new:/' >"$table/register" \
		< <(binfmtctl --install s390x --dry-run)
	expect 0 binfmtctl --uninstall s390x
	[ -z "$(entries)" ]
}

@test "replacing leaves no moment in which the architecture is unhandled" {
	need_busybox s390x
	while [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
		"$busybox" true || touch "$BATS_TEST_TMPDIR/failed"
		touch "$BATS_TEST_TMPDIR/ran"
	done 3>&- &
	for _ in $(seq 40); do
		binfmtctl --install s390x --replace >/dev/null
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait
	[ -e "$BATS_TEST_TMPDIR/ran" ]
	[ ! -e "$BATS_TEST_TMPDIR/failed" ]
}
