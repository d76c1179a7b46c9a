#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
#
# Files in magic.d and qemu.d over the table that is built in.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	need_qemu s390x
	config=$BATS_TEST_TMPDIR/config
	mkdir -p "$config/magic.d" "$config/qemu.d"
}

with_config() # ARGUMENT...
{
	binfmtctl --config-dir "$config" "$@"
}

broken() # MESSAGE
{
	expect 1 with_config --install s390x
	[ "$stderr" = "binfmtctl: $1" ]
	[ -z "$(entries)" ]
	expect 1 with_config --status
	[ "$stderr" = "binfmtctl: $1" ]
}

@test "folders that are empty or missing change nothing" {
	wanted=$(binfmtctl --install s390x --dry-run)
	[ "$(with_config --install s390x --dry-run)" = "$wanted" ]
	rm -r "$config"
	[ "$(with_config --install s390x --dry-run)" = "$wanted" ]
}

@test "a file of the same name replaces: flags and names" {
	cat >"$config/qemu.d/s390x.conf" <<-'CONF'
		# only this one name
		names = mainframe
		flags = F # and no others
	CONF
	expect 0 with_config --install mainframe
	[ "$(shown qemu-s390x flags:)" = F ]
	expect 1 with_config --install linux/s390x
	has "$stderr" "unknown architecture 'linux/s390x'"
}

@test "a file of the same name replaces: magic" {
	cat >"$config/magic.d/s390x.conf" <<-'CONF'
		bits = 64
		byte-order = big
		machine = 22
		os-abi-mask = 0
		flags = 0x1/0x3
	CONF
	expect 0 with_config --install s390x
	[ "$(shown qemu-s390x magic)" = \
		"7f454c4602020100000000000000000000020016$(printf '%056d' 0)00000001" ]
	[ "$(shown qemu-s390x mask)" = \
		"ffffffffffffff00fffffffffffffffffffeffff$(printf '%056d' 0)00000003" ]
}

@test "an empty file masks an architecture, as does a link to /dev/null" {
	: >"$config/qemu.d/s390x.conf"
	ln -s /dev/null "$config/magic.d/m68k.conf"
	expect 1 with_config --install s390x,m68k
	has "$stderr" "unknown architecture 's390x'"
	has "$stderr" "unknown architecture 'm68k'"
	with_config --list | jq -e 'map(.architecture) | contains(["s390x"]) or contains(["m68k"]) | not'
}

@test "a new architecture: two machine numbers, run by another's qemu" {
	cat >"$config/magic.d/toy.conf" <<-'CONF'
		bits = 32
		byte-order = little
		machine = 0x1234 4661
	CONF
	cat >"$config/qemu.d/toy.conf" <<-'CONF'
		platforms = linux/toy
		names = toyel
		qemu = s390x
	CONF
	expect 0 with_config --install toyel
	[ "$(entries | xargs)" = "qemu-toy qemu-toy-4661" ]
	[ "$(shown qemu-toy interpreter)" = "$qemu" ]
	[ "$(shown qemu-toy magic)" = 7f454c4601010100000000000000000002003412 ]
	[ "$(shown qemu-toy-4661 magic)" = 7f454c4601010100000000000000000002003512 ]
	jq -e '.supported | contains(["linux/toy"])' <<<"$output"
	expect 0 with_config --uninstall linux/toy
	[ -z "$(entries)" ]
}

@test "an entry that would take the machine's own programs is refused" {
	order=little
	[ "$(printf '\1\0' | od -An -tu2 | xargs)" = 1 ] || order=big
	cat >"$config/magic.d/own.conf" <<-CONF
		bits = $(getconf LONG_BIT)
		byte-order = $order
		machine = 0x1234 $(od -An -tu2 -j18 -N2 /proc/self/exe)
	CONF
	echo "qemu = s390x" >"$config/qemu.d/own.conf"
	expect 1 with_config --install own
	has "$stderr" "installing: own failed: "
	has "$stderr" "would take over the programs of this machine itself"
	[ -z "$(entries)" ]
}

@test "broken files are named with line and column" {
	file=$config/magic.d/s390x.conf
	printf 'bits = 64\nbyte-order = middle\n' >"$file"
	broken "$file:2:14: byte-order is \`little\` or \`big\`, not \`middle\`"
	printf 'bits = 64\n\n  nonsense\n' >"$file"
	broken "$file:3:11: expected \`key = value\`"
	printf 'bits = 64\nbits = 32\n' >"$file"
	broken "$file:2:1: bits is set a second time (first in line 1)"
	printf 'bits = 64\nbyte-order = big\nmachine = 0x10000\n' >"$file"
	broken "$file:3:11: machine: \`0x10000\` is not a number from 1 to 65535"
	printf 'bits = 64\nbyte-order = big\nmachine = 22\nmachne = 23\n' >"$file"
	broken "$file:4:1: unknown key \`machne\` (did you mean \`machine\`?)"
	printf 'bits = 64\nbyte-order = big\n' >"$file"
	broken "$file: \`machine = …\` is missing"
	printf 'bits = 64\nbyte\0order = big\n' >"$file"
	broken "$file:2:5: a NUL byte in a text file"
	rm "$file"
	echo 'flags = FX' >"$config/qemu.d/s390x.conf"
	broken "$config/qemu.d/s390x.conf:1:9: unknown flag 'X' (there are P, O, C and F)"
}

@test "a handler without magic names the file that is missing" {
	echo 'names = x' >"$config/qemu.d/toy.conf"
	broken "$config/qemu.d/toy.conf: there is no magic for it (put toy.conf into $config/magic.d too)"
}
