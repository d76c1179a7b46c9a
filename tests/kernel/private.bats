#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# --run: handlers for one command. It runs on the machine itself, as an ordinary user and
# as root, since it must leave nothing there.

load helpers

setup_file()
{
	before=$(machine)
	export before
}

teardown_file()
{
	[ "$(machine)" = "$before" ]
}

# All of the machine that a handler could leave a trace in.
machine()
{
	cat /proc/self/mountinfo
	ls "$table" 2>/dev/null || true
}

setup()
{
	need_qemu aarch64
}

user() # COMMAND...
{
	if [ "$EUID" -eq 0 ]; then
		as_user "$@"
	else
		PATH=$top_builddir:$PATH "$@"
	fi
}

need_root()
{
	if [ "$EUID" -ne 0 ] || in_user_namespace; then
		cannot "this needs root"
	fi
}

# Sets $foreign to an arm64 busybox that everybody can run.
need_foreign()
{
	need_busybox arm64
	foreign=$BATS_TEST_TMPDIR/busybox
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	cp "$busybox" "$foreign"
	chmod 755 "$foreign"
	need_no_handler "$foreign" true
}

# A folder that can be a root: an arm64 shell, and these subfolders.
make_root() # FOLDER...
{
	need_foreign
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/bin"
	cp "$foreign" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	for folder; do
		mkdir "$root/$folder"
	done
	chmod -R go+rX "$root"
}

@test "an ordinary user runs programs of every architecture" {
	user binfmtctl --run all -- sh -c \
		'binfmtctl --verify arm64 2>&1; ls /proc/sys/fs/binfmt_misc' \
		>"$BATS_TEST_TMPDIR/out"
	grep -q '^verifying: arm64 OK' "$BATS_TEST_TMPDIR/out"
	binfmtctl --list --json |
		jq -r '.[] | select(.qemu and (.native | not)) | "qemu-" + .architecture' |
		while read -r entry; do
			grep -qx "$entry" "$BATS_TEST_TMPDIR/out"
		done
}

@test "a foreign program runs in it, and not after it" {
	need_foreign
	expect 0 user binfmtctl --run arm64 -- "$foreign" uname -m
	[ "$output" = aarch64 ]
	[ -z "$stderr" ]
	run ! "$foreign" true
}

@test "root's command has every id, and no right over the machine" {
	need_root
	touch "$BATS_TEST_TMPDIR/file"
	expect 0 binfmtctl --run arm64 -- sh -c "
		chown 5:6 '$BATS_TEST_TMPDIR/file' && cat /proc/self/uid_map"
	[ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/file")" = 5:6 ]
	[ "$(xargs <<<"$output")" = "0 0 4294967295" ]
	expect 1 binfmtctl --run arm64 -- mknod "$BATS_TEST_TMPDIR/null" c 1 3
}

@test "exit status, signals and arguments are the command's" {
	expect 7 user binfmtctl --run arm64 -- sh -c 'exit 7'
	expect 137 user binfmtctl --run arm64 -- sh -c 'kill -9 $$'
	expect 0 user binfmtctl --run arm64 -- printf '<%s>' --json -- '' 'a b'
	[ "$output" = '<--json><--><><a b>' ]
}

@test "the command is the process that was started: its job, its signals, its parent" {
	"$top_builddir/binfmtctl" --run arm64 -- sh -c 'trap "kill \$!; exit 9" TERM
		sleep 60 & echo $$; wait' >"$BATS_TEST_TMPDIR/pid" 3>&- &
	pid=$!
	for _ in $(seq 100); do
		[ -s "$BATS_TEST_TMPDIR/pid" ] && break
		sleep 0.1
	done
	[ "$(cat "$BATS_TEST_TMPDIR/pid")" = $pid ]
	[[ $(ps --ppid $pid -o stat=) != *Z* ]]
	kill -TERM $pid
	wait $pid || status=$?
	[ "$status" -eq 9 ]
}

