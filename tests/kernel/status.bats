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
	need_qemu aarch64
	need_qemu s390x
}

# The machine's own platform, as images call it.
own_platform()
{
	case $(uname -m) in
	x86_64) echo linux/amd64 ;;
	aarch64) echo linux/arm64 ;;
	*) echo "linux/$(uname -m)" ;;
	esac
}

@test "without any action the status is shown" {
	expect 0 binfmtctl
	short=$output
	expect 0 binfmtctl --status
	[ "$output" = "$short" ]
	[ -z "$stderr" ]
}

@test "JSON: what runs without handlers comes first, and is all there is" {
	expect 0 binfmtctl
	jq -e --arg own "$(own_platform)" '.supported[0] == $own and .emulators == []
		and .entries == [] and .mounted and .enabled' <<<"$output"
}

@test "JSON: the shape that other tools read" {
	native=$(binfmtctl | jq -c .supported)
	binfmtctl --install s390x,aarch64,m68k >/dev/null
	expect 0 binfmtctl
	jq -e --argjson native "$native" '
		.emulators == ["qemu-aarch64", "qemu-m68k", "qemu-s390x"] and
		.supported == $native + ["linux/arm64", "linux/s390x"]' <<<"$output"
}

@test "JSON: the same after installing and uninstalling" {
	status=$(binfmtctl --install s390x,aarch64 2>/dev/null)
	jq -e '.emulators == ["qemu-aarch64", "qemu-s390x"]' <<<"$status"
	# Whose table it is cannot always be told without privilege.
	diff <(jq 'del(.private)' <<<"$status") <(binfmtctl | jq 'del(.private)')
	status=$(binfmtctl --uninstall aarch64,riscv64 2>/dev/null)
	jq -e '.emulators == ["qemu-s390x"]' <<<"$status"
}

@test "JSON: each entry as the kernel has it, also others' and disabled ones" {
	binfmtctl --install s390x >/dev/null
	echo ':jars:E::jar::/bin/true:' >"$table/register"
	echo 0 >"$table/qemu-s390x"
	expect 0 binfmtctl
	jq -e '.emulators == ["jars"] and
		(.supported | contains(["linux/s390x"]) | not)' <<<"$output"
	jq -e --arg qemu "$qemu" --arg magic "$(shown qemu-s390x magic)" \
		--arg mask "$(shown qemu-s390x mask)" '.entries == [
		{name: "jars", enabled: true, interpreter: "/bin/true", flags: "",
			extension: "jar"},
		{name: "qemu-s390x", enabled: false, architecture: "s390x",
			platforms: ["linux/s390x"], interpreter: $qemu, flags: "POCF",
			offset: 0, magic: $magic, mask: $mask}]' <<<"$output"
}

@test "JSON: names and paths of any bytes are text" {
	printf ':a"b\\c:E::x::/bin/\xff\xe9:' >"$table/register"
	expect 0 binfmtctl
	jq -e '.entries[0] | .name == "a\"b\\c" and (.interpreter | startswith("/bin/"))' \
		<<<"$output"
}

# What a terminal shows, without carriage returns and bold.
on_terminal() # ARGUMENT...
{
	script -qec "'$top_builddir/binfmtctl' $*" /dev/null </dev/null |
		sed 's/\r$//; s/\x1b\[[0-9]*m//g'
}

@test "a terminal gets a table" {
	need script
	binfmtctl --install s390x >/dev/null
	run on_terminal
	[[ ${lines[0]} == "This machine runs: $(own_platform) "*"linux/s390x"* ]]
	[[ ${lines[1]} =~ ^ENTRY\ +STATE\ +FLAGS\ +INTERPRETER\ +PLATFORMS$ ]]
	[[ ${lines[2]} =~ ^qemu-s390x\ +enabled\ +POCF\ +$qemu\ +linux/s390x$ ]]
}

@test "a terminal is told when there is nothing" {
	need script
	run on_terminal
	[ "${lines[1]}" = "No handlers are installed." ]
}

@test "a terminal gets JSON with --json" {
	need script
	on_terminal --json | jq -e .supported
}

@test "list: every architecture, on a terminal and in JSON" {
	need script
	binfmtctl --install s390x >/dev/null
	expect 0 binfmtctl --list
	jq -e 'length >= 36 and all(.[]; has("architecture") and has("platforms") and
		has("names") and has("native") and has("installed"))' <<<"$output"
	jq -e --arg qemu "$qemu" '.[] | select(.architecture == "s390x") |
		.installed and .qemu == $qemu and (.version | test("^[0-9]+[.][0-9.]+$"))' \
		<<<"$output"
	run on_terminal --list
	[[ ${lines[0]} =~ ^ARCHITECTURE\ +PLATFORMS\ +STATE\ +QEMU\ +VERSION$ ]]
	grep -E "^s390x +linux/s390x +installed +$qemu +[0-9.]+$" <<<"$output"
	grep -E "^(x86_64|aarch64) .* native " <<<"$output"
}

@test "list: the version is what the program itself says" {
	expect 0 binfmtctl --list
	version=$(jq -r '.[] | select(.architecture == "s390x") | .version' <<<"$output")
	[[ $("$qemu" --version) == "qemu-s390x version $version "* ]]
}
