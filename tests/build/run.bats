#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# RUN within a build: forms, users, mounts, failures.

load helpers

setup() {
	build_setup
	base linux/amd64
}

teardown() {
	registry_teardown
}

@test "a failure names step, exit code, platform, and shows the output" {
	dockerfile <<-'EOF'
		FROM $BASE
		RUN echo almost; exit 3
	EOF
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"[linux/amd64 1/1] almost"* ]]
	[[ $output == *"ctx/Dockerfile:2:1: linux/amd64 1/1: RUN: ended with exit code 3"* ]]
	dockerfile <<-'EOF'
		FROM $BASE
		RUN kill -9 $$
	EOF
	run build ctx
	[[ $output == *"killed by signal 9"* ]]
	run find store/tmp -mindepth 1
	[ -z "$output" ]
}

@test "a failure ends the others, unless they are to go on" {
	dockerfile <<-'EOF'
		FROM $BASE AS bad
		RUN sleep 0.3; false
		FROM $BASE AS good
		RUN sleep 1; echo good >/good
		FROM $BASE
		COPY --from=bad /bin/sh /
		COPY --from=good /good /
	EOF
	run build --jobs 2 ctx
	[ "$status" -eq 1 ]
	[[ $output != *"good 1/1] DONE"* ]]
	run build --jobs 2 --keep-going ctx
	[ "$status" -eq 1 ]
	[[ $output == *"good 1/1] DONE"* ]]
}

@test "forms: shell, exec, heredoc, script" {
	dockerfile <<-'EOF'
		FROM $BASE
		RUN ["/bin/sh", "-c", "echo exec $0", "zero"]
		RUN <<END
		echo here
		echo document
		END
		RUN <<END
		#!/bin/cat
		a script for cat
		END
		RUN << END
		echo apart $((1 << 2))
		END
		RUN <<- 'END' cat; echo $((1 << 3))
		and piped
		END
		SHELL ["/bin/sh", "-x", "-c"]
		RUN echo traced
	EOF
	run build ctx
	[ "$status" -eq 0 ]
	[[ $output == *"] exec zero"*"] here"*"] document"*"] a script for cat"*"] apart 4"*"] and piped"*"] 8"*"] + echo traced"* ]]
}

@test "user, folder and environment" {
	dockerfile <<-'EOF'
		FROM $BASE
		RUN mkdir -p /etc && echo joe:x:1000:1001::/home/joe:/bin/sh >/etc/passwd && echo more:x:5:joe >/etc/group
		ARG GIVEN=default
		ENV KEPT=yes
		USER joe
		WORKDIR /home/joe
		RUN echo "$(id -u):$(id -g):$(id -G) $PWD $HOME $GIVEN $KEPT" && touch mine
	EOF
	[ "$(id -u)" = 0 ] || skip "needs more than one user"
	run build --build-arg GIVEN=given --build-arg GIVNE=x ctx
	[ "$status" -eq 0 ]
	[[ $output == *"no ARG asks for --build-arg GIVNE"* && $output != *"--build-arg GIVEN"* ]]
	[[ $output == *"] 1000:1001:1001 5 /home/joe /home/joe given yes"* ]]
}

@test "root needs no entry in the image, and no look at it" {
	dockerfile <<-'EOF'
		FROM $BASE
		COPY --chown=root:0 Dockerfile /f
		USER root
		WORKDIR /w
	EOF
	MAB_BUILD_ROOT=$PWD/other build ctx
	[ -z "$(ls other/snapshots)" ]
	echo 'RUN echo "$(id -u):$(id -g):$(id -G) $HOME"; stat -c "%n %u:%g" /f /w' >>ctx/Dockerfile
	run build ctx
	[ "$status" -eq 0 ]
	[[ $output == *"] 0:0:0 /"*"] /f 0:0"*"] /w 0:0"* ]]
}

