#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces

load helpers

setup_file()
{
	mount_private_table
	binfmtctl --list --json >"$BATS_FILE_TMPDIR/list"
}

setup()
{
	empty_private_table
}

# What a person types, and the entry that it means; without the architectures that the CPU
# runs itself or that have no qemu.
pairs()
{
	jq -r '.[] | select(.qemu and (.native | not)) | "qemu-" + .architecture' \
		"$BATS_FILE_TMPDIR/list" >"$BATS_TEST_TMPDIR/possible"
	grep -wFf "$BATS_TEST_TMPDIR/possible" <<-'PAIRS'
		s390x qemu-s390x
		qemu-s390x qemu-s390x
		linux/s390x qemu-s390x
		linux/arm64 qemu-aarch64
		linux/arm64/v8 qemu-aarch64
		arm64 qemu-aarch64
		aarch64 qemu-aarch64
		qemu-aarch64 qemu-aarch64
		linux/arm/v7 qemu-arm
		linux/arm/v6 qemu-arm
		linux/arm/v5 qemu-arm
		arm qemu-arm
		armhf qemu-arm
		armel qemu-arm
		armv7l qemu-arm
		linux/386 qemu-i386
		386 qemu-i386
		i686 qemu-i386
		amd64 qemu-x86_64
		linux/amd64 qemu-x86_64
		mips64le qemu-mips64el
		linux/mips64le qemu-mips64el
		mips64el qemu-mips64el
		mipsle qemu-mipsel
		mipsel qemu-mipsel
		ppc64el qemu-ppc64le
		ppc64le qemu-ppc64le
		linux/ppc64le qemu-ppc64le
		powerpc qemu-ppc
		loong64 qemu-loongarch64
		riscv64 qemu-riscv64
		hppa qemu-hppa
	PAIRS
}

@test "install: every kind of name" {
	while read -r name entry; do
		expect 0 binfmtctl --install "$name"
		[ "$(entries)" = "$entry" ]
		has "$stderr" "installing: $name OK"
		echo -1 >"$table/status"
	done < <(pairs)
}

@test "uninstall: every kind of name" {
	while read -r name entry; do
		binfmtctl --install "$entry,m68k" >/dev/null
		expect 0 binfmtctl --uninstall "$name"
		[ "$(entries)" = qemu-m68k ]
		has "$stderr" "uninstalling: $name OK"
	done < <(pairs)
}

@test "install: every name that --list shows means its own architecture" {
	jq -r '.[] | select(.qemu and (.native | not)) | .architecture as $a |
		($a, "qemu-" + $a, .names[], .platforms[]) | "\(.) qemu-\($a)"' \
		"$BATS_FILE_TMPDIR/list" >"$BATS_TEST_TMPDIR/names"
	[ -s "$BATS_TEST_TMPDIR/names" ] || cannot "no qemu is installed"
	while read -r name entry; do
		[[ $(binfmtctl --install "$name" --dry-run) == ":$entry:"* ]]
	done <"$BATS_TEST_TMPDIR/names"
}

@test "install: what the machine runs itself is skipped with a word" {
	expect 0 binfmtctl --install "$(uname -m)"
	has "$stderr" "installing: $(uname -m) skipped: this machine runs it itself"
	[ -z "$(entries)" ]
}

@test "install: an unknown name, near to a known one or not" {
	expect 1 binfmtctl --install s309x,quux
	has "$stderr" "installing: s309x failed: unknown architecture 's309x' (did you mean 's390x'?)"
	has "$stderr" "unknown architecture 'quux' (see binfmtctl --list)"
}

@test "uninstall: an unknown name, near to a known one or not" {
	expect 1 binfmtctl --uninstall s309x,quux
	has "$stderr" "uninstalling: s309x failed"
	has "$stderr" "did you mean 's390x'?"
	has "$stderr" "uninstalling: quux failed: no architecture and no entry is called"
}

@test "uninstall: an architecture that is not installed is OK" {
	expect 0 binfmtctl --uninstall s390x,'qemu-*'
	has "$stderr" "uninstalling: s390x OK (not installed)"
	has "$stderr" "uninstalling: qemu-* OK (not installed)"
}

@test "uninstall: patterns" {
	binfmtctl --install s390x,mips,mipsel,mips64,sparc64 >/dev/null
	expect 0 binfmtctl --uninstall 'qemu-mips*'
	[ "$(entries | xargs)" = "qemu-s390x qemu-sparc64" ]
	has "$stderr" "uninstalling: qemu-mips64 OK"
	expect 0 binfmtctl --uninstall 'linux/s*'
	[ -z "$(entries)" ]
}

@test "uninstall: an architecture with two entries loses both" {
	need_qemu microblaze
	binfmtctl --install microblaze >/dev/null
	[ "$(entries | wc -l)" -eq 2 ]
	expect 0 binfmtctl --uninstall microblaze
	[ -z "$(entries)" ]
}

@test "uninstall: patterns and all leave others' entries alone" {
	echo ':qemu-other:E::other::/bin/true:' >"$table/register"
	echo ':java:E::jar::/bin/true:' >"$table/register"
	others=$(contents)
	binfmtctl --install s390x,arm64 >/dev/null
	expect 0 binfmtctl --uninstall 'qemu-*'
	[ "$(contents)" = "$others" ]
	binfmtctl --install s390x,arm64 >/dev/null
	expect 0 binfmtctl --uninstall all
	[ "$(contents)" = "$others" ]
}

@test "uninstall: an entry that is named in full goes, whoever made it" {
	echo ':java:E::jar::/bin/true:' >"$table/register"
	expect 0 binfmtctl --uninstall java
	[ -z "$(entries)" ]
}

@test "uninstall: --dry-run prints the entries and removes none" {
	binfmtctl --install s390x,mips >/dev/null
	expect 0 binfmtctl --uninstall 'qemu-*' --dry-run
	[ "$(sort <<<"$output" | xargs)" = "qemu-mips qemu-s390x" ]
	[ "$(entries | xargs)" = "qemu-mips qemu-s390x" ]
}
