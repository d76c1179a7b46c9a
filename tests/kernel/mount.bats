#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
#
# Every test has a mount namespace of its own, so that what it mounts goes with it.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	need_qemu s390x
}

# Runs a script with the functions of these files, in new namespaces.
within() # STATUS UNSHARE-OPTIONS SCRIPT
{
	# shellcheck disable=SC2086 # several options
	expect "$1" unshare $2 bash -euc ". '$BATS_TEST_DIRNAME/mount-functions.bash'; $3"
}

@test "nothing mounted: status says so, and dry runs work" {
	within 0 --mount 'hide_table; binfmtctl --status'
	jq -e '.mounted == false and .emulators == [] and .entries == []' <<<"$output"
	within 0 --mount 'hide_table; binfmtctl --list'
	within 0 --mount 'hide_table; binfmtctl --install s390x --dry-run'
	[[ $output == :qemu-s390x:M::* ]]
}

@test "mounted elsewhere: status, list and doctor see it, and mount nothing" {
	binfmtctl --install s390x >/dev/null
	within 0 --mount 'hide_table; binfmtctl; [ ! -e "$table/register" ]'
	jq -e '.mounted == false and .enabled and .private and
		.emulators == ["qemu-s390x"] and (.entries | length == 1)' <<<"$output"
	within 0 --mount 'hide_table; binfmtctl --list --json'
	jq -e 'any(.[]; .architecture == "s390x" and .installed)' <<<"$output"
	within 0 --mount 'hide_table; binfmtctl --doctor'
	has "$output" "binfmt_misc is not mounted on $table, but elsewhere"
}

@test "mounted elsewhere: who may not mount does not see it" {
	need_other_users
	binfmtctl --install s390x >/dev/null
	within 0 --mount "hide_table; $(declare -f as_user); as_user binfmtctl --status"
	jq -e '.mounted == false and .emulators == []' <<<"$output"
}

@test "nothing mounted: installing mounts it and says so" {
	within 0 --mount 'hide_table; binfmtctl --install s390x; ls "$table"'
	has "$stderr" "binfmtctl: mounted binfmt_misc on $table"
	has "$stderr" "private table of a user namespace"
	has "$output" qemu-s390x
	[ "$(entries)" = qemu-s390x ] # the same table, seen through another mount
}

@test "nothing mounted: uninstalling mounts it to look" {
	binfmtctl --install s390x >/dev/null
	within 0 --mount 'hide_table; binfmtctl --uninstall s390x'
	has "$stderr" "uninstalling: s390x OK"
	[ -z "$(entries)" ]
}

@test "what is mounted is not mounted again, and never unmounted" {
	within 0 --mount 'binfmtctl --install s390x; binfmtctl --uninstall s390x
		grep -c " $table " /proc/self/mountinfo'
	[ "$(tail -n 1 <<<"$output")" = "$(grep -c " $table " /proc/self/mountinfo)" ]
	[[ $stderr != *"mounted binfmt_misc"* ]]
}

@test "--mount-point names another place" {
	mkdir "$BATS_TEST_TMPDIR/here"
	within 0 --mount "binfmtctl --install s390x --mount-point '$BATS_TEST_TMPDIR/here'
		ls '$BATS_TEST_TMPDIR/here'"
	has "$stderr" "mounted binfmt_misc on $BATS_TEST_TMPDIR/here"
	has "$output" qemu-s390x
}

@test "a mount point that does not exist, or is a file" {
	within 1 --mount 'binfmtctl --install s390x --mount-point /nowhere'
	has "$stderr" "binfmtctl: there is no folder /nowhere"
	within 1 --mount 'binfmtctl --install s390x --mount-point /etc/passwd'
	has "$stderr" "binfmtctl: cannot open /etc/passwd: Not a directory"
}

@test "a read-only mount is told, with what to do" {
	within 1 --mount 'mount -o remount,bind,ro "$table"; binfmtctl --install s390x'
	has "$stderr" "binfmt_misc on $table cannot be written to: it is mounted read-only"
	has "$stderr" "mount -o remount,rw $table"
	[ -z "$(entries)" ]
}

@test "a parent's read-only mount does not matter: the nested namespace gets its own" {
	within 0 --mount "mount -o remount,bind,ro \"\$table\"
		unshare --user --map-root-user --mount '$top_builddir/binfmtctl' --install s390x"
	has "$stderr" "mounted binfmt_misc on $table"
	[ -z "$(entries)" ]
}

@test "a parent's table is left alone: the nested namespace gets its own" {
	echo ':parents:E::parents::/bin/true:' >"$table/register"
	before=$(contents)
	within 0 "--user --map-root-user --mount" 'binfmtctl --install s390x; ls "$table"'
	has "$stderr" "mounted binfmt_misc on $table"
	has "$stderr" "this is the private table of a user namespace"
	has "$output" qemu-s390x
	[[ $output != *parents* ]]
	[ "$(contents)" = "$before" ]
}

@test "a parent's table of another user is left alone too" {
	need_other_users
	echo ':parents:E::parents::/bin/true:' >"$table/register"
	before=$(contents)
	expect 0 as_user unshare --user --map-root-user --mount binfmtctl --install s390x
	has "$stderr" "mounted binfmt_misc on $table"
	jq -e '.private and .emulators == ["qemu-s390x"]' <<<"$output"
	[ "$(contents)" = "$before" ]
}

@test "a user namespace without a mount namespace cannot be helped" {
	before=$(contents)
	within 1 "--user --map-root-user" 'binfmtctl --install s390x'
	has "$stderr" "the mount namespace does not belong to this user namespace"
	has "$stderr" "unshare --user --map-root-user --mount"
	[ "$(contents)" = "$before" ]
}

@test "a user namespace without a mount namespace still shows the parent's table" {
	binfmtctl --install s390x >/dev/null
	within 0 "--user --map-root-user" 'binfmtctl --status'
	jq -e '.emulators == ["qemu-s390x"] and .private != true' <<<"$output"
}

@test "a kernel without binfmt_misc: the option and the module are named" {
	within 1 --mount 'hide_table; hide_kernel; hide_modules; binfmtctl --install s390x'
	has "$stderr" "the kernel ($(uname -r)) has no binfmt_misc"
	has "$stderr" CONFIG_BINFMT_MISC
	has "$stderr" "/lib/modules/$(uname -r)"
}

@test "a module that is blacklisted" {
	need depmod
	within 1 --mount 'hide_table; hide_kernel; hide_modules; make_module
		echo "blacklist binfmt_misc" >/lib/modprobe.d/blacklist.conf
		binfmtctl --install s390x'
	has "$stderr" "module binfmt_misc is blacklisted"
}

# A user namespace may not load modules: the kernel refuses before it looks at the file.
@test "a module that may not be loaded" {
	need depmod
	within 1 --mount 'hide_table; hide_kernel; hide_modules; make_module
		binfmtctl --install s390x'
	if [ -e /proc/modules ]; then
		has "$stderr" "binfmt_misc is a module that this process may not load"
		has "$stderr" "modprobe binfmt_misc"
	else # this kernel was built without the support for modules
		has "$stderr" "the kernel ($(uname -r)) has no binfmt_misc"
	fi
}