@test "environment, folder, mask and descriptors are the command's" {
	facts='pwd; umask; echo $WORD; ls -l /proc/self/fd | sed "s/.* \([0-9]*\) ->/\1/; s/pipe.*/pipe/; /fd$/d"'
	cd /usr
	umask 027
	export WORD=kept
	user sh -c "$facts" >"$BATS_TEST_TMPDIR/without" 3</dev/null
	sed -i 's/without/with/' "$BATS_TEST_TMPDIR/without"
	for who in user ''; do # '': whoever runs the tests
		$who binfmtctl --run arm64 -- sh -c "$facts" >"$BATS_TEST_TMPDIR/with" 3</dev/null
		diff "$BATS_TEST_TMPDIR/without" "$BATS_TEST_TMPDIR/with"
	done
}

@test "what cannot run: 126, 127, and what was asked for cannot be had: 125" {
	need_foreign
	run -127 --separate-stderr user binfmtctl --run arm64 -- no-such-program
	has "$stderr" "cannot run no-such-program"
	expect 126 user binfmtctl --run arm64 -- /etc/passwd
	expect 126 user binfmtctl --run s390x -- "$foreign" true
	has "$stderr" "nor one of the handlers"
	expect 125 user binfmtctl --run arm65 -- touch "$BATS_TEST_TMPDIR/ran"
	has "$stderr" "did you mean"
	expect 125 user binfmtctl --run arm64 --qemu-dir /etc -- touch "$BATS_TEST_TMPDIR/ran"
	has "$stderr" "there is no qemu-aarch64 in /etc"
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "wrong usage" {
	expect 2 binfmtctl --run arm64
	has "$stderr" "--run needs a command (after '--')"
	expect 2 binfmtctl --run arm64 ls
	has "$stderr" "unexpected word 'ls' (the command stands after '--')"
	expect 2 binfmtctl --status -- ls
	expect 2 binfmtctl --run arm64 --dry-run -- ls
	has "$stderr" "--dry-run does not go with --run"
	expect 2 binfmtctl --install arm64 --root /
}

# Runs a command as uid 1234, which has a name, in a mount namespace with this subuid(5).
with_subids() # STATUS SUBUID-LINE COMMAND...
{
	need_root
	need newuidmap newgidmap
	local wanted=$1 etc=$BATS_TEST_TMPDIR/etc
	cp -a /etc "$etc"
	echo 'tester:x:1234:1234::/:/bin/sh' >>"$etc/passwd"
	echo "$2" >"$etc/subuid"
	cp "$etc/subuid" "$etc/subgid"
	shift 2
	export -f as_user
	expect "$wanted" unshare --mount bash -ec 'mount --bind "$0" /etc && as_user "$@"' \
		"$etc" "$@"
}

@test "subordinate ids, where subuid gives some" {
	mkdir -m 777 "$BATS_TEST_TMPDIR/open"
	chmod 755 "$BATS_TEST_TMPDIR"
	with_subids 0 tester:200000:65536 binfmtctl --run arm64 -- sh -c '
		cd "$1" && touch file && chown 5:6 file && cat /proc/self/setgroups' \
		- "$BATS_TEST_TMPDIR/open"
	[ "$output" = allow ]
	[ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/open/file")" = 200004:200005 ]
}

@test "one id alone, where it gives none" {
	with_subids 0 1235:200000:65536 binfmtctl --run arm64 -- sh -c '
		id -u; cat /proc/self/setgroups; xargs </proc/self/uid_map'
	[ "$output" = $'0\ndeny\n0 1234 1' ]
	[ -z "$stderr" ]
}

@test "one id alone, where newuidmap must not gain its rights" {
	with_subids 0 1234:200000:65536 setpriv --no-new-privs \
		binfmtctl --run arm64 -- xargs -a /proc/self/gid_map
	[ "$output" = "0 1234 1" ]
	[ -z "$stderr" ]
}

@test "one id alone, and a word, where newuidmap fails" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "it is Monday" >&2\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/newgidmap"
	chmod 755 "$BATS_TEST_TMPDIR/bin/newgidmap"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	with_subids 0 1234:200000:65536 binfmtctl --run arm64 -- \
		xargs -a /proc/self/gid_map
	[ "$output" = "0 1234 1" ]
	has "$stderr" "the command has one user and group only: newgidmap failed: it is Monday"
}

