#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# --memory and --cgroup-parent, by the cgroups that this machine has. Of version 2 there is
# more in tests/vm/memory.guest, on a machine with systemd.

load run-helpers

setup_file() {
	able need crun runc || return 0
	run_setup_file
	cgroups=/sys/fs/cgroup own=
	[ "$(stat -fc %T $cgroups)" = cgroup2fs ] || {
		cgroups=$cgroups/memory
		own=$(sed -n 's/^[0-9]*:\([^:]*,\)*memory\(,[^:]*\)*://p' /proc/self/cgroup)
	}
	parent=${own%/}/mab-test-$$
	export cgroups parent
	if mkdir "$cgroups$parent" 2>/dev/null; then
		chown 4321 "$cgroups$parent"{,/cgroup.procs}
	fi
}

teardown_file() {
	[ ! -d "$cgroups$parent" ] || rmdir "$cgroups$parent"
}

setup() {
	skip_if_unable
	[ -d "$cgroups$parent" ] || skip "no cgroup can be made here"
	build_setup
	chmod 755 "$BATS_TEST_TMPDIR"
	cp -r "$BATS_FILE_TMPDIR/ctx" .
	# shellcheck disable=SC2034 # for run-helpers
	who=root
}

# Of a test that fails, a build may still run.
teardown() {
	[ -z "${pid-}" ] || kill -TERM "$pid" 2>/dev/null || true
	registry_teardown
}

# Nobody but root can take processes from elsewhere to a cgroup of version 2.
each_member() # FUNCTION
{
	if [ "$cgroups" = /sys/fs/cgroup ]; then
		(cd ctx && "$1")
	else
		each_user "$1"
	fi
}

own_cgroups() {
	find "$cgroups$parent" -mindepth 1 -type d
}

# endless: a build whose step runs until it is ended; $pid, $mark
endless() # OPTION...
{
	mark=1000.$RANDOM$RANDOM
	file <<<"RUN sleep $mark"
	start log --memory 64m --cgroup-parent "$parent" "$@"
	wait_for pgrep -f "^sleep $mark"
}

ended() # STATUS
{
	status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" -eq "$1" ]
	wait_for eval "! pgrep -f '^sleep $mark'"
}

@test "each step has a cgroup of its own, for as long as it runs" {
	steps() {
		file <<-'EOF2'
			RUN cat /proc/self/cgroup && head -c 20m /dev/zero | tail -c 1 | od
			RUN cat /proc/self/cgroup
		EOF2
		for isolation in namespaces oci:crun oci:runc; do
			ran 0 --no-cache --isolation="$isolation" --memory 64m --cgroup-parent "$parent"
			[ "$(grep -o "$parent/mab-build-[0-9-]*$" <<<"$output" | sort -u | wc -l)" -eq 2 ]
			ran 0 --no-cache --isolation="$isolation" --cgroup-parent "${parent#/}/"
			has "$output" ":$parent/mab-build-"
		done
		[ -z "$(own_cgroups)" ]
	}
	each_member steps
}

@test "who needs more is ended, and told why" {
	greedy() {
		for isolation in namespaces oci:crun oci:runc; do
			for end in '' '; true'; do
				file <<<"RUN head -c 200m /dev/zero | tail >/dev/null$end"
				ran 1 --isolation="$isolation" --memory 65536k --cgroup-parent "$parent"
				has "$output" "Dockerfile:4:1: linux/amd64 3/3: RUN: was killed for want of memory: it may use no more than --memory=64m"
			done
		done
		[ -z "$(own_cgroups)" ]
		# What others come to does not depend on the limit.
		file <<<'RUN head -c 100m /dev/zero | tail >/dev/null; echo done'
		ran 0 --memory 500m --cgroup-parent "$parent"
		ran 0 --memory 64m --cgroup-parent "$parent"
		has "$output" "3/3] CACHED"
	}
	each_member greedy
}

@test "below the build's own cgroup, without a name" {
	[ "$cgroups" != /sys/fs/cgroup ] || skip "in version 2, it would have to be alone there"
	cd ctx
	file <<<'RUN cat /proc/self/cgroup'
	run bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroups$parent" \
		"$BATS_FILE_TMPDIR/mab-build" build --progress plain --memory 64m .
	[ "$status" -eq 0 ]
	has "$output" ":$parent/mab-build-"
	[ -z "$(own_cgroups)" ]
}

