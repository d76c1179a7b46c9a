#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# qemu/build-static, on a source that looks like qemu's as far as the script is concerned.
# The real one takes minutes: qemu/README tells how that was tried.

load ../kernel/helpers

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	mkdir -p qemu-1/configs/targets qemu-1/meson
	touch qemu-1/meson/meson.py qemu-1/configs/targets/or1k-linux-user.mak \
		qemu-1/configs/targets/mips-linux-user.mak qemu-1/configs/targets/or1k-softmmu.mak
	cat >qemu-1/configure <<-'END'
		#!/bin/sh
		[ "$1" != --help ] || { echo '  --without-default-features'; exit; }
		echo "$*" >"$LOG"
		! [ "${BROKEN:-}" = configure ] || { echo 'no such luck'; exit 1; }
		echo 'int main(void) { return 0; }' >true.c
		cat >build.ninja <<-NINJA
			rule cc
			  command = ${CC:-cc} ${STATIC--static} -o \$out \$in
			build qemu-or1k: cc true.c
			build qemu-mips: cc true.c
		NINJA
	END
	chmod +x qemu-1/configure
	tar -cJf qemu-1.tar.xz qemu-1
}

setup()
{
	cd "$BATS_FILE_TMPDIR" || return
	export TMPDIR=$BATS_TEST_TMPDIR LOG=$BATS_TEST_TMPDIR/configured
	out=$BATS_TEST_TMPDIR/out
}

teardown()
{
	[ -z "$(find "$BATS_TEST_TMPDIR" -maxdepth 1 -name 'build-static.*')" ]
}

build_static()
{
	"$top_srcdir/qemu/build-static" --output "$out" "$@"
}

# A real build needs a static glib; here nothing is linked with it.
need_tools()
{
	need ninja cc
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/bin/pkg-config"
	for tool in flex bison python3; do
		cp "$BATS_TEST_TMPDIR/bin/pkg-config" "$BATS_TEST_TMPDIR/bin/$tool"
	done
	cat >"$BATS_TEST_TMPDIR/bin/cc" <<-END
		#!/bin/sh
		case \$* in *glib.c*) exit \${NO_GLIB:-0} ;; esac
		exec $(command -v cc) "\$@"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin"/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "the targets that were asked for are built and installed" {
	need_tools
	expect 0 build_static --jobs 1 qemu-1.tar.xz or1k-linux-user
	[ "$output" = "$out/qemu-or1k" ]
	[ "$(ls -A "$out")" = qemu-or1k ]
	"$out/qemu-or1k"
	has "$(cat "$LOG")" "--without-default-features --static"
	has "$(cat "$LOG")" "--target-list=or1k-linux-user"
	[[ $(cat "$LOG") != *install-blobs* ]] # this configure does not know it
	has "$stderr" "binfmtctl --install LIST --qemu-dir $out"
}

@test "without targets, all user mode ones" {
	need_tools
	expect 0 build_static qemu-1.tar.xz
	[ "$(ls -A "$out")" = $'qemu-mips\nqemu-or1k' ]
}

@test "a target that this qemu has not" {
	expect 1 build_static qemu-1.tar.xz or1k sparc
	has "$stderr" "no target sparc; it has mips or1k"
}

@test "what is missing is said at once" {
	need_tools
	NO_GLIB=1 expect 1 build_static qemu-1.tar.xz or1k
	has "$stderr" "missing: a glib to link statically (libglib2.0-dev)"
	mkdir "$BATS_TEST_TMPDIR/few"
	for tool in sh awk tar xz mktemp rm mkdir ls sed xargs tail nproc grep; do
		ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/few/$tool"
	done
	PATH=$BATS_TEST_TMPDIR/few expect 1 build_static qemu-1.tar.xz or1k
	has "$stderr" "cc (gcc);"
	has "$stderr" "ninja (ninja-build);"
	has "$stderr" "bison (bison)"
}

@test "configure fails: its words are shown" {
	need_tools
	BROKEN=configure expect 1 build_static qemu-1.tar.xz or1k
	has "$stderr" "    no such luck"
	has "$stderr" "configuring for or1k failed"
	[ ! -e "$out" ]
}

@test "a program that came out dynamic is not installed" {
	need_tools
	STATIC='' expect 1 build_static qemu-1.tar.xz or1k
	has "$stderr" "qemu-or1k came out dynamically linked"
	[ ! -e "$out" ]
}

@test "what is no source of qemu, and wrong usage" {
	mkdir "$BATS_TEST_TMPDIR/other"
	tar -cf "$BATS_TEST_TMPDIR/other.tar" -C "$BATS_TEST_TMPDIR" other
	expect 1 build_static "$BATS_TEST_TMPDIR/other.tar"
	has "$stderr" "is not the source of a qemu 6.0 or newer"
	expect 1 build_static /nowhere.tar
	has "$stderr" "cannot read /nowhere.tar"
	expect 1 build_static
	has "$stderr" "which source tarball?"
	expect 1 build_static --target-list x
	has "$stderr" "unknown option --target-list"
}