@test "SIGCHLD that is ignored already does no harm" {
	with_subids 0 1234:200000:65536 sh -c 'trap "" CHLD
		exec binfmtctl --run arm64 -- xargs -a /proc/self/uid_map'
	[ "$output" = "0 1234 1 1 200000 65536" ]
}

@test "user namespaces switched off: the setting is named" {
	for limit in max_user_namespaces max_mnt_namespaces; do
		expect 125 unshare --user --map-root-user bash -ec "
			echo 0 >/proc/sys/user/$limit
			'$top_builddir/binfmtctl' --run arm64 -- true"
		has "$stderr" "user.$limit is 0"
		has "$stderr" "sysctl -w user.$limit="
	done
}

@test "user namespaces refused by a filter, as in a container" {
	expect 125 "$top_builddir/tests/kernel/deny" unshare EPERM \
		"$top_builddir/binfmtctl" --run arm64 -- true
	has "$stderr" "cannot make a user namespace: a seccomp filter"
	expect 125 "$top_builddir/tests/kernel/deny" unshare EINVAL \
		"$top_builddir/binfmtctl" --run arm64 -- true
	has "$stderr" "cannot make a user namespace: unshare: Invalid argument"
}

@test "a kernel before 6.7, or before 5.2" {
	for error in EPERM ENOSYS; do
		expect 125 "$top_builddir/tests/kernel/deny" fsopen $error \
			setarch --uname-2.6 "$top_builddir/binfmtctl" --run arm64 -- true
		has "$stderr" "that needs Linux 6.7, this is 2.6."
		has "$stderr" "binfmtctl --install"
	done
}

