#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# qemu/unpack-deb, on packages that are made here.

load ../kernel/helpers

setup_file()
{
	able need dpkg-deb readelf cc || return 0
	cd "$BATS_FILE_TMPDIR" || return
	echo 'int main(void) { return 0; }' >true.c
	cc -static -o static true.c
	cc -o dynamic true.c
	mkdir -p qemu/usr/bin qemu/usr/share/doc
	cp static qemu/usr/bin/qemu-arm-static
	cp dynamic qemu/usr/bin/qemu-dynamic
	cp static qemu/usr/bin/other
	ln -s qemu-arm-static qemu/usr/bin/qemu-link
	echo '#!/bin/sh' >qemu/usr/bin/qemu-script
	package qemu
	mkdir -p empty/usr/bin
	package empty
	sha256sum ./*.deb | sed 's|\./||' >sums
}

package() # FOLDER
{
	mkdir "$1/DEBIAN"
	printf '%s\n' "Package: $1" 'Version: 1' 'Architecture: all' 'Maintainer: x' \
		'Description: x' >"$1/DEBIAN/control"
	dpkg-deb -b "$1" "$1.deb" >/dev/null
}

setup()
{
	skip_if_unable
	cd "$BATS_FILE_TMPDIR" || return
	output=$BATS_TEST_TMPDIR/out
}

unpack_deb()
{
	"$top_srcdir/qemu/unpack-deb" --output "$output" "$@"
}

@test "the static programs come out, and nothing else" {
	expect 0 unpack_deb --checksums sums qemu.deb
	[ "$output" = "$BATS_TEST_TMPDIR/out/qemu-arm-static" ]
	[ "$(ls -A "$BATS_TEST_TMPDIR/out")" = qemu-arm-static ]
	cmp static "$BATS_TEST_TMPDIR/out/qemu-arm-static"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/out/qemu-arm-static")" = 755 ]
}

@test "one wrong checksum, and nothing of any package is unpacked" {
	sed '/empty.deb/s/^[0-9a-f]\{8\}/00000000/' sums >"$BATS_TEST_TMPDIR/sums"
	expect 1 unpack_deb --checksums "$BATS_TEST_TMPDIR/sums" qemu.deb empty.deb
	has "$stderr" "empty.deb has the checksum"
	[ ! -e "$BATS_TEST_TMPDIR/out" ]
}

@test "a package that is not in the list" {
	sed '/qemu.deb/s/qemu/xqemu/' sums >"$BATS_TEST_TMPDIR/sums"
	expect 1 unpack_deb --checksums "$BATS_TEST_TMPDIR/sums" qemu.deb
	has "$stderr" "has no line for qemu.deb"
	[ ! -e "$BATS_TEST_TMPDIR/out" ]
}

@test "the list as sha256sum --binary writes it" {
	sed 's/  / */' sums >"$BATS_TEST_TMPDIR/sums"
	expect 0 unpack_deb --checksums "$BATS_TEST_TMPDIR/sums" qemu.deb
}

@test "a package without any such program" {
	expect 1 unpack_deb --checksums sums empty.deb
	has "$stderr" "empty.deb has no static qemu"
}

@test "what is no package, and wrong usage" {
	cp sums "$BATS_TEST_TMPDIR/bad.deb"
	(cd "$BATS_TEST_TMPDIR" && sha256sum bad.deb >sums)
	expect 1 unpack_deb --checksums "$BATS_TEST_TMPDIR/sums" "$BATS_TEST_TMPDIR/bad.deb"
	has "$stderr" "cannot unpack bad.deb"
	expect 1 unpack_deb qemu.deb
	has "$stderr" "which --checksums FILE?"
	expect 1 unpack_deb --checksums sums
	has "$stderr" "which packages?"
	expect 1 unpack_deb --checksums sums qemu-user
	has "$stderr" "neither a .deb file nor NAME=VERSION"
	expect 1 unpack_deb --checksums sums nowhere.deb
	has "$stderr" "cannot read nowhere.deb"
}

# apt_that SCRIPT: apt-get and apt-cache do that.
apt_that()
{
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '%s\n' '#!/bin/sh' "$1" >"$BATS_TEST_TMPDIR/bin/apt-get"
	chmod +x "$BATS_TEST_TMPDIR/bin/apt-get"
	cp "$BATS_TEST_TMPDIR/bin/apt-get" "$BATS_TEST_TMPDIR/bin/apt-cache"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "of a name and an architecture it is the version of the list" {
	cp qemu.deb "$BATS_TEST_TMPDIR/qemu_1%3a2_all.deb"
	(cd "$BATS_TEST_TMPDIR" && sha256sum ./*.deb | sed 's|\./||' >sums)
	apt_that "[ \"\${*##*download }\" = qemu:all=1:2 ] && cp $BATS_TEST_TMPDIR/qemu_*.deb ."
	expect 0 unpack_deb --checksums "$BATS_TEST_TMPDIR/sums" qemu:all
	[ -x "$BATS_TEST_TMPDIR/out/qemu-arm-static" ]
	expect 1 unpack_deb --checksums "$BATS_TEST_TMPDIR/sums" qemu:riscv64
	has "$stderr" "has no line for qemu of riscv64"
}

@test "a list of what apt has" {
	sum=$(sha256sum <qemu.deb)
	apt_that "[ \"\${*##* }\" = qemu:all ] && printf '%s\n' 'Version: 1:2-3' 'SHA256: ${sum%% *}'"
	expect 0 unpack_deb --print-checksums qemu:all
	[ "$output" = "${sum%% *}  qemu_1%3a2-3_all.deb" ]
	expect 1 unpack_deb --print-checksums qemu:arm64
	has "$stderr" "apt knows no qemu:arm64"
	expect 1 unpack_deb --print-checksums
	has "$stderr" "of which packages?"
}

@test "apt fetches a version, and its failure is told" {
	apt_that "[ \"\${*##*download }\" = qemu:all=1 ] && cp $PWD/qemu.deb ."
	expect 0 unpack_deb --checksums sums qemu:all=1
	[ -x "$BATS_TEST_TMPDIR/out/qemu-arm-static" ]
	expect 1 unpack_deb --checksums sums qemu:all=2
	has "$stderr" "apt cannot fetch qemu:all=2"
}
