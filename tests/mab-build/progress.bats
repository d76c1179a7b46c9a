#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# What a build shows: lines, a live block in a real terminal, JSON; the records it leaves.

load ../build/helpers

setup() {
	build_setup
	mkdir ctx
	cp "$(busybox_of linux/amd64)" ctx/busybox-amd64
	cp "$(busybox_of linux/arm64)" ctx/busybox-arm64
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		COPY busybox-$TARGETARCH /bin/busybox
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		RUN echo first; while [ -e /gate/shut ]; do sleep 0.1; done; echo "on $(uname -m)"
	EOF
}

teardown() {
	[ -z "${TMUX_TMPDIR:-}" ] || tmux kill-server 2>/dev/null || true
	registry_teardown
}

# screen: what the terminal shows.
screen() {
	tmux capture-pane -p -t build
}

# shows REGEX: waits until the terminal has a line like it.
shows() {
	for _ in $(seq 300); do
		screen | grep -qE "$1" && return
		sleep 0.1
	done
	echo "never shown: $1"
	return 1
}

# in_terminal COLUMNS OPTION...: the build in one.
in_terminal() {
	export TMUX_TMPDIR=$PWD
	need tmux
	# shellcheck disable=SC2016 # for the shell in there
	tmux -f /dev/null new-session -d -s build -x "$1" -y 30 \
		"'${top_builddir:-build}/mab-build' build ${*:2}; echo status \$?; sleep 60"
}

@test "plain: a line for all that happens" {
	run build --platform linux/amd64,linux/arm64 ctx
	[ "$status" = 0 ]
	[[ $output == *"[linux/arm64 1/3] COPY"* ]]
	[[ $output == *"[linux/arm64 3/3] on aarch64"* ]]
	[[ $output == *"[linux/arm64 3/3] DONE "* ]]
	run build --platform linux/amd64,linux/arm64 ctx
	[[ $output == *"[linux/arm64 3/3] CACHED"* ]]
}

@test "a terminal: a line for each platform, drawn anew; above it what failed, whole" {
	# shellcheck disable=SC2016 # for the shell of the step
	echo 'RUN seq 1 60; [ $(uname -m) = x86_64 ]' >>ctx/Dockerfile
	in_terminal 90 --keep-going --platform linux/amd64,linux/arm64 ctx
	shows '^status 1$'
	tmux capture-pane -p -S -200 -t build >all
	[ "$(grep -c '^\[linux/arm64 4/4\]   | ' all)" = 60 ]
	grep -q '^\[linux/arm64 4/4\] FAILED: ended with exit code 1' all
	[ "$(grep -c '^ linux/amd64 ' all)" = 1 ]
	grep -q '^ linux/amd64  *done, 4 steps done, 0 of them cached' all
	grep -q '^ linux/arm64  *failed, 3 steps done' all
}

@test "a terminal: what runs now, how long, its last line; lines fit" {
	mkdir gate
	touch gate/shut
	sed -i 's/^RUN echo/RUN --mount=from=gate,target=\/gate echo/' ctx/Dockerfile
	sed -i '1i FROM scratch AS gate\nCOPY shut /\n' ctx/Dockerfile
	touch ctx/shut
	in_terminal 60 --platform linux/arm64 ctx
	shows '^ linux/arm64 +[0-9.]+s 3/3 RUN .*\.\.\.'
	shows '^\[3/4\] 1'
	[ "$(screen | awk 'length > 60' | wc -l)" = 0 ]
	tmux send-keys -t build C-c
	shows '^status 1$'
	screen | grep -q '^ linux/arm64 *ended, 3 steps done'
}

@test "json: each line an object, in order of time" {
	build --progress=json --platform linux/amd64,linux/arm64 ctx 2>events
	jq -se 'length > 10 and (map(."time-ms") | . == sort)' events
	[ "$(jq -r 'select(.event == "plan").steps' events)" = 6 ]
	[ "$(jq -r 'select(.event == "begin").step' events | sort -u | wc -l)" = 6 ]
	[ "$(jq -r 'select(.event == "output" and .platform == "linux/arm64").text' events |
		tail -1)" = "on aarch64" ]
	[ "$(jq -r 'select(.event == "done" and .emulated).platform' events | sort -u)" = linux/arm64 ]
}

# why FILE: the event that says why it failed; every line is one, and that the last.
why() {
	jq -sce 'if map(select(.event == "error")) | length == 1 then last | select(.event == "error")
		| del(."time-ms") else error("not one failure") end' "$1"
}

# fails OPTION...: sets $failure.
fails() {
	expect 1 build --progress=json "$@"
	# shellcheck disable=SC2154 # of expect
	echo "$stderr" >events
	failure=$(why events)
}

