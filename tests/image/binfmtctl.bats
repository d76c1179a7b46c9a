#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The image of binfmtctl, run as a privileged container on a machine whose binfmt_misc is
# private to the test.

load helpers

setup_file()
{
	image_setup_file binfmtctl
}

teardown_file()
{
	image_teardown_file binfmtctl
}

setup()
{
	registry_setup
	# shellcheck disable=SC2016 # for the shell in there
	unshare --user --map-root-user --mount sh -ec '
		mount -t binfmt_misc binfmt_misc "$0"
		echo ready
		exec sleep 300' "$table" >ready 3>&- &
	pids+=($!)
	wait_for test -s ready
	runner=(nsenter --target "${pids[0]}" --user --mount --preserve-credentials)
}

teardown()
{
	registry_teardown
}

on_the_machine()
{
	"${runner[@]}" "$@"
}

binfmtctl_container() # WORD...
{
	container privileged 0 -- "$@"
}

machines_of() # PROGRAM...
{
	readelf -hW "$@" | sed -n 's/^ *Machine: *//p' | sort -u
}

@test "the programs are static, each for the machine that its image is for" {
	unpacked binfmtctl linux/arm64 arm64
	for root in "$BATS_FILE_TMPDIR/root" arm64; do
		[ "$(find "$root/usr/bin" -name 'qemu-*' | wc -l)" -gt 20 ]
		run find "$root" -type f ! -path '*/usr/bin/qemu-*' ! -path '*/usr/bin/binfmtctl'
		[ -z "$output" ]
		readelf -lW "$root"/usr/bin/* >headers
		run ! grep INTERP headers
	done
	[ "$(machines_of "$BATS_FILE_TMPDIR"/root/usr/bin/*)" = "Advanced Micro Devices X86-64" ]
	[ "$(machines_of arm64/usr/bin/*)" = AArch64 ]
}

@test "--install all outlives the container and its image" {
	cp -a "$BATS_FILE_TMPDIR"/{root,config} .
	need_busybox arm64
	run ! on_the_machine "$busybox" true
	BATS_FILE_TMPDIR=$PWD binfmtctl_container --install all
	rm -r root
	[ "$(on_the_machine "$busybox" uname -m)" = aarch64 ]
	for arch in aarch64 arm ppc64le riscv64 s390x mips64el; do
		on_the_machine grep -x 'flags: .*F' "$table/qemu-$arch"
	done
	run ! on_the_machine test -e "$table/qemu-x86_64"
}

@test "--uninstall qemu-aarch64 removes that one" {
	binfmtctl_container --install arm64,riscv64
	binfmtctl_container --uninstall qemu-aarch64
	[ "$(on_the_machine ls "$table")" = $'qemu-riscv64\nregister\nstatus' ]
}

@test "without words it tells, as JSON, what runs and which handlers there are" {
	binfmtctl_container --install arm64
	expect 0 binfmtctl_container; jq -c .emulators <<<"$output" | od -c >&3; type jq >&3
	[ "$(jq -c .emulators <<<"$output")" = '["qemu-aarch64"]' ]
	jq -e '.supported | contains(["linux/amd64", "linux/arm64"])' <<<"$output"
	jq -e '.supported | index("linux/riscv64") | not' <<<"$output"
}

@test "without --privileged it says what to do" {
	runner=()
	expect 1 container closed 0 -- --install arm64
	has "$stderr" "this process may not mount (in a container: run it with --privileged)"
}