@test "mounts leave nothing behind" {
	echo text >ctx/file
	dockerfile <<-'EOF'
		FROM $BASE AS other
		RUN echo other >/from-other
		FROM $BASE
		RUN --mount=type=bind,target=/ctx --mount=type=bind,from=other,source=/from-other,target=/o cat /ctx/file /o
		RUN --mount=type=bind,target=/ctx,rw echo changed >/ctx/file && cat /ctx/file
		RUN --mount=type=cache,target=/cache echo 1 >>/cache/n && wc -l </cache/n
		RUN --mount=type=cache,target=/cache echo 2 >>/cache/n && wc -l </cache/n
		RUN --mount=type=tmpfs,target=/tmpfs echo x >/tmpfs/x
		RUN --mount=type=secret,id=none ls /run/secrets 2>/dev/null || echo no secret
		RUN ls /
	EOF
	run build ctx
	[ "$status" -eq 0 ]
	[[ $output == *"] text"*"] other"*"] changed"*"] 1"*"] 2"*"] no secret"* ]]
	[[ $output != *"] tmpfs"* && $output != *"] cache"* && $output != *"] ctx"* ]]
	[ "$(cat ctx/file)" = text ]
}

@test "what the ignore file leaves out is in no mount" {
	mkdir -p ctx/sub/deep
	touch ctx/in ctx/out ctx/sub/in ctx/sub/deep/out
	printf 'out\nsub/deep\n' >ctx/.dockerignore
	dockerfile <<-'EOF'
		FROM $BASE
		RUN --mount=type=bind,target=/ctx cd /ctx && find . -name '*in' -o -name out
	EOF
	run build ctx
	[ "$status" -eq 0 ]
	[[ $output == *"] ./in"* && $output == *"] ./sub/in"* && $output != *"/out"* ]]
	[ -e ctx/out ]
}

@test "one layer, several times" {
	echo text >ctx/file
	dockerfile <<-'EOF'
		FROM $BASE AS twice
		COPY file /
		COPY file .
		RUN cat file
		FROM $BASE
		COPY file /d/
		RUN rm /d/file
		COPY file /d/
		RUN cat /d/file && rm -r /d && echo other >/file
		RUN --mount=type=bind,from=twice,target=/m,rw cat /m/file && ls /d /m/d 2>&1
	EOF
	run build ctx
	[ "$status" -ne 0 ]
	[ "$(grep -c '\] text$' <<<"$output")" = 3 ]
	[[ $output == *"/d: No such"*"/m/d: No such"* ]]
}

@test "no network" {
	dockerfile <<-'EOF'
		FROM $BASE
		RUN ls /sys/class/net; echo end
	EOF
	run build --network none ctx
	[ "$status" -eq 0 ]
	[[ $output == *"] lo"*"] end"* ]]
	[[ $output != *"] eth"* && $output != *"] en"[ops]* ]]
}

@test "interrupted, the build ends and the next one works" {
	dockerfile <<-'EOF'
		FROM $BASE
		RUN echo started; sleep 60
	EOF
	"${top_builddir:-build}/mab-build" build --tls-verify=false ctx >log 2>&1 3>&- &
	pid=$!
	wait_for grep -q '] started' log
	kill -INT $pid || kill -TERM $pid
	sleep 0.2
	kill -TERM $pid 2>/dev/null || true
	run wait $pid
	[ "$status" -ne 0 ]
	echo 'FROM scratch' >ctx/Dockerfile
	build ctx
}

@test "by an OCI runtime" {
	need crun
	dockerfile <<-'EOF'
		FROM $BASE
		RUN echo "$(id -u) by a runtime" && touch /made
	EOF
	run build --isolation=oci ctx
	[[ $output != *cgroup* ]] || skip "crun cannot use the cgroups here: ${lines[-1]}"
	[ "$status" -eq 0 ]
	[[ $output == *"] 0 by a runtime"* ]]
	run build --isolation=oci:/none --no-cache ctx
	[ "$status" -eq 1 ]
	[[ $output == *"/none"* ]]
}

@test "what comes from a stage of one layer" {
	echo one >ctx/file
	dockerfile <<-'EOF'
		FROM scratch AS one
		COPY file /
		FROM $BASE
		COPY --from=one /file /copied
		RUN --mount=from=one,target=/one cat /one/file >/read
		RUN --mount=from=one,target=/one,rw echo two >/one/file
		RUN --mount=from=one,target=/one cat /one/file >>/read
	EOF
	build -t "$registry/app:1" --push ctx
	[ "$(file_of app:1 amd64 read)" = "$(printf 'one\none')" ]
}