@test "SIGTERM leaves nothing, SIGKILL what the next build removes" {
	cd ctx
	for isolation in namespaces oci:crun oci:runc; do
		endless --isolation="$isolation"
		kill -TERM "$pid"
		ended 1
		[ -z "$(own_cgroups)" ]
		endless --isolation="$isolation"
		kill -KILL "$pid"
		ended 137
		[ -n "$(own_cgroups)" ]
		file <<<'RUN true'
		ran 0 --cgroup-parent "$parent"
		[ -z "$(own_cgroups)" ]
	done
}

@test "what is in use stays" {
	cd ctx
	endless
	used=$(own_cgroups)
	[ "$(cat "$used"/memory.{limit_in_bytes,max} 2>/dev/null)" = $((64 << 20)) ]
	file <<<'RUN true'
	ran 0 --memory 6m --cgroup-parent "$parent"
	[ "$(own_cgroups)" = "$used" ]
	grep . "$used/cgroup.procs"
	kill "$pid"
	ended 1
	[ -z "$(own_cgroups)" ]
	# No process is in it yet.
	mkdir "$cgroups$parent/mab-build-1-1"
	flock -s "$cgroups$parent/mab-build-1-1" \
		"$BATS_FILE_TMPDIR/mab-build" build --no-cache --cgroup-parent "$parent" .
	[ "$(own_cgroups)" = "$cgroups$parent/mab-build-1-1" ]
	ran 0 --no-cache --cgroup-parent "$parent"
	[ -z "$(own_cgroups)" ]
}

# refused WORDS COMMAND... : before the base is looked for, which is nowhere.
refused() {
	printf 'FROM 127.0.0.1:1/no:1\nRUN true\n' >Dockerfile
	run unshare --mount bash -c "$2"' && shift && "$@"' bash "${@:2}"
	has "$output" "$1"
	[ "$status" -eq 1 ]
}

@test "what cannot be is refused first, with what would help" {
	cd ctx
	build=("$BATS_FILE_TMPDIR/mab-build" build)
	refused 'there are neither cgroups of version 2 at /sys/fs/cgroup nor' \
		'mount -t tmpfs none /sys/fs/cgroup' "${build[@]}" --memory 64m .
	refused 'cgroups are read-only here (in a container: run it with --privileged)' \
		'mount --bind -o ro "$cgroups" "$cgroups"' \
		"${build[@]}" --memory 64m --cgroup-parent "$parent" .
	refused "cannot open the cgroup $parent/no in $cgroups: No such file" true \
		"${build[@]}" --cgroup-parent "$parent/no" .
	refused "cannot open the cgroup /../etc in $cgroups: Invalid cross-device link" true \
		"${build[@]}" --cgroup-parent /../etc .
	[ "$cgroups" = /sys/fs/cgroup ] ||
		refused "has no memory controller: neither the kernel nor" \
			'mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup' "${build[@]}" --memory 64m .
	chmod 777 .
	[ "$(id -u)" != 0 ] ||
		refused "processes of this user cannot be put into a cgroup below /" true \
			setpriv --reuid 4322 --regid 4322 --clear-groups \
			"${build[@]}" --root "$PWD/store" --memory 64m --cgroup-parent "$parent" .
	# Without RUN nothing is needed.
	sed -i 's/.*/FROM scratch\nCOPY busybox \//; 2d' Dockerfile
	"${build[@]}" --memory 64m --cgroup-parent "$parent/no" .
}

@test "version 2 without a limit" {
	[ -e /sys/fs/cgroup/unified ] || skip "there is no second hierarchy here"
	cd ctx
	file <<<'RUN cat /proc/self/cgroup'
	path=$(sed -n s/^0:://p /proc/self/cgroup)
	run unshare --mount bash -c 'mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup && "$@"' bash \
		"$BATS_FILE_TMPDIR/mab-build" build --progress plain --cgroup-parent "$path" .
	[ "$status" -eq 0 ]
	has "$output" "] 0::${path%/}/mab-build-"
	[ -z "$(find "/sys/fs/cgroup/unified$path" -name 'mab-build-*')" ]
}

@test "a runtime that makes cgroups of its own" {
	expect 2 build --isolation oci:youki --memory 64m ctx
	has "$stderr" "--isolation=oci:youki: what makes cgroups of its own"
}
