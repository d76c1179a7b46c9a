#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# However a RUN ends, nothing of it is left: processes, mounts, cgroups, folders.

load run-helpers

setup_file() {
	able need crun runc python3 || return 0
	run_setup_file
}

teardown_file() {
	[ -z "$(find /sys/fs/cgroup -name 'mab-test-*' -prune -o -name 'mab-build-*' -print)" ]
}

# By the sandbox here and by OCI runtimes, for each user.
each_way() # FUNCTION
{
	for isolation in namespaces oci:crun oci:runc; do
		echo "# $isolation"
		each_user "$1"
	done
}

# endless: a step that ends only when it is made to, $mark is in its processes' words.
endless() {
	mark=1000.$RANDOM$RANDOM
	file <<-EOF
		RUN trap '' INT TERM HUP; sleep $mark & setsid sleep $mark & sleep $mark; sleep $mark
	EOF
}

begin() # COMMAND...: in the background, until its step runs; $pid
{
	if [ "$who" = user ]; then
		set -- setpriv --reuid 4321 --regid 4321 --clear-groups "$@"
	fi
	"$@" >log 2>&1 3>&- &
	pid=$!
	for _ in {1..200}; do
		[ "$(pgrep -fc "^sleep $mark")" -lt 3 ] || return 0
		sleep 0.05
	done
	cat log
	return 1
}

no_process() {
	for _ in {1..100}; do
		pgrep -f "$mark" >/dev/null || return 0
		sleep 0.05
	done
	pgrep -af "$mark"
	return 1
}

# Nor has anybody left a mount of the store.
no_mount() {
	! grep -lF "$MAB_BUILD_ROOT" /proc/[0-9]*/mountinfo 2>/dev/null
}

# ended STATUS: the program, and all that it began.
ended() # STATUS
{
	local got=0
	wait "$pid" || got=$?
	[ "$got" = "$1" ] || {
		cat log
		echo "$got"
		return 1
	}
	no_process
	no_mount
}

mab_build() {
	begin "$BATS_FILE_TMPDIR/mab-build" build --isolation="$isolation" .
}

@test "success and failure; a daemon ends with its step" {
	ends() {
		mark=1000.$RANDOM$RANDOM
		file <<-EOF
			RUN setsid sh -c 'trap "" HUP TERM; exec </dev/null; sleep $mark & sleep $mark' & sleep 0.05; echo begun
		EOF
		ran 0 --isolation="$isolation"
		has "$output" "] begun"
		no_process
		nothing_left
		file <<-EOF
			RUN sleep $mark & printf 'some output'; exit 7
		EOF
		ran 1 --isolation="$isolation"
		has "$output" "] some output"
		has "$output" "Dockerfile:4:1: linux/amd64 3/3: RUN: ended with exit code 7"
		no_process
		nothing_left
		no_mount
	}
	each_way ends
}

@test "SIGTERM to the program" {
	terminated() {
		endless
		mab_build
		kill -TERM "$pid"
		ended 1
		nothing_left
	}
	each_way terminated
}

@test "Ctrl-C on a terminal, once and twice" {
	interrupted() {
		for times in 1 2; do
			endless
			begin python3 -c '
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
while not os.path.exists("interrupt"):
    time.sleep(0.02)
os.write(fd, b"\x03" * int(sys.argv[1]))
try:
    while os.read(fd, 65536):
        pass
except OSError:
    pass
status = os.waitpid(pid, 0)[1]
sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
' $times "$BATS_FILE_TMPDIR/mab-build" build --isolation="$isolation" .
			touch interrupt
			status=0
			wait "$pid" || status=$?
			[ "$status" = 1 ] || [ "$times:$status" = 2:130 ]
			no_process
			no_mount
			rm interrupt
		done
		file <<<'RUN true'
		ran 0
		nothing_left
	}
	each_way interrupted
}

@test "SIGKILL: the step ends, and the next build cleans up" {
	killed() {
		endless
		mab_build
		kill -KILL "$pid"
		ended 137
		[ -n "$(find store/tmp -mindepth 1)" ]
		file <<<'RUN true'
		ran 0
		nothing_left
	}
	each_way killed
}

@test "SIGKILL with an agent, a secret and mounts of every kind" {
	need ssh-keygen
	killed_with_mounts() {
		ssh-keygen -qt ed25519 -N '' -f key
		[ "$who" = root ] || chown 4321 key
		mark=1000.$RANDOM$RANDOM
		file <<-EOF
			FROM base
			RUN --mount=type=ssh --mount=type=secret,id=s --mount=type=cache,target=/c,sharing=locked \
				--mount=type=bind,from=base,target=/b,rw --mount=type=bind,target=/ctx,rw \
				sleep $mark & sleep $mark & sleep $mark
		EOF
		begin "$BATS_FILE_TMPDIR/mab-build" build --ssh default=key --secret id=s,src=key .
		agent=$(pgrep -P "$pid" -x ssh-agent)
		kill -KILL "$pid"
		ended 137
		wait_for test ! -e "/proc/$agent"
		sed -i 's/sleep.*/true/' Dockerfile
		ran 0 --ssh default=key --secret id=s,src=key
		nothing_left
	}
	isolation=namespaces
	each_user killed_with_mounts
}

@test "who waits for another build's step can be ended" {
	who=root
	isolation=namespaces
	cd ctx
	endless
	mab_build
	first=$pid
	"$BATS_FILE_TMPDIR/mab-build" build --progress plain . >log2 2>&1 3>&- &
	pid=$!
	wait_for grep -q '3/3] RUN' log2
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	[ -e "/proc/$first" ]
	pid=$first
	kill "$pid"
	ended 1
}

@test "signals, users, and output of every kind" {
	outcome() {
		file <<<"RUN sh -c 'kill -ABRT \$\$'; exit \$?"
		ran 1 --isolation="$isolation"
		has "$output" "3/3: RUN: ended with exit code 134"
		file <<<$'USER nobody-here\nRUN true'
		ran 1 --isolation="$isolation"
		has "$output" "Dockerfile:5:1: linux/amd64 3/3: RUN: "
		has "$output" "nobody-here"
		file <<-'EOF2'
			RUN printf 'a\0b\377c\n'; head -c 1000000 /dev/zero | tr '\0' x; printf ' partial'
		EOF2
		ran 0 --no-cache --isolation="$isolation"
		has "$output" $'] a?b\377c\n'
		[ "$(grep -a '3/3] x' <<<"$output" | tr -dc x | wc -c)" -ge 1000000 ]
		has "$output" " partial"$'\n'
		[ "$who" = root ] && [ "$(id -u)" = 0 ] || return 0
		file <<-'EOF2'
			RUN mkdir -p /etc && echo joe:x:1000:1001::/home:/bin/sh >/etc/passwd && echo more:x:5:joe >/etc/group
			USER joe
			RUN id
			USER 33
			RUN id
			USER 33:44
			RUN id
			USER joe:more
			RUN id
		EOF2
		ran 0 --no-cache --isolation="$isolation"
		has "$output" "] uid=1000(joe) gid=1001 groups=5(more),1001"
		has "$output" "] uid=33 gid=0"
		has "$output" "] uid=33 gid=44"
		has "$output" "] uid=1000(joe) gid=5(more) groups=5(more)"
	}
	each_way outcome
}
