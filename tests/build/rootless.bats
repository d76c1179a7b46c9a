#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Ordinary users build what root builds, to the byte: with subordinate ids and with one id
# alone, with any number of jobs, in any store.

load helpers

setup_file() {
	able is_root || return 0
	tester_setup
}

setup() {
	build_setup
	unset MAB_BUILD_ROOT
	[ ! -d "${etc:-}" ] || echo 'tester:200000:65536' | tee "$etc/subuid" >"$etc/subgid"
	export SOURCE_DATE_EPOCH=1700000000
	tester_home
	mkdir ctx
	for platform in amd64 arm64; do
		cp "$(busybox_of linux/$platform)" "ctx/busybox-$platform"
	done
	echo text >ctx/file
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		COPY busybox-$TARGETARCH /bin/busybox
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		RUN mkdir -m 1777 /tmp && mkdir -p /etc && echo root:x:0:0::/:/bin/sh >/etc/passwd
		COPY --chown=7:8 --chmod=4755 file /setuid
	EOF
}

teardown() {
	registry_teardown
}

# many_owners: what only those with several ids can do.
many_owners() {
	cat >>ctx/Dockerfile <<-'EOF'
		RUN touch /a /b /c && chown 1:2 /a && chown 1000:1001 /b && chown 65534:65534 /c
		RUN cp /bin/busybox /busybox-setuid && chown 5:6 /busybox-setuid && chmod 6755 /busybox-setuid && mkdir -m 2775 /shared && chgrp 50 /shared
		USER 1000:1001
		WORKDIR /home/user
		RUN id >/tmp/id && touch mine
		USER 7
		RUN touch /tmp/by-7 && mkdir /tmp/own
		COPY --chown=1000:1001 file /home/user/
	EOF
}

# image NAME COMMAND... : the digest that `COMMAND... mab-build build` gives.
image() {
	"${@:2}" timeout --signal=KILL 100 ./mab-build build --platform linux/amd64,linux/arm64 \
		--iidfile "home/$1" ctx >"$1.log" 2>&1 || { cat "$1.log" >&2; return 1; }
	cat "home/$1"
}

@test "subordinate ids: the same index as root's, whatever the jobs and the store" {
	need newuidmap
	many_owners
	root=$(image root env MAB_BUILD_ROOT="$PWD/s1")
	[ "$(image again env MAB_BUILD_ROOT="$PWD/s1")" = "$root" ]
	grep -q CACHED again.log
	[ "$(image user as_tester)" = "$root" ]
	[ "$(grep -c "all files belong to one user" user.log)" = 0 ]
	sed -i '/^ARG/i # another file, the same build' ctx/Dockerfile
	touch ctx/*
	[ "$(image jobs as_tester MAB_BUILD_ROOT="$PWD/home/s2" env)" = "$root" ]
	file=$(find home/s2/snapshots -name by-7 | head -1)
	[ "$(stat -c %u "$file")" = 200006 ]
}

@test "root's own ids and handlers, one job: the same" {
	many_owners
	root=$(image private env MAB_BUILD_ROOT="$PWD/s1")
	one=$(timeout --signal=KILL 100 ./mab-build build --root "$PWD/s2" --jobs 1 \
		--platform linux/amd64,linux/arm64 ctx)
	[ "$one" = "$root" ]
}

@test "subordinate ids: a file of an owner beyond them says how many there are" {
	need newuidmap
	echo 'COPY --chown=70000:5 file /big' >>ctx/Dockerfile
	echo 'RUN true' >>ctx/Dockerfile
	run image user as_tester
	[ "$status" = 1 ]
	[[ $output == *"cannot give big to the user 70000 and the group 5: 70000 is none of the 65537 \
user ids that there are here"*"/etc/subuid"* ]]
}

@test "one id alone: the same, where no step asks for others" {
	root=$(image root env MAB_BUILD_ROOT="$PWD/s1")
	: >"$etc/subuid"
	[ "$(image single as_tester)" = "$root" ]
}

@test "what root put into a cache, others need not do again" {
	need newuidmap
	many_owners
	echo 'RUN cat /proc/sys/kernel/random/uuid >/tmp/uuid' >>ctx/Dockerfile
	root=$(env MAB_BUILD_ROOT="$PWD/s1" ./mab-build build --platform linux/amd64,linux/arm64 \
		--cache-to type=local,dest=cache ctx)
	for ids in tester:200000:65536 ''; do
		echo "$ids" | tee "$etc/subuid" >"$etc/subgid"
		user=$(as_tester ./mab-build build --root "$PWD/home/s$ids" --platform linux/amd64,linux/arm64 \
			--cache-from type=local,src=cache ctx 2>user.log)
		[ "$user" = "$root" ]
		[ "$(grep -c CACHED user.log)" -gt 10 ]
		run ! grep DONE user.log
	done
}

@test "one id alone: a step that wants another says why it cannot" {
	: >"$etc/subuid"
	many_owners
	run image single as_tester
	[ "$status" = 1 ]
	[[ $output == *"chown: /a: Invalid argument"* ]]
	[[ $output == *"subuid"* ]]
}

@test "one id alone: what steps came to there is nothing for those with more" {
	need newuidmap
	: >"$etc/subuid"
	sed -i '/^COPY --chown/d' ctx/Dockerfile
	echo 'RUN chown 5 /tmp || echo alone >/alone' >>ctx/Dockerfile
	image single as_tester
	grep "all files belong to one user: /etc/subuid and /etc/subgid have no lines for this user" single.log
	echo 'tester:200000:65536' >"$etc/subuid"
	image several as_tester
	[[ $(tail -n 3 several.log) != *CACHED* ]]
	run ! cmp home/single home/several
}

@test "other subordinate ids are other owners on the disk" {
	need newuidmap
	echo 'RUN stat -c "%u %g" /setuid' >>ctx/Dockerfile
	for first in 200000 300000; do
		printf 'tester:%s:65536\n' $first | tee "$etc/subuid" >"$etc/subgid"
		timeout --signal=KILL 100 true
		as_tester ./mab-build build --no-cache --platform linux/amd64 ctx >$first.log 2>&1
		grep '\] 7 8$' $first.log
	done
}

@test "root of a namespace with one id is as alone" {
	printf '%s\n' 'FROM scratch' 'COPY --chown=7:8 file busybox-amd64 /' \
		'RUN ["/busybox-amd64", "ls", "-n", "/file"]' >ctx/Dockerfile
	run setpriv --reuid 1234 --regid 1234 --clear-groups unshare --user --map-root-user \
		env MAB_BUILD_ROOT="$PWD/home/root" ./mab-build build --platform linux/amd64 ctx
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"all files belong to one user: the user namespace that this runs in has no other"* ]]
}

@test "where user namespaces are forbidden, the first line says what forbids them" {
	run unshare --user --map-root-user bash -c \
		'echo 0 >/proc/sys/user/max_user_namespaces && exec ./mab-build build --root s3 ctx --platform linux/arm64'
	[ "$status" = 1 ]
	[[ $output == *"cannot make a user namespace"*"max_user_namespaces"* ]]
}
