#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Which steps run, how many at once, and what a failure does to the others.

load helpers

setup() {
	build_setup
	mkdir ctx
	for arch in amd64 arm64; do
		cp "$(busybox_of linux/$arch)" "ctx/busybox-$arch"
	done
}

teardown() {
	registry_teardown
}

# steps <<EOF: what follows a stage `base` with a shell.
steps() {
	cat - >ctx/Dockerfile <<-EOF
		FROM scratch AS base
		ARG TARGETARCH
		COPY busybox-\$TARGETARCH /bin/busybox
		SHELL ["/bin/busybox", "sh", "-c"]
		$(cat)
	EOF
}

# With a limit of so many bytes on the control groups, in a mount namespace.
with_memory() { # BYTES COMMAND...
	# shellcheck disable=SC2016 # for the shell in there
	timeout --signal=KILL 60 unshare --mount bash -ec '
		mount -t tmpfs none /sys/fs/cgroup
		mkdir /sys/fs/cgroup/memory
		echo "$0" | tee /sys/fs/cgroup/memory.max >/sys/fs/cgroup/memory/memory.limit_in_bytes
		exec "$@"' "$1" "${top_builddir:-build}/mab-build" build "${@:2}" ctx
}

# Two stages, each with a RUN of this script; $me is its name.
two_runs() { # SCRIPT
	steps <<-EOF
		FROM base AS one
		RUN --mount=type=cache,id=at,target=/at me=one; $1
		FROM base AS two
		RUN --mount=type=cache,id=at,target=/at me=two; $1
		FROM base
		COPY --from=one /bin/busybox /one
		COPY --from=two /bin/busybox /two
	EOF
}

# shellcheck disable=SC2016 # for the shell of the steps
@test "no more RUN at once than there is memory for" {
	[ "$(id -u)" = 0 ] || skip "needs root, to mount"
	two_runs ': >/at/$me; /bin/busybox sleep 0.3; [ "$(/bin/busybox ls /at)" = $me ] && /bin/busybox rm /at/$me'
	run with_memory 700000000 --jobs 4
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"at most 1 RUN at once, not 4: 6"*" MiB of memory are available"* ]]
}

# shellcheck disable=SC2016 # for the shell of the steps
@test "with enough memory, they run at once" {
	[ "$(id -u)" = 0 ] || skip "needs root, to mount"
	[ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt 1100000 ] ||
		skip "this machine has not enough"
	two_runs ': >/at/$me; while [ ! -e /at/one ] || [ ! -e /at/two ]; do /bin/busybox sleep 0.05; done'
	run with_memory 90000000000 --jobs 2
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *"at most"* ]]
}

@test "a platform that fails ends the others, unless they are to go on" {
	# The one that fails does so when the other runs.
	# shellcheck disable=SC2016 # for the shell of the step
	steps <<-'EOF'
		ARG LONG
		RUN --mount=type=cache,id=met,target=/met \
			if [ $TARGETARCH = arm64 ]; then : >/met/$LONG; /bin/busybox sleep $LONG; exit; fi; \
			while [ ! -e /met/$LONG ]; do /bin/busybox sleep 0.1; done; exit 5
	EOF
	SECONDS=0
	run build --jobs 2 --platform linux/amd64,linux/arm64 --build-arg LONG=100 ctx
	[ "$status" = 1 ]
	[ "$SECONDS" -lt 90 ]
	[[ $output == *"linux/amd64 2/2: RUN: ended with exit code 5"* ]]
	[[ $output != *"[linux/arm64 2/2] DONE"* ]]
	run build --jobs 2 --keep-going --platform linux/amd64,linux/arm64 --build-arg LONG=2 ctx
	[ "$status" = 1 ]
	[[ $output == *"linux/amd64 2/2: RUN: ended with exit code 5"* ]]
	[[ $output == *"[linux/arm64 2/2] DONE"* ]]
}

@test "what no target needs is not run; the build platform's stage runs once" {
	# shellcheck disable=SC2016 # for the shell of the step
	steps <<-'EOF'
		FROM base AS broken
		RUN false
		FROM --platform=$BUILDPLATFORM scratch AS tools
		ARG BUILDARCH
		COPY busybox-$BUILDARCH /bin/busybox
		SHELL ["/bin/busybox", "sh", "-c"]
		RUN --mount=type=cache,id=log,target=/log echo once >>/log/ran; echo made >/tool
		FROM base
		COPY --from=tools /tool /
		FROM broken
	EOF
	run build --target 3 --platform linux/amd64,linux/arm64 ctx
	[ "$status" = 0 ]
	[[ $output != *"RUN false"* ]]
	[ "$(cat store/caches/*/ran)" = once ]
	run build --platform linux/amd64 ctx
	[ "$status" = 1 ]
	[[ $output == *"RUN false"* ]]
}
