#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Steps by crun and runc, for each way of being root: the same spec gives the same
# results.

load helpers

setup_file()
{
	able need crun runc || return 0
	mounts_before=$(cat /proc/self/mountinfo)
	export mounts_before
	prepare_steps
}

teardown_file()
{
	[ -n "${mounts_before-}" ] || return 0
	same "$(cat /proc/self/mountinfo)" "$mounts_before"
	same "$(find /sys/fs/cgroup -name 'mab-test-*' -prune -o -name 'mab-build-*' -print)" ""
}

run_oci() # STATUS OPTION... -- COMMAND...
{
	run_step "$1" --runtime "$runtime" "${@:2}"
}

# Runs the test's function by each runtime in every mode.
each_runtime() # FUNCTION
{
	for runtime in crun runc; do
		echo "# $runtime"
		in_every_mode "$1"
	done
}

@test "status, words, output" {
	basics()
	{
		new_root
		run_oci 7 --cwd /bin --env 'A=b "c"' -- sh -c \
			'pwd; echo "$A"; echo "$1" >&2; umask; exit 7' sh 'x y'
		same "$output" $'/bin\nb "c"\n0022'
		same "$stderr" "x y"
		run_oci 137 -- sh -c 'sleep 10 & kill -KILL $!; wait $!'
		run_step 125 --runtime /no/such/crun -- true
		has "$stderr" "cannot run /no/such/crun: No such file or directory"
	}
	each_runtime basics
}

# Everything that a step can see of the sandbox, in a form to compare.
facts='id; hostname; cat /etc/hosts /etc/resolv.conf /etc/hostname; ls /dev; cd /dev
	stat -c "%n %a %t:%T" null zero full random urandom tty pts shm mqueue
	grep -e Cap -e NoNew -e Seccomp: /proc/self/status; ulimit -Sn; ulimit -Hn
	cat /secret; stat -c "%a %u %g" /secret; (echo x >/ro/x) 2>&1; ls /ro
	stat -c %a /tmpfs; ls -A /proc/scsi /sys/firmware; (echo x >/proc/sys/vm/swappiness) 2>&1
	probe fsync keyctl unshare-user clone-user clone3 mount io_uring_setup pty'

@test "what a step sees is what it sees without a runtime" {
	sees()
	{
		new_root
		mkdir source
		touch source/file
		chmod -R go+rX source
		options=(--host db:10.0.0.7 --hostname box --file /secret:440:0:0:text
			--bind "$PWD/source:/ro:ro" --tmpfs /tmpfs:65536:1770)
		for network in '' --no-network; do
			# shellcheck disable=SC2086 # none, or one
			run_step 0 "${options[@]}" $network -- sh -c "$facts"
			without=$output
			# shellcheck disable=SC2086 # none, or one
			run_oci 0 "${options[@]}" $network -- sh -c "$facts"
			diff - <(cat <<<"$output") <<<"$without"
			same "$(names "$upper")" ""
		done
	}
	each_runtime sees
}

@test "users" {
	users()
	{
		new_root
		[ "$mode" != single ] || return 0
		run_oci 0 --user 33:44 -- sh -c 'id; grep CapEff /proc/self/status'
		same "$output" $'uid=33 gid=44 groups=44\nCapEff:\t0000000000000000'
	}
	each_runtime users
}

@test "what it cannot do is refused" {
	mode=single
	runtime=crun
	new_root
	run_step 125 --insecure --runtime crun -- true
	has "$stderr" "not asked for a step with every privilege"
	run_oci 125 --env $'A=\xff' -- true
	has "$stderr" "not UTF-8"
}

@test "background processes, cancelling, and a caller that is killed" {
	ends()
	{
		new_root
		mark=1000.$RANDOM$RANDOM
		run_oci 3 -- sh -c "sleep $mark & exit 3"
		run ! pgrep -f "sleep $mark"
		mkfifo pipe
		[ "$EUID" -ne 0 ] || chmod 666 pipe
		exec 8<>pipe
		rm -rf "$work/work"
		start_endless --runtime "$runtime" --cancel 8
		echo >&8
		status=0
		wait "$pid" || status=$?
		same "$status" 124
		run ! pgrep -f "^sleep $mark"
		exec 8>&-
		rm -rf "$work/work"
		start_endless --runtime "$runtime"
		pkill -KILL -f "/step .*sleep $mark"
		until_gone
		wait "$pid" || true
	}
	each_runtime ends
}
