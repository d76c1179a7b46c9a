#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Command lines that are wrong: exit status 2, a reason, and nothing else happens.

load helpers

wrong() # REASON ARGUMENT...
{
	local reason=$1
	shift
	expect 2 binfmtctl "$@"
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "binfmtctl: $reason" ] || has "$stderr" "binfmtctl: $reason"
	[ "${stderr_lines[1]}" = "Try 'binfmtctl --help'." ]
	[ "${#stderr_lines[@]}" -eq 2 ]
}

@test "unknown options" {
	wrong "unknown option '--bogus'" --bogus
	wrong "unknown option '-q'" -q
	wrong "unknown option '--instal-l' (did you mean '--install'?)" --instal-l all
	wrong "unknown option '--unistall' (did you mean '--uninstall'?)" --unistall=all
}

@test "arguments that are missing, empty, or too many" {
	wrong "option '--install' needs an argument" --install
	wrong "--install has an empty argument" --install ''
	wrong "--install has an empty list" --install ,,
	wrong "option '--status' takes no argument" --status=all
	wrong "unexpected word 'arm64' (lists have commas, no blanks)" --install s390x arm64
	wrong "unexpected word 'install' (lists have commas, no blanks)" install
}

@test "two actions" {
	wrong "--install and --uninstall are two actions (one a call)" \
		--install s390x --uninstall arm64
	wrong "--list and --status are two actions (one a call)" --list --status
}

@test "options that do not go with the action" {
	wrong "--replace does not go with --uninstall" --uninstall all --replace
	wrong "--qemu does not go with --status" --qemu /x
	wrong "--dry-run does not go with --list" --list --dry-run
	wrong "--flags does not go with --status" --status --flags F
}

@test "options that exclude each other" {
	wrong "--qemu PATH is for one architecture (for several: --qemu-dir DIR)" \
		--install all --qemu /x
	wrong "--qemu PATH is for one architecture (for several: --qemu-dir DIR)" \
		--install arm64,s390x --qemu /x
	wrong "--qemu and --qemu-dir exclude each other" --install arm64 --qemu /x --qemu-dir /y
	wrong "--flags sets them all: it does not go with --no-fix-binary" \
		--install arm64 --flags P --no-fix-binary
	wrong "--flags sets them all: it does not go with --no-credentials" \
		--install arm64 --flags P --no-credentials
}

@test "unknown flags" {
	wrong "--flags PX: unknown flag 'X' (there are P, O, C and F)" --install arm64 --flags PX
}

@test "--help and --version" {
	expect 0 binfmtctl --help
	[[ $output == "usage: binfmtctl "* ]]
	[ -z "$stderr" ]
	short=$(binfmtctl -h)
	[ "$output" = "$short" ]
	expect 0 binfmtctl --version
	[[ $output =~ ^binfmtctl\ [0-9]+\.[0-9.]+$ ]]
}

@test "an option may be shortened and joined to its argument" {
	expect 0 binfmtctl --lis
	jq -e '.[0].architecture' <<<"$output"
	expect 0 binfmtctl --uninst=nothing-of-this-name\* --dry-run --mount-point=/
}