@test "json: a failure too, with its place" {
	# shellcheck disable=SC2016 # for the shell of the step
	echo 'RUN [ $(uname -m) = x86_64 ]' >>ctx/Dockerfile
	fails --platform linux/arm64 ctx
	[ "$(jq -c 'del(.text)' <<<"$failure")" = \
		'{"event":"error","file":"ctx/Dockerfile","line":6,"column":1}' ]
	has "$failure" "exit code 1"
	# What the program itself says is in order with what the build does.
	fails --partial=publish --platform linux/amd64,linux/arm64 ctx
	jq -se 'map(."time-ms") | . == sort' events
	grep -q '"text":"going on without' events
	fails --partial=publish --platform linux/amd64,linux/arm64 -t 127.0.0.1:1/app --push \
		--retry 0 ctx
	grep -q '"note".*"text":"what the others came to was not published: ' events
	echo 'RUNN x' >ctx/Dockerfile
	fails ctx
	[ "$(jq -c 'del(.text)' <<<"$failure")" = \
		'{"event":"error","file":"ctx/Dockerfile","line":1,"column":1}' ]
	has "$failure" '"text":"unknown instruction'
	fails --check ctx
	has "$failure" '"text":"unknown instruction'
	fails gone
	[ "$failure" = '{"event":"error","text":"cannot use the build context gone: No such file or directory"}' ]
}

@test "json: one that was ended, and what --check counts" {
	mkdir gate
	touch ctx/shut
	sed -i 's/^RUN echo/RUN --mount=from=gate,target=\/gate echo/' ctx/Dockerfile
	sed -i '1i FROM scratch AS gate\nCOPY shut /\n' ctx/Dockerfile
	"${top_builddir:-build}/mab-build" build --progress=json --platform linux/amd64 ctx 2>events &
	pids+=($!)
	for _ in $(seq 300); do
		grep -q '"output".*first' events && break
		sleep 0.1
	done
	kill "$!"
	run ! wait "$!"
	pids=()
	[ "$(why events)" = '{"event":"error","text":"the build was ended"}' ]
	printf 'FROM scratch\nMAINTAINER x\n' >ctx/Dockerfile
	expect 1 build --progress=json --check ctx
	[ "$(jq -r '.event + " " + .text' <<<"$stderr")" = "note ctx/Dockerfile: 1 warning" ]
}

@test "json: transfers, with their direction" {
	need docker-registry
	docker_registry
	# shellcheck disable=SC2154 # docker_registry says where it is
	build --progress=json --platform linux/amd64 -t "$registry/app:1" --push ctx 2>events
	jq -se 'map(select(.event == "transfer" and .direction == "push"))
		| length > 0 and all(.bytes <= .size) and any(.bytes == .size)' events
}

@test "--trace and --timeline: every step, also of a build that fails" {
	printf 'RUN exit 3 # \377<&\n' >>ctx/Dockerfile
	run build --trace trace --timeline picture --platform linux/arm64 ctx
	[ "$status" = 1 ]
	[ "$(jq -r '[.[] | select(.ph == "X") | .cat] | join(" ")' trace)" = \
		"native emulated emulated failed" ]
	[ "$(jq -r '.[] | select(.ph == "M") | .args.name' trace)" = linux/arm64 ]
	python3 - <<-'EOF'
		import xml.etree.ElementTree as tree
		titles = [t.text for t in tree.parse("picture").iter("{http://www.w3.org/2000/svg}title")]
		assert len(titles) == 4 and "RUN exit 3" in titles[3], titles
	EOF
}

@test "--dry-run: the plan as lines, and as JSON" {
	cat >ctx/Dockerfile <<-'EOF'
		FROM --platform=$BUILDPLATFORM scratch AS tool
		COPY busybox-amd64 /bin/busybox
		RUN ["/bin/busybox", "echo"]
		FROM scratch
		ARG TARGETARCH
		COPY busybox-$TARGETARCH /bin/busybox
		COPY --from=tool /bin/busybox /tool
	EOF
	run build --dry-run --platform linux/arm64,linux/s390x ctx
	[ "$status" = 0 ]
	[ "$(grep -c '^\[' <<<"$output")" = 6 ]
	build --dry-run --progress json --platform linux/arm64,linux/s390x ctx >plan
	[ "$(jq -s length plan)" = 6 ]
	[ "$(jq -r 'select(.text | startswith("RUN")) | .needs[0]' plan)" = \
		"$(jq -r 'select(.text | startswith("COPY busybox-amd64")) | .step' plan)" ]
	[ "$(jq -r 'select(.text | startswith("COPY --from")) | .needs | length' plan | sort -u)" = 2 ]
	[ "$(jq -r 'select(.text == "COPY busybox-amd64 /bin/busybox").base' plan)" = scratch ]
	[ ! -e store/snapshots ] || [ "$(find store/snapshots -mindepth 1 | wc -l)" = 0 ]
}
