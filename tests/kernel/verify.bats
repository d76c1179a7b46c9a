#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# --verify, held against handlers that are known to be good or broken.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	need_qemu aarch64
}

verified() # ARCH KEY
{
	jq -r --arg arch "$1" --arg key "$2" \
		'.[] | select(.architecture == $arch) | .[$key]' <<<"$output"
}

@test "every architecture that has a qemu works" {
	binfmtctl --install all >/dev/null 2>&1
	expect 0 binfmtctl --verify
	[ "$(jq 'map(select(.ok and .argv0 and .threads)) | length' <<<"$output")" -eq \
		"$(entries | grep -vc -- '-189$')" ]
}

@test "it tells the version, flags that work, and threads" {
	need_other_users
	binfmtctl --install arm64 >/dev/null
	expect 0 binfmtctl --verify arm64
	has "$stderr" "verifying: arm64 OK (qemu $("$qemu" --version | sed -n 's/.* version \([0-9.]*\).*/\1/p'),"
	has "$stderr" "keeps argv[0], set-user-ID, threads)"
	[ "$(verified aarch64 setuid)" = true ]
}

@test "without flag C the set-user-ID bit is not honoured" {
	need_other_users
	binfmtctl --install arm64 --no-credentials >/dev/null
	expect 0 binfmtctl --verify arm64
	[ "$(verified aarch64 setuid)" = false ]
}

@test "without flag P argv[0] is lost" {
	binfmtctl --install arm64 --flags OCF >/dev/null
	expect 0 binfmtctl --verify arm64
	[ "$(verified aarch64 argv0)" = false ]
}

@test "no handler" {
	expect 1 binfmtctl --verify arm64
	has "$stderr" "verifying: arm64 failed: no handler takes its programs"
}

@test "a disabled handler" {
	binfmtctl --install arm64 >/dev/null
	echo 0 >"$table/qemu-aarch64"
	expect 1 binfmtctl --verify arm64
	has "$stderr" "its handler is disabled"
}

@test "a table that is disabled as a whole" {
	binfmtctl --install arm64 >/dev/null
	echo 0 >"$table/status"
	expect 1 binfmtctl --verify arm64
	echo 1 >"$table/status"
	has "$stderr" "is binfmt_misc disabled as a whole?"
}

@test "without flag F it does not work elsewhere" {
	expect 1 binfmtctl --install arm64 --no-fix-binary --verify
	has "$stderr" "installing: arm64 OK"
	has "$stderr" "verifying: arm64 failed: $qemu is not in the program's root"
}

@test "a dynamic interpreter behind flag F" {
	magic=$(binfmtctl --install arm64 --dry-run | cut -d: -f5,6)
	printf '%s' ":qemu-aarch64:M::$magic:/bin/true:F" >"$table/register"
	expect 1 binfmtctl --verify arm64
	has "$stderr" "/bin/true is dynamically linked"
}

@test "a qemu of another architecture" {
	binfmtctl --install arm64 --qemu "$(dirname "$qemu")/qemu-arm-static" >/dev/null
	expect 1 binfmtctl --verify arm64
	has "$stderr" "verifying: arm64 failed: it ended with status"
}

@test "a file that has changed since" {
	copy=/root/verify-test-qemu
	cp "$qemu" $copy
	binfmtctl --install arm64 --qemu $copy >/dev/null
	cp "$qemu" $copy.new && mv $copy.new $copy
	expect 0 binfmtctl --verify arm64
	rm $copy
	has "$stderr" "warning: $copy has changed since it was installed"
	[ "$(verified aarch64 changed)" = true ]
}

@test "what the machine runs itself" {
	native=$(binfmtctl --list --json | jq -r '[.[] | select(.native)][0].architecture')
	expect 0 binfmtctl --verify "$native"
	[ "$(verified "$native" native)" = true ]
}

@test "an ordinary user can verify" {
	need_other_users
	binfmtctl --install arm64 >/dev/null
	expect 0 as_user binfmtctl --verify arm64
	has "$stderr" "verifying: arm64 OK"
}

@test "nothing is left of it" {
	before=$(contents; cat /proc/self/mountinfo)
	binfmtctl --install arm64 --verify >/dev/null
	binfmtctl --uninstall arm64 >/dev/null
	[ "$(contents; cat /proc/self/mountinfo)" = "$before" ]
	[ -z "$(pgrep -x probe)" ]
}

@test "it tells that a private table ends with its namespaces" {
	expect 1 binfmtctl --verify arm64
	has "$stderr" "verifying: durability OK (the table is private, and ends with its namespaces)"
}

@test "an unknown architecture" {
	expect 1 binfmtctl --verify amr64
	has "$stderr" "unknown architecture 'amr64' (did you mean 'arm64'?)"
}
