#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Builds that are killed at any moment, and several at once, on one store.

load helpers

setup() {
	build_setup
	export SOURCE_DATE_EPOCH=1700000000
	mkdir ctx
	cp "$(busybox_of linux/amd64)" ctx/busybox
	head -c 300000 /dev/urandom >ctx/data
	mab=${top_builddir:-build}/mab-build
}

teardown() {
	registry_teardown
}

# Steps of every kind. Each that runs appends a line to a log, in a cache, which is no
# part of what it came to.
steps() {
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch AS base
		COPY busybox /bin/
		SHELL ["/bin/busybox", "sh", "-c"]
		RUN for i in sh rm seq mkdir ln cat; do /bin/busybox ln /bin/busybox /bin/$i; done
		FROM base AS tools
		RUN --mount=type=cache,id=log,target=/log echo tools >>/log/ran; seq 20000 >/numbers; mkdir -p /d/e; ln /numbers /d/e/hard
		FROM base
		WORKDIR /work/here
		COPY data .
		COPY --from=tools /numbers /d /
		RUN --mount=type=cache,id=log,target=/log echo last >>/log/ran; rm /bin/ln; cat data data >twice
	EOF
}

# Steps that ran, each once in each line.
ran() {
	cat store/caches/*/ran | sort | xargs
}

# Each blob is what its name says.
check_blobs() { # STORE
	local blob
	for blob in "$1"/blobs/sha256/*; do
		[ ! -e "$blob" ] || [ "$(sha256sum <"$blob")" = "${blob##*/}  -" ]
	done
}

# What the files of layers are.
snapshots() { # STORE
	find "$1/snapshots" ! -type d -printf '%P %y %s %m %U:%G %n %l\n' | sort
}

now() { # in milliseconds
	echo "${EPOCHREALTIME%???}" | tr -d .,
}

# kill_after MILLISECONDS: a build, with all that it started.
kill_after() {
	setsid "$mab" build -t app ctx >log 2>&1 3>&- &
	pid=$!
	sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
	kill -KILL -- "-$pid" 2>/dev/null || true # it may have ended
	wait "$pid" 2>/dev/null || killed=$((killed + 1))
}

# The store works after a kill, and the next build gives what an undisturbed one gave.
check_store() {
	mab du >/dev/null
	[ ! -d store ] || check_blobs store
	build -t app -o type=oci,dest=layout ctx >log 2>&1 || { cat log; return 1; }
	diff -r layout undisturbed-layout
	diff <(snapshots store) <(snapshots undisturbed)
	check_blobs store
	[ "$(mab images --json | jq length)" = 1 ]
	mab prune --all >/dev/null
	[ -z "$(find store/{blobs/sha256,snapshots,caches,locks,tmp,names} -mindepth 1)" ]
}

# A machine that is slow leaves some out, which are spread as well.
@test "killed at any of 40 moments, the store works" {
	steps
	begun=$(now)
	build --root undisturbed -t app ctx
	took=$(($(now) - begun))
	build --root undisturbed -t app -o type=oci,dest=undisturbed-layout ctx
	killed=0
	n=0
	for point in $(seq 40 | shuf --random-source=<(yes seed)); do
		rm -rf store layout
		kill_after $((took * point / 40))
		echo "killed at $point/40 of $took ms"
		check_store # no `||` after it: its failures would not count
		n=$((n + 1))
		[ $(($(now) - begun)) -lt 20000 ] || break
	done
	echo "# killed $killed of $n builds" >&3
	[ "$n" -ge 5 ]
	[ "$killed" -ge $((n / 2)) ]
}

@test "killed again and again on one store, it gets to its end" {
	steps
	build --root undisturbed -t app -o type=oci,dest=undisturbed-layout ctx
	killed=0
	for ms in 20 40 60 80 100 120; do
		kill_after $ms
	done
	[ "$killed" -gt 0 ]
	check_store
}

@test "several builds at once: each step runs once, the results are the same" {
	steps
	sed 's/echo last/echo other/; s/^WORKDIR.*/WORKDIR \/other/' ctx/Dockerfile >ctx/other
	for i in 1 2 3; do
		build --iidfile "same-$i" ctx >"log-$i" 2>&1 &
		pids+=($!)
	done
	build --iidfile other-1 -f ctx/other ctx >log-4 2>&1 &
	pids+=($!)
	build --iidfile base-1 --target base ctx >log-5 2>&1 &
	for pid in "${pids[@]}" $!; do
		wait "$pid" || { cat log-*; return 1; }
	done
	pids=()
	[ "$(ran)" = "last other tools" ]
	cmp same-1 same-2
	cmp same-1 same-3
	build --root undisturbed --iidfile same-4 ctx
	build --root undisturbed --iidfile other-2 -f ctx/other ctx
	cmp same-1 same-4
	cmp other-1 other-2
}

@test "builds, and pruning of everything meanwhile" {
	steps
	for i in 1 2 3; do
		cp -r ctx "ctx-$i"
		echo "RUN echo $i >/mine" >>"ctx-$i/Dockerfile"
		{
			build -t "app-$i" "ctx-$i" && build -o type=oci,dest="layout-$i" "ctx-$i"
		} >"log-$i" 2>&1 &
		pids+=($!)
	done
	while [ "$(jobs -rp | wc -l)" -gt 0 ]; do
		mab prune --all >/dev/null
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || { cat log-*; return 1; }
	done
	pids=()
	for i in 1 2 3; do
		build --root undisturbed -o type=oci,dest="wanted-$i" "ctx-$i"
		diff -r "layout-$i" "wanted-$i"
	done
}
