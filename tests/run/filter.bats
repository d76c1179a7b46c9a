#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Profiles of system calls: read strictly, and the installed one changes no result.

load helpers

setup_file()
{
	prepare_steps
}

# shellcheck disable=SC2034 # for the helpers
setup()
{
	skip_if_unable
	mode=single
	new_root
}

# profile JSON: all of it.
profile() # STATUS JSON COMMAND...
{
	echo "$2" >profile.json
	run_step "$1" --profile profile.json --no-filter -- "${@:3}"
}

calls='probe fsync fdatasync syncfs sync_file_range keyctl unshare-user clone-user clone3 bpf
	mount umount io_uring_setup pty; mkdir /x && ls -d /x; sleep 0; grep Seccomp: /proc/self/status'

@test "with the installed profile, calls answer as without" {
	installed=/usr/share/containers/seccomp.json
	[ -e "$installed" ] || cannot "there is no $installed (containers-common has it)"
	need crun runc
	same_answers()
	{
		new_root
		for options in '' --sync; do
			# shellcheck disable=SC2086 # none, or one
			run_step 0 $options -- sh -c "$calls"
			without=$output
			rm -rf "$upper/x"
			# shellcheck disable=SC2086
			run_step 0 $options --profile "$installed" -- sh -c "$calls"
			same "$output" "$without"
			rm -rf "$upper/x"
			for runtime in crun runc; do
				# shellcheck disable=SC2086
				run_step 0 $options --profile "$installed" --runtime $runtime -- sh -c "$calls"
				same "$output" "$without"
				rm -rf "$upper/x"
			done
		done
	}
	in_every_mode same_answers
}

@test "rules: errno, arguments, conditions" {
	profile 0 '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["keyctl", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "args": null},
		{"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errno": "EXDEV", "comment": "x"},
		{"name": "clone3", "action": "SCMP_ACT_ERRNO"},
		{"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 17,
			"args": [{"index": 3, "value": 0, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]},
		{"names": ["io_uring_setup"], "action": "SCMP_ACT_ERRNO", "errnoRet": 17,
			"args": [{"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}]}
		]}' probe keyctl bpf clone3 mount io_uring_setup
	same "$output" $'keyctl ENOSPC\nbpf EXDEV\nclone3 EPERM\nmount EEXIST\nio_uring_setup EFAULT'

	condition() # CONDITION WANTED
	{
		profile 0 '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["keyctl"],
			"action": "SCMP_ACT_ERRNO", "errnoRet": 28, '"$1"'}]}' probe keyctl
		same "$output" "keyctl $2"
	}
	without=$(step --root "$lower" --no-filter -- probe keyctl)
	without=${without#keyctl }
	[ "$without" != ENOSPC ]
	condition '"includes": {}' ENOSPC
	condition '"includes": {"caps": ["CAP_CHOWN", "CAP_FOWNER"]}' ENOSPC
	condition '"includes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}' "$without"
	condition '"excludes": {"caps": ["CAP_SYS_ADMIN"]}' ENOSPC
	condition '"excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}' "$without"
	condition '"includes": {"minKernel": "4.8"}' ENOSPC
	condition '"includes": {"minKernel": "1000.1"}' "$without"
	condition '"excludes": {"minKernel": "4.8"}' "$without"
	condition '"includes": {"arches": ["no", "'"$(dpkg --print-architecture)"'"]}' ENOSPC
	condition '"includes": {"arches": ["no"]}' "$without"
	condition '"excludes": {"arches": ["'"$(dpkg --print-architecture)"'"]}' "$without"
}

@test "a default that denies, and architectures of the profile" {
	installed=/usr/share/containers/seccomp.json
	[ -e "$installed" ] || cannot "there is no $installed (containers-common has it)"
	need jq
	jq '.syscalls |= map(.names -= ["symlink", "symlinkat"])' "$installed" >less.json
	run_step 1 --profile less.json -- ln -s x /y
	has "$stderr" "Function not implemented"
	jq '.defaultErrnoRet = 28' less.json >other.json
	run_step 1 --profile other.json -- ln -s x /y
	has "$stderr" "No space left"
	run_step 1 --profile other.json --runtime crun -- ln -s x /y
	has "$stderr" "No space left"
	# Programs of an architecture that it does not name have no calls at all.
	[ "$(uname -m)" = x86_64 ] || return 0
	need_busybox i386
	cp "$busybox" "$lower/bin/busybox32"
	run_step 0 --profile less.json -- busybox32 true
	jq '.archMap = [{architecture: "SCMP_ARCH_X86_64", subArchitectures: []}]' less.json >one.json
	run_step 139 --profile one.json -- busybox32 true
}

@test "what a profile has wrong is told, with its place" {
	wrong() # JSON TEXT
	{
		profile 125 "$1" true
		has "$stderr" "profile.json$2"
	}
	wrong '{' ':2: '
	wrong '[]' ': is no object'
	wrong '{}' ": '' is no defaultAction that can be had here"
	wrong '{"defaultAction": "SCMP_ACT_TRACE"}' ": 'SCMP_ACT_TRACE' is no defaultAction"
	wrong '{"defaultAction": "SCMP_ACT_ALLOW", "more": 1}' ": 'more' is not known here"
	wrong '{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_ALLOW"}' ":1:"
	wrong '{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_VAX"}]}' \
		": archMap[0]: 'SCMP_ARCH_VAX' is no architecture"
	rule() # MEMBERS TEXT
	{
		wrong '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"],
			"action": "SCMP_ACT_ERRNO"}, {"names": ["keyctl"], '"$1"'}]}' ": syscalls[1]$2"
	}
	rule '"action": "SCMP_ACT_ERRN"' ": 'SCMP_ACT_ERRN' is no action"
	rule '"action": "SCMP_ACT_ERRNO", "errnoRet": -1' ": 'errnoRet' is no number from 0 to 4095"
	rule '"action": "SCMP_ACT_ERRNO", "errno": "EFOO"' ": 'EFOO' is no errno"
	rule '"action": "SCMP_ACT_ERRNO", "unless": {}' ": 'unless' is not known here"
	rule '"action": "SCMP_ACT_ERRNO", "args": [{"index": 6, "op": "SCMP_CMP_EQ"}]' \
		".args[0]: 'index' is no number from 0 to 5"
	rule '"action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "EQ"}]' \
		".args[0]: 'EQ' is no comparison"
	rule '"action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_NONE"]}' \
		".includes.caps[0]: 'CAP_NONE' is no capability"
	rule '"action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "new"}' \
		".includes: minKernel: 'new' is no version"
	rule '"action": "SCMP_ACT_ERRNO", "excludes": {"os": "x"}' ".excludes: 'os' is not known here"
	run_step 125 --profile /none -- true
	has "$stderr" "/none: No such file"
}
