#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
#
# Programs that must not become a handler, and those that may.

load helpers

setup_file()
{
	mount_private_table
}

# A folder on whose way nobody but root can write; the tests' own is below /tmp, which is
# sticky.
setup()
{
	empty_private_table
	need_busybox "$(dpkg --print-architecture)"
	dir=$BATS_TEST_TMPDIR/bin
	mkdir "$dir"
	program=$dir/qemu-s390x
	cp "$busybox" "$program"
}

refused() # REASON [OPTION...]
{
	local reason=$1
	shift
	expect 1 binfmtctl --install s390x --qemu "$program" "$@"
	has "$stderr" "installing: s390x failed: $reason"
	[ -z "$(entries)" ]
}

accepted()
{
	expect 0 binfmtctl --install s390x --qemu "$program" "$@"
	[ "$(entries)" = qemu-s390x ]
}

@test "a static program of this machine will do" {
	accepted
	[ "$(shown qemu-s390x interpreter)" = "$program" ]
}

@test "missing" {
	rm "$program"
	refused "cannot open $program: No such file or directory"
}

@test "a folder" {
	program=$dir
	refused "$dir is not a regular file"
}

@test "a fifo, without waiting for a writer" {
	rm "$program"
	mkfifo "$program"
	refused "$program is not a regular file"
}

@test "a device" {
	program=/dev/null
	refused "/dev/null is not a regular file"
}

@test "not executable" {
	chmod 644 "$program"
	refused "$program is not executable (chmod +x)"
}

@test "dynamically linked, where flag F is asked for" {
	program=$(command -v gzip)
	program=$(readlink -f "$program")
	refused "$program is dynamically linked (needs /lib"
	accepted --no-fix-binary
}

@test "a program for another machine" {
	need_busybox s390x
	cp "$busybox" "$program"
	refused "$program is a program for another machine"
}

@test "a script" {
	printf '#!/bin/sh\n' >"$program"
	refused "$program: "
	has "$stderr" "ELF"
}

@test "an empty file" {
	: >"$program"
	refused "$program: "
	has "$stderr" "ELF"
}

@test "an ELF file that is cut off anywhere in its headers" {
	for size in 3 4 16 20 63 64 100; do
		head -c "$size" "$busybox" >"$program"
		refused "$program: "
	done
}

@test "an ELF file whose program headers are said to lie outside" {
	# e_phoff of 64-bit files, e_phoff and what follows it of 32-bit ones.
	printf '\xff\xff\xff\xff\xff\xff\xff\x7f' |
		dd of="$program" bs=1 seek=32 conv=notrunc status=none
	refused "$program: "
}

@test "writable by everybody" {
	chmod o+w "$program"
	refused "$program is writable by everybody (chmod o-w)"
}

@test "writable by a group other than root's" {
	need_other_users
	chgrp 1234 "$program"
	chmod g+w "$program"
	refused "$program is writable by group 1234 (chmod g-w)"
	chgrp 0 "$program"
	accepted
}

@test "owned by another user" {
	need_other_users
	chown 1234 "$program"
	refused "$program belongs to user 1234, who could replace it (chown root)"
}

@test "in a folder that everybody may write to" {
	chmod 777 "$dir"
	refused "$dir is writable by everybody (chmod o-w)"
}

@test "below a folder that everybody may write to" {
	mkdir "$dir/sub"
	mv "$program" "$dir/sub"
	program=$dir/sub/qemu-s390x
	chmod 777 "$dir"
	refused "$dir is writable by everybody (chmod o-w)"
}

@test "in a folder of another user" {
	need_other_users
	chown 1234 "$dir"
	refused "$dir belongs to user 1234, who could replace it (chown root)"
}

@test "in a sticky folder, where only its owner can replace it" {
	chmod 1777 "$dir"
	accepted
}

@test "a symlink is followed, and shown as it was given" {
	ln -s "$program" "$dir/link"
	program=$dir/link
	accepted
	[ "$(shown qemu-s390x interpreter)" = "$dir/link" ]
}

@test "a symlink into a folder that everybody may write to" {
	mkdir "$BATS_TEST_TMPDIR/open"
	mv "$program" "$BATS_TEST_TMPDIR/open"
	chmod 777 "$BATS_TEST_TMPDIR/open"
	ln -s "$BATS_TEST_TMPDIR/open/qemu-s390x" "$program"
	refused "$BATS_TEST_TMPDIR/open is writable by everybody"
}

@test "a symlink by way of a folder that everybody may write to" {
	mkdir "$BATS_TEST_TMPDIR/open"
	chmod 777 "$BATS_TEST_TMPDIR/open"
	mv "$program" "$dir/real"
	ln -s "$dir/real" "$BATS_TEST_TMPDIR/open/middle"
	ln -s "$BATS_TEST_TMPDIR/open/middle" "$program"
	refused "$BATS_TEST_TMPDIR/open is writable by everybody"
}

@test "a symlink to nothing" {
	rm "$program"
	ln -s nowhere "$program"
	refused "cannot open $program: No such file or directory"
}

@test "a path with .. is judged by the folders it goes through" {
	mkdir "$BATS_TEST_TMPDIR/open"
	chmod 777 "$BATS_TEST_TMPDIR/open"
	program=$BATS_TEST_TMPDIR/open/../bin/qemu-s390x
	refused "$BATS_TEST_TMPDIR/open is writable by everybody"
}

@test "a relative path becomes absolute" {
	cd "$dir"
	expect 0 binfmtctl --install s390x --qemu qemu-s390x
	[ "$(shown qemu-s390x interpreter)" = "$(pwd -P)/qemu-s390x" ]
}

@test "a path with a colon, blanks and an UTF-8 letter" {
	mkdir "$dir/a b:é"
	mv "$program" "$dir/a b:é"
	program=$dir/a\ b:é/qemu-s390x
	accepted
	has "$(cat "$table/qemu-s390x")" "interpreter $program"
	expect 0 binfmtctl --install s390x --qemu "$program"
	has "$stderr" "OK (already installed)"
}

@test "a path with a line break, which the kernel could not show" {
	mkdir "$dir/a"$'\n'"b"
	mv "$program" "$dir/a"$'\n'"b"
	program=$dir/a$'\n'b/qemu-s390x
	refused ""
}

@test "a path that is too long for a register string" {
	long=$dir$(printf "/$(printf 'x%.0s' {1..200})%.0s" {1..10})
	mkdir -p "$long"
	mv "$program" "$long"
	program=$long/qemu-s390x
	refused ""
	has "$stderr" "1920"
}

@test "--qemu-dir: a static program is preferred to a dynamic one" {
	cp "$(command -v gzip)" "$dir/qemu-s390x-static"
	expect 0 binfmtctl --install s390x --qemu-dir "$dir"
	[ "$(shown qemu-s390x interpreter)" = "$program" ]
}

# The host's root is nobody in the namespace of an ordinary user.
@test "in an ordinary user's namespace, files of the host's root are as good as root's" {
	need_other_users
	need_qemu s390x
	expect 0 as_user unshare --user --map-root-user --mount binfmtctl --install s390x
	has "$stderr" "installing: s390x OK"
	[ -z "$(entries)" ]
}
