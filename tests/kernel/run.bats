#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
#
# Programs of other architectures, through the kernel.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
}

# Installs a handler under Debian's name, and runs that architecture's busybox: from here,
# in a root that has nothing else (flag F), and under another name (flag P).
runs() # ARCH MACHINE
{
	need_busybox "$1"
	run ! "$busybox" true
	expect 0 binfmtctl --install "$1"
	[ "$("$busybox" uname -m)" = "$2" ]
	mkdir "$BATS_TEST_TMPDIR/root"
	cp "$busybox" "$BATS_TEST_TMPDIR/root"
	[ "$(chroot "$BATS_TEST_TMPDIR/root" /busybox uname -m)" = "$2" ]
	[ "$(exec -a uname "$busybox" -m)" = "$2" ]
	expect 0 binfmtctl --uninstall "$1"
	run ! "$busybox" true
}

# Where the CPU runs it, there must be nothing to install.
runs_itself() # ARCH
{
	need_busybox "$1"
	"$busybox" true || skip "this CPU does not run $1"
	expect 0 binfmtctl --install "$1"
	has "$stderr" "installing: $1 skipped: this machine runs it itself"
	[ -z "$(entries)" ]
}

runs_unless_native() # ARCH MACHINE
{
	need_busybox "$1"
	if "$busybox" true; then
		runs_itself "$1"
	else
		runs "$1" "$2"
	fi
}

@test "arm64" {
	runs_unless_native arm64 aarch64
}

@test "armhf" {
	runs_unless_native armhf armv7l
}

@test "armel" {
	runs_unless_native armel armv7l
}

@test "s390x" {
	runs_unless_native s390x s390x
}

@test "ppc64el" {
	runs_unless_native ppc64el ppc64le
}

@test "mips64el" {
	runs_unless_native mips64el mips64
}

@test "mipsel" {
	runs_unless_native mipsel mips
}

@test "riscv64" {
	runs_unless_native riscv64 riscv64
}

@test "i386" {
	runs_unless_native i386 i686
}

@test "amd64" {
	runs_unless_native amd64 x86_64
}

@test "all of them at once" {
	binfmtctl --install all >/dev/null
	for path in "$cache"/*/busybox; do
		"$path" true
	done
}

@test "without flag F the root that a program is in must have qemu" {
	need_busybox s390x
	need_qemu s390x
	mkdir "$BATS_TEST_TMPDIR/root"
	cp "$busybox" "$BATS_TEST_TMPDIR/root"
	expect 0 binfmtctl --install s390x --no-fix-binary
	"$busybox" true
	run -127 chroot "$BATS_TEST_TMPDIR/root" /busybox true
	mkdir -p "$BATS_TEST_TMPDIR/root/$(dirname "$qemu")"
	cp "$qemu" "$BATS_TEST_TMPDIR/root/$qemu"
	chroot "$BATS_TEST_TMPDIR/root" /busybox true
}

@test "without flag P a program is not told the name it was called by" {
	need_busybox s390x
	expect 0 binfmtctl --install s390x --flags OCF
	run -127 bash -c "exec -a uname '$busybox' -m"
}

# Writes a program for s390x that ends with the effective user's id, cut to a byte, as its
# status: an ELF header, a program header, and the system calls geteuid and exit.
make_program() # PATH
{
	# shellcheck disable=SC2059 # the format is the bytes
	printf "$(sed 's/ //g; s/../\\x&/g' <<-'HEX' | tr -d '\n'
		7f454c46 02020100 00000000 00000000 00020016 00000001
		00000000 00400078 00000000 00000040 00000000 00000000
		00000000 00400038 00010000 00000000
		00000001 00000005 00000000 00000000 00000000 00400000
		00000000 00400000 00000000 0000007c 00000000 0000007c
		00000000 00001000 0ac90a01
	HEX
	)" >"$1"
}

# The same as a file of user 1234's, with this mode, run by user 4321.
as_other_user() # MODE
{
	program=$BATS_TEST_TMPDIR/program
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	make_program "$program"
	chown 1234 "$program"
	chmod "$1" "$program"
	setpriv --reuid 4321 --regid 4321 --clear-groups "$program"
}

@test "set-user-ID programs gain their owner's rights with flag C, and only then" {
	need_other_users
	need_qemu s390x
	expect 0 binfmtctl --install s390x
	run -$((1234 & 255)) as_other_user 4755
	expect 0 binfmtctl --install s390x --no-credentials --replace
	run -$((4321 & 255)) as_other_user 4755
}

# Flag O: the kernel opens the program, qemu gets it ready.
@test "a program that may be run but not read works with flag O, and only then" {
	need_other_users
	need_qemu s390x
	expect 0 binfmtctl --install s390x
	run -$((4321 & 255)) as_other_user 711
	expect 0 binfmtctl --install s390x --no-credentials --replace
	run as_other_user 711
	[ "$status" -ne $((4321 & 255)) ]
}