@test "--root: a root of another architecture" {
	make_root proc sys dev
	expect 0 user binfmtctl --run arm64 --root "$root" -- sh -c '
		busybox uname -m; pwd; echo /*
		busybox ls /proc/sys/fs/binfmt_misc
		busybox test -c /dev/null && busybox test -d /sys/kernel && echo there'
	[ "$output" = $'aarch64\n/\n/bin /dev /proc /sys\nqemu-aarch64\nregister\nstatus\nthere' ]
	[ -z "$stderr" ]
	[ -z "$(ls "$root/proc")" ]
}

@test "--root: nothing of the old root can be reached, and namespaces can be made" {
	make_root proc
	need_busybox amd64
	mkdir "$root/amd64"
	cp "$busybox" "$root/amd64/busybox"
	chmod -R go+rX "$root"
	expect 0 user binfmtctl --run arm64 --root "$root" -- /amd64/busybox sh -c '
		echo /../*; /amd64/busybox unshare -U /amd64/busybox cat /proc/mounts'
	has "$output" "/../amd64 /../bin /../proc"
	[[ $output != *" /etc"* && $output != *"$root"* ]]
}

@test "--root: a bare folder, and a file in the place of proc" {
	make_root
	expect 0 user binfmtctl --run arm64 --root "$root" -- sh -c '
		busybox uname -m; echo /../*'
	[ "$output" = $'aarch64\n/../bin' ]
	ln -s bin "$root/proc" # not followed, or it would hide the programs
	expect 0 user binfmtctl --run arm64 --root "$root" -- busybox uname -m
}

@test "--root: where pivot_root is not possible" {
	make_root proc
	expect 0 "$top_builddir/tests/kernel/deny" pivot_root EINVAL \
		"$top_builddir/binfmtctl" --run arm64 --root "$root" -- \
		sh -c 'busybox uname -m; echo /*'
	[ "$output" = $'aarch64\n/bin /proc' ]
}

@test "--root: the machine's own, and none" {
	need_foreign
	expect 0 user binfmtctl --run arm64 --root / -- "$foreign" uname -m
	[ "$output" = aarch64 ]
	expect 125 user binfmtctl --run arm64 --root /nowhere -- true
	has "$stderr" "--root /nowhere: cannot open it: No such file or directory"
}

# A parent with entries: one by extension, a disabled one, one that --run replaces, and
# one that the child cannot have, for want of its interpreter.
inherits() # STATUS OPTION... (and a shell script)
{
	local wanted=$1 script=${!#}
	shift
	set -- "${@:1:$#-1}"
	need_qemu s390x
	cp "$qemu" "$BATS_TEST_TMPDIR/gone"
	expect "$wanted" unshare --user --map-root-user --mount bash -ec '
		mount -t binfmt_misc binfmt_misc "$1"
		echo ":mine:E::mine::/bin/true:" >"$1/register"
		echo ":off:E::off::/bin/true:" >"$1/register"
		echo 0 >"$1/off"
		echo ":qemu-aarch64:E::other::/bin/false:" >"$1/register"
		echo ":gone:E::gone::$2:F" >"$1/register"
		rm "$2"
		before=$(cd "$1" && grep -r --exclude=register . | sort)
		"$3" "${@:5}" -- sh -c "$4"
		[ "$before" = "$(cd "$1" && grep -r --exclude=register . | sort)" ]' \
		- "$table" "$BATS_TEST_TMPDIR/gone" "$top_builddir/binfmtctl" "$script" "$@"
}

@test "without --inherit the table has what LIST says" {
	inherits 0 --run arm64 "ls -I register -I status $table"
	[ "$output" = qemu-aarch64 ]
}

@test "--inherit: with the parent's, LIST first" {
	inherits 0 --run arm64 --inherit "
		ls -I register -I status $table; grep ^magic $table/qemu-aarch64"
	has "$output" $'mine\nqemu-aarch64\nmagic 7f454c46'
	[[ $output != *off* && $output != *gone* ]]
	has "$stderr" "cannot inherit gone: the kernel does not find the interpreter"
}

@test "the namespace of a command is one of its own for --install, too" {
	need_qemu s390x
	expect 0 binfmtctl --run arm64 -- "$top_builddir/binfmtctl" --install s390x
	has "$stderr" "private table of a user namespace"
	jq -e '.private and .emulators == ["qemu-aarch64", "qemu-s390x"]' <<<"$output"
}

@test "QEMU_BINARY_PATH and QEMU_BINARY_PREFIX, which options override" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cp "$qemu" "$BATS_TEST_TMPDIR/bin/my-qemu-aarch64"
	export QEMU_BINARY_PATH=$BATS_TEST_TMPDIR/bin
	expect 1 binfmtctl --install arm64 --dry-run
	has "$stderr" "there is no qemu-aarch64 in $BATS_TEST_TMPDIR/bin"
	expect 0 binfmtctl --install arm64 --dry-run --qemu-dir "${qemu%/*}"
	has "$output" ":qemu-aarch64:"
	export QEMU_BINARY_PREFIX=my-
	expect 0 binfmtctl --install arm64 --dry-run
	has "$output" ":my-qemu-aarch64:M:"
	has "$output" ":$BATS_TEST_TMPDIR/bin/my-qemu-aarch64:"
	expect 0 binfmtctl --run arm64 -- "$top_builddir/binfmtctl" --uninstall arm64
	has "$stderr" "uninstalling: arm64 OK"
	QEMU_BINARY_PREFIX=a/b expect 2 binfmtctl --install arm64 --dry-run
	has "$stderr" "QEMU_BINARY_PREFIX 'a/b' has a slash"
}

@test "QEMU_PRESERVE_ARGV0 adds flag P, unless --flags says it all" {
	expect 0 setarch --uname-2.6 "$top_builddir/binfmtctl" --install arm64 --dry-run \
		--no-fix-binary
	has "$output" ":OC"
	QEMU_PRESERVE_ARGV0=1 expect 0 setarch --uname-2.6 "$top_builddir/binfmtctl" \
		--install arm64 --dry-run --no-fix-binary
	has "$output" ":POC"
	QEMU_PRESERVE_ARGV0='' expect 0 setarch --uname-2.6 "$top_builddir/binfmtctl" \
		--install arm64 --dry-run --no-fix-binary
	has "$output" ":OC"
	QEMU_PRESERVE_ARGV0=1 expect 0 binfmtctl --install arm64 --dry-run --flags F
	[[ $output == *:F ]]
}
