#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# What --persist writes, and what --boot makes of it. The real boot is in tests/vm.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	need_qemu aarch64
	config=$BATS_TEST_TMPDIR/etc
}

configured() # OPTION...
{
	binfmtctl --config-dir "$config" "$@"
}

boot()
{
	echo -1 >"$table/status"
	expect "${1-0}" configured --boot
}

@test "what was installed to stay is there after the next boot" {
	configured --install arm64,s390x --persist >/dev/null
	before=$(contents)
	boot
	[ "$(contents)" = "$before" ]
}

@test "the options stay too" {
	configured --install arm64 --flags F --persist >/dev/null
	configured --install s390x --no-credentials --qemu-dir "$(dirname "$qemu")" --persist >/dev/null
	before=$(contents)
	boot
	[ "$(contents)" = "$before" ]
}

@test "a relative path is written as an absolute one" {
	cd "$(dirname "$qemu")"
	configured --install arm64 --qemu "$(basename "$qemu")" --persist >/dev/null
	grep -qx "qemu = $(readlink -f "$qemu")" "$config/handlers.d/qemu-aarch64.conf"
}

@test "all stays all, and one of them can be left out" {
	configured --install all --persist >/dev/null 2>&1
	configured --uninstall arm64 --persist >/dev/null
	boot
	[ ! -e "$table/qemu-aarch64" ]
	[ -e "$table/qemu-s390x" ]
}

@test "what was taken out does not come back" {
	configured --install arm64,s390x,riscv64 --persist >/dev/null
	configured --uninstall 's390*,riscv64' --persist >/dev/null
	boot
	[ "$(entries)" = qemu-aarch64 ]
	configured --uninstall all --persist >/dev/null
	boot
	[ -z "$(entries)" ]
	[ -z "$(ls "$config/handlers.d")" ]
}

@test "what failed is not written" {
	expect 1 configured --install arm64 --qemu /nonexistent --persist
	[ ! -e "$config/handlers.d" ]
}

@test "binfmtctl.conf installs a list" {
	mkdir "$config"
	echo 'install = arm64, linux/s390x' >"$config/binfmtctl.conf"
	boot
	[ "$(entries)" = "$(printf 'qemu-aarch64\nqemu-s390x')" ]
	expect 1 configured --uninstall all --persist
	has "$stderr" "binfmtctl.conf still installs architectures at boot"
}

@test "another's handler gives way at boot" {
	configured --install arm64 --persist >/dev/null
	echo -1 >"$table/status"
	echo ':qemu-aarch64:E::other::/bin/true:' >"$table/register"
	expect 0 configured --boot
	has "$stderr" "installing: arm64 OK (replaced)"
}

@test "any interpreter, spelt out" {
	mkdir -p "$config/handlers.d"
	printf '%s\n' 'interpreter = /bin/cat' 'extension = shown' >"$config/handlers.d/show.conf"
	printf '%s\n' 'interpreter = /bin/true' 'magic = 0badcafe' 'mask = ffffff00' 'offset = 4' \
		'enabled = no' >"$config/handlers.d/off.conf"
	boot
	[ "$(cat "$table/off")" = "$(printf '%s\n' disabled 'interpreter /bin/true' 'flags: ' \
		'offset 4' 'magic 0badcafe' 'mask ffffff00')" ]
	echo hello >"$BATS_TEST_TMPDIR/x.shown"
	chmod +x "$BATS_TEST_TMPDIR/x.shown"
	[ "$("$BATS_TEST_TMPDIR/x.shown")" = hello ]
}

@test "no configuration is no work" {
	boot
	[ -z "$(entries)" ]
}

@test "a mistake is named with its place, and nothing is installed" {
	configured --install arm64 --persist >/dev/null
	printf 'architecture = s390x\nflags = FX\n' >"$config/handlers.d/x.conf"
	boot 1
	has "$stderr" "$config/handlers.d/x.conf:2:9: unknown flag 'X'"
	[ -z "$(entries)" ]
	printf 'interpretor = /bin/true\n' >"$config/handlers.d/x.conf"
	boot 1
	has "$stderr" "x.conf:1:1: unknown key \`interpretor\` (did you mean \`interpreter\`?)"
	printf 'interpreter = /bin/true\nmagic = 00\nmask = ffff\n' >"$config/handlers.d/x.conf"
	boot 1
	has "$stderr" "x.conf:3:8: mask has 2 bytes, magic has 1"
	printf 'interpreter = true\nextension = x\n' >"$config/handlers.d/x.conf"
	boot 1
	has "$stderr" "the interpreter's path 'true' is not absolute"
}

@test "an unknown architecture fails alone" {
	configured --install arm64 --persist >/dev/null
	echo 'architecture = s309x' >"$config/handlers.d/x.conf"
	boot 1
	has "$stderr" "unknown architecture 's309x' (did you mean 's390x'?)"
	[ "$(entries)" = qemu-aarch64 ]
}
