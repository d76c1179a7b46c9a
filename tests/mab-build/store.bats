#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# The commands on the store: images, tag, rmi, du, prune, unshare.

load ../build/helpers

setup_file() {
	[ "$(id -u)" != 0 ] || tester_setup
}

setup() {
	build_setup
	mkdir ctx
	cp "$(busybox_of linux/amd64)" ctx/busybox
	echo text >ctx/file
}

teardown() {
	registry_teardown
}

# A base with commands, and what is read from stdin.
steps() {
	cat - >ctx/Dockerfile <<-EOF
		FROM scratch
		COPY busybox /bin/busybox
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		$(cat)
	EOF
}

files() {
	printf 'FROM scratch\nCOPY %s /\n' "$*" >ctx/Dockerfile
}

# of JQ: a fact that du tells.
of() {
	mab du --json | jq -r "$1"
}

# layout IMAGE: the image as a layout, for which all its blobs are needed.
layout() {
	printf 'FROM %s\n' "$1" >from
	rm -rf layout
	build -f from -o type=oci,dest=layout ctx
}

# How much of a folder of the store there is.
count() {
	find "$MAB_BUILD_ROOT/$1" -mindepth 1 -maxdepth 1 | wc -l
}

@test "images: names, digests, platforms and sizes; none, and a damaged one" {
	expect 0 mab images
	[ "${#lines[@]}" = 1 ]
	files file
	id=$(build --platform linux/amd64,linux/arm64 -t app:1 -t b.example/app ctx)
	expect 0 mab images
	[[ ${lines[1]} == "b.example/app:latest "*" ${id:7:12} "*" linux/amd64 linux/arm64" ]]
	[[ ${lines[2]} == "docker.io/library/app:1 "*"${id:7:12}"* ]]
	expect 0 mab images --digests
	has "${lines[1]}" " $id "
	expect 0 mab images --quiet
	[ "$output" = "$id" ]
	layout app:1 # of one platform
	build --platform linux/amd64,linux/arm64 -o type=oci,dest=both ctx
	size=$(find both/blobs -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
	[ "$(mab images --json | jq -r ".[1] | .name, .digest, .size" | xargs)" = \
		"docker.io/library/app:1 $id $size" ]
	rm "store/blobs/sha256/${id#sha256:}"
	build -t other ctx
	expect 1 mab images
	has "$stderr" "docker.io/library/app:1: the store has no blob $id"
	has "$output" docker.io/library/other:latest
}

@test "tag and rmi: by name, by digest, by its first digits" {
	files file
	one=$(build -t app:1 ctx)
	files file busybox
	two=$(build -t app:2 ctx)
	mab tag app:1 b.example/x/app:9 again
	mab tag "${two:7:12}" two
	printf 'FROM b.example/x/app:9\n' >ctx/Dockerfile
	build ctx
	expect 1 mab tag nothing:1 x
	has "$stderr" "there is no image docker.io/library/nothing:1"
	expect 1 mab tag app:1 Wrong
	expect 1 mab tag app:1 "x@$one"
	expect 2 mab tag app:1

	expect 1 mab rmi "$one"
	has "$stderr" "has 3 names"
	expect 1 mab rmi app:1 nothing:1 again
	has "$stderr" "there is no image docker.io/library/nothing:1"
	[ "$(mab images -q | sort)" = "$(printf '%s\n' "$one" "$two" | sort)" ]
	expect 0 mab rmi "${one:7:12}"
	[ "$output" = b.example/x/app:9 ]
	expect 0 mab rmi --force "$two" nothing:1 "$one"
	[ "$(mab images --json | jq length)" = 0 ]
	expect 1 mab rmi "$one"
	has "$stderr" "there is no image $one"
	expect 1 mab rmi sha256:12
	has "$stderr" "is no digest"
	expect 2 mab rmi
}

@test "push, inspect and copy: by digest, and by its first digits" {
	docker_registry
	files file
	one=$(build -t "$registry/app:1" ctx)
	files file busybox
	two=$(build -t app:2 -t app:3 ctx)
	for word in "$one" "${one:0:19}" "${one:7:12}" "${one#sha256:}"; do
		[ "$(mab push --tls-verify=false "$word")" = "$one" ]
		[ "$(mab push --tls-verify=false "$word" "$registry/other:1")" = "$one" ]
		[ "$(mab inspect "$word" | jq -r .digest)" = "$one" ]
		[ "$(mab inspect -f '{{.Digest}}' "$word")" = "$one" ]
		[ "$(mab copy "$word" "oci:$BATS_TEST_TMPDIR/copied")" = "$one" ]
	done
	[ "$(mab inspect --tls-verify=false "docker://$registry/other:1" | jq -r .digest)" = "$one" ]
	# Where it is to go must be certain.
	expect 1 mab push "$two"
	has "$stderr" "$two has 2 names, docker.io/library/app:2 and others: say which one"
	expect 2 mab push "$one" "$two"
	has "$stderr" "'$two' is a digest, where a name is needed"
	expect 2 mab copy app:2 "$two"
	expect 2 mab pull "$two"
	# A name goes before digits; the registry is not asked for a digest.
	mab tag app:2 "${one:7:12}"
	[ "$(mab inspect "${one:7:12}" | jq -r .digest)" = "$two" ]
	for word in sha256:0123456789ab "sha256:$(printf '%064d' 1)" 0123456789ab; do
		for command in "push $word" "inspect $word" "copy $word dir:x"; do
			# shellcheck disable=SC2086 # it is several words
			expect 1 mab $command
			has "$stderr" "there is no image $word in $PWD/store"
		done
	done
	expect 1 mab inspect sha256:12
	has "$stderr" "is no digest, nor its first 12 digits"
	expect 1 mab tag app:2 "$one"
	expect 1 mab inspect --root "$PWD/none" "$one"
	has "$stderr" "there is no image $one here"
	[ ! -e none ]
}

@test "an image without a name: by its whole digest, when all of it is there" {
	docker_registry
	files file
	id=$(build --platform linux/amd64,linux/arm64 -q ctx)
	[ "$(mab inspect "$id" | jq '.images | length')" = 2 ]
	[ "$(mab push --tls-verify=false "$id" "$registry/app:1")" = "$id" ]
	expect 1 mab push "$id"
	has "$stderr" "$id has no name: say where it is to go"
	[ "$(mab copy --all "${id#sha256:}" dir:copied)" = "$id" ]
	expect 1 mab tag "${id:0:19}" short
	has "$stderr" "found by its whole digest"
	mab tag "$id" whole
	[ "$(mab images -q)" = "$id" ]
	mab prune
	layout whole

	# The base's layers were needed nowhere.
	rm -r store
	printf 'FROM %s/app:1\nLABEL a=b\n' "$registry" >ctx/Dockerfile
	id=$(build -q ctx)
	for command in "tag $id part" "push $id $registry/x" "copy $id dir:part"; do
		# shellcheck disable=SC2086 # it is several words
		expect 1 mab $command
		has "$stderr" "the store has not all of the image $id (it keeps all of one that is built with --tag): missing: 1 of 2 layers"
	done
	[ "$(mab inspect -f '{{.Digest}}' "$id")" = "$id" ]
	config=$(mab inspect --raw "$id" | jq -r .config.digest)
	expect 1 mab tag "$config" x
	has "$stderr" "$config in $PWD/store is no image: manifest: "
	[ "$(mab images -q)" = "" ]
}

@test "prune: what no image needs; with --all the images too" {
	steps <<<'RUN --mount=type=cache,target=/c echo kept >/c/file && echo 1 >/one'
	build -t app ctx
	steps <<<'RUN echo 2 >/two'
	build ctx
	[ "$(of .images.count)" = 1 ]
	[ "$(of .caches.count)" = 1 ]
	before=$(of .total.bytes)
	n=$(of .reclaimable.count)
	[ "$n" -ge 4 ]
	expect 0 mab prune --dry-run
	[ "${#lines[@]}" = $((n + 1)) ]
	has "$output" caches/
	has "${lines[n]}" "would be removed: $n files"
	[ "$(of .total.bytes)" = "$before" ]
	expect 0 mab prune
	has "$output" "removed: $n files"
	[ "$(of .reclaimable.count)" = 0 ]
	[ "$(of .total.bytes)" -lt "$before" ]
	[ "$(count caches)" = 0 ]
	layout app
	expect 0 mab prune --all --older-than 1h
	layout app
	expect 0 mab prune --all
	has "$output" "removed: 1 image and "
	[ "$(of .total.count)" = 0 ]
	[ "$(count blobs/sha256) $(count snapshots) $(count locks) $(count tmp)" = "0 0 0 0" ]
	steps <<<'RUN echo 1'
	build ctx
}

@test "prune by age" {
	files file
	build ctx
	files busybox
	build ctx
	n=$(count blobs/sha256)
	old=$(mab du --verbose --json | jq -r '.items[] | select(.name | test("blobs")).name' | head -2)
	for name in $old; do
		touch -d '3 days ago' "store/$name"
	done
	mab du --verbose | grep -q "3 days ago *reclaimable *${old%%$'\n'*}"
	mab prune --older-than 4d
	[ "$(count blobs/sha256)" = "$n" ]
	mab prune --filter until=60h
	[ "$(count blobs/sha256)" = $((n - 2)) ]
	for name in $old; do
		[ ! -e "store/$name" ]
	done
	mab prune --older-than 0s
	[ "$(count blobs/sha256)" = 0 ]
}

@test "prune by size, and --max-cache of builds: the least recently used goes" {
	for i in 1 2 3; do
		head -c 1000000 /dev/urandom >"ctx/$i"
		files "$i"
		build ctx
		find store/blobs store/records -type f -mmin -30 \
			-exec touch -d "$((4 - i)) hours ago" {} +
	done
	[ "$(of .blobs.bytes)" -gt 3000000 ]
	expect 0 mab prune --keep-storage 2500kb
	[ "$(of .reclaimable.bytes)" -le 2560000 ]
	[ "$(of .reclaimable.bytes)" -gt 2000000 ]
	run build ctx
	has "$output" CACHED
	run build --max-cache 1500k ctx
	has "$output" CACHED
	[ "$(of .reclaimable.bytes)" -le 1536000 ]
	[ "$(of .reclaimable.bytes)" -gt 1000000 ]
	head -c 100000 /dev/urandom >ctx/3
	build --max-cache 1200k -t named ctx
	[ "$(of .reclaimable.bytes)" -le 1228800 ]
	layout named
	build --max-cache 0 ctx
	[ "$(of .reclaimable.bytes)" = 0 ]
	layout named
	# Also after a build that fails.
	printf 'FROM scratch\nCOPY busybox /\nCOPY missing /\n' >ctx/Dockerfile
	expect 1 build --keep-going --max-cache 0 ctx
	[ "$(of .reclaimable.bytes)" = 0 ]
}

@test "wrong words are told" {
	expect 2 mab prune --older-than 5
	has "$stderr" "--older-than=5 is not a time"
	expect 2 mab prune --older-than 99999999999999999999w
	expect 2 mab prune --filter label=x
	has "$stderr" "--filter=label=x"
	expect 2 mab prune --keep-storage 5x
	has "$stderr" "--keep-storage=5x is not a size"
	expect 2 mab prune --all --keep-storage 5g
	expect 2 mab prune app
	expect 2 mab du app
	expect 2 mab images --json --quiet
	expect 2 build --max-cache lots ctx
	[ ! -e store ]
}

@test "a build that runs keeps what it uses, whatever is pruned" {
	echo 'RUN echo base >/base' | steps
	build -t base ctx
	# shellcheck disable=SC2016 # for the shell of the step
	cat >ctx/Dockerfile <<-'EOF'
		FROM base
		RUN --mount=type=cache,id=gate,target=/gate echo waiting && while [ ! -e /gate/open ]; do sleep 0.1; done
		RUN cat /base && touch /after
	EOF
	build -t after ctx >log 2>&1 &
	pid=$!
	wait_for grep -q '] waiting' log
	mab prune --all
	[ "$(mab images -q)" = "" ]
	touch "$(echo store/caches/*)/open"
	wait "$pid" || { cat log; false; }
	layout after
}

# A rootless build with files that only its namespace may touch.
build_as_tester() {
	tester_home
	steps <<-'EOF'
		RUN mkdir -m 700 /own && touch /own/file && mkdir -m 0 /closed
		RUN --mount=type=cache,target=/c mkdir -m 700 /c/own && touch /c/own/file
	EOF
	unset MAB_BUILD_ROOT
	[ "$1" = single ] || sed -i 's|touch /own/file|& \&\& chown -R 7:8 /own|; s|touch /c/own/file|& \&\& chown -R 7:8 /c/own|' ctx/Dockerfile
	as_tester ./mab-build build -t app ctx
	expect 0 as_tester ./mab-build du --json
	[ "$(jq .caches.count <<<"$output")" = 1 ]
	as_tester ./mab-build prune
	[ "$(find home/.local/share/mab-build/caches -mindepth 1 | wc -l)" = 0 ]
	[ "$(find home/.local/share/mab-build/snapshots -name own | wc -l)" = 1 ]
	as_tester ./mab-build rmi app
	as_tester ./mab-build prune
	[ "$(find home/.local/share/mab-build/snapshots home/.local/share/mab-build/tmp -mindepth 1 | wc -l)" = 0 ]
}

@test "ordinary users prune what their builds made: subordinate ids" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
	need newuidmap
	echo tester:200000:65536 >"$etc/subuid"
	build_as_tester subordinate
}

@test "ordinary users prune what their builds made: one id" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
	: >"$etc/subuid"
	build_as_tester single
}

@test "unshare: exit status, the store, words that are not its own" {
	expect 0 mab unshare --root sub/../s sh -c 'echo "$MAB_BUILD_ROOT" "$@"' - --root x -h
	[ "$output" = "$(realpath s) --root x -h" ]
	expect 7 mab unshare sh -c 'exit 7'
	expect 143 mab unshare sh -c 'kill -TERM $$'
	SHELL=/bin/false expect 1 mab unshare
	SHELL='' expect 0 mab unshare <<<'exit 0'
	run -127 mab unshare no-such-command
	has "$output" no-such-command
	expect 126 mab unshare /
	expect 2 mab unshare --rooot x
	expect 0 mab unshare -- sh -c 'mount -t tmpfs none "$1"' - "$PWD/ctx"
	[ -e ctx/file ]
	expect 0 mab unshare --help
}

# Inside, a user's files have the owners that steps gave them.
unshare_as_tester() {
	tester_home
	unset MAB_BUILD_ROOT
	steps <<<"RUN touch /whose && $1"
	as_tester ./mab-build build ctx
	expect 0 as_tester ./mab-build unshare sh -c '
		id -u
		[ "$MAB_BUILD_ROOT" = "$HOME/.local/share/mab-build" ]
		stat -c %u:%g "$MAB_BUILD_ROOT"/snapshots/*/fs/whose
		mount -t tmpfs none /mnt
		"$0" du >/dev/null
		"$0" prune --all
		ls "$MAB_BUILD_ROOT"/snapshots' "$PWD/mab-build"
	[ "${lines[0]} ${lines[1]}" = "0 $2" ]
	[[ ${lines[2]} == "removed: "* ]]
	[ "${#lines[@]}" = 3 ]
	expect 9 as_tester ./mab-build unshare sh -c 'exit 9'
}

@test "unshare: subordinate ids" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
	need newuidmap
	echo tester:200000:65536 >"$etc/subuid"
	unshare_as_tester "chown 7:8 /whose" 7:8
}

@test "unshare: one id" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
	: >"$etc/subuid"
	unshare_as_tester true 0:0
}
