#!/usr/bin/env bats
# runs in: private namespaces
# SPDX-License-Identifier: MIT
# --cache-to and --cache-from: what one machine did, another need not do again. Two stores
# are two machines.

load helpers

setup() {
	build_setup
}

teardown() {
	registry_teardown
}

# Steps of every kind, with results that come out differently each time.
steps() {
	base "$@"
	echo text >ctx/file
	dockerfile <<-'EOF'
		FROM $BASE AS tools
		RUN cat /proc/sys/kernel/random/uuid >/tool && head -c 300000 /dev/urandom >/unused
		FROM $BASE
		RUN cat /proc/sys/kernel/random/uuid >/one && mkdir -p /etc && echo me:x:7:8::/:/bin/sh >/etc/passwd
		USER me
		WORKDIR /home/me/here
		USER 0
		COPY file .
		COPY --from=tools /tool /bin/
		RUN cat /proc/sys/kernel/random/uuid >two
	EOF
}

# here OPTION...: builds ctx; its digest in $first.
here() {
	build --platform "$platforms" "$@" ctx >first 2>log || { cat log; return 1; }
	first=$(cat first)
}

# elsewhere OPTION...: the same in a store of another machine; the digest in $output.
elsewhere() {
	rm -rf other
	: >registry.log
	MAB_BUILD_ROOT=$PWD/other expect 0 build --platform "$platforms" "$@" ctx
}

# How many steps were done, and not taken from somewhere.
ran() {
	grep -c ' DONE ' <<<"$stderr" || true
}

# layers NAME: of an image in the registry, all platforms.
layers() {
	raw "$1" | jq -r '.manifests[].digest' | while read -r digest; do
		raw "${1%:*}@$digest" | jq -r '.layers[].digest'
	done
}

# Whether this blob was fetched since `elsewhere` began.
fetched() {
	grep -aq "GET /v2/[a-z]*/blobs/$1" registry.log
}

# Of the cache in the folder ./cache, the paths of its manifest and its document.
manifest() {
	echo "cache/blobs/$(jq -r '.manifests[0].digest' cache/index.json | tr : /)"
}

document() {
	echo "cache/blobs/$(jq -r .config.digest "$(manifest)" | tr : /)"
}

# add_blob FILE: to ./cache; its descriptor's digest and size, as JSON.
add_blob() {
	local sum
	sum=$(sha256sum <"$1")
	cp "$1" "cache/blobs/sha256/${sum%% *}"
	echo "{\"digest\":\"sha256:${sum%% *}\",\"size\":$(stat -c %s "$1")}"
}

# change FILTER: what jq makes of the document of the cache in ./original, in ./cache.
change() {
	local old
	rm -rf cache
	cp -r original cache
	old=$(manifest)
	jq -c "$1" "$(document)" >new.json
	jq -c ".config += $(add_blob new.json)" "$old" >changed.json
	jq -c ".manifests[0] += $(add_blob changed.json)" cache/index.json >index.json
	mv index.json cache/
}

@test "another machine does nothing again, and fetches no layer" {
	steps linux/amd64 linux/arm64
	here -t "$registry/app:1" --push --cache-to "type=registry,ref=$registry/cache:1"
	elsewhere -t "$registry/app:2" --push --cache-from "type=registry,ref=$registry/cache:1"
	[ "$output" = "$first" ]
	[ "$(ran)" -eq 0 ]
	[ "$(grep -c ' CACHED' <<<"$stderr")" -eq 12 ]
	for layer in $(layers app:2); do
		! fetched "$layer" || { echo "$layer was fetched"; false; }
	done
	# A cache of what came from one is as good, and the same from then on.
	elsewhere --cache-from "$registry/cache:1" --cache-to "$registry/cache:2"
	elsewhere --cache-from "$registry/cache:2" --cache-to "$registry/cache:3"
	[ "$output" = "$first" ]
	[ "$(ran)" -eq 0 ]
	[ "$(raw cache:2)" = "$(raw cache:3)" ]
	elsewhere -t "$registry/app:3" --push --cache-from "$registry/cache:1" --no-cache
	[ "$output" != "$first" ]
}

@test "into another repository, layers are mounted" {
	steps linux/amd64
	here --cache-to "$registry/cache:1"
	elsewhere -t "$registry/fresh:1" --push --cache-from "$registry/cache:1"
	[ "$output" = "$first" ]
	for layer in $(raw fresh:1 | jq -r '.layers[].digest'); do
		! fetched "$layer" || { echo "$layer was fetched"; false; }
	done
	grep -aq 'POST /v2/fresh/blobs/uploads/?.*from=cache' registry.log
}

@test "what changed is done on the layers below it; others stay where they are" {
	steps linux/amd64
	here --cache-to "$registry/cache:1"
	sed -i 's/>two/>three/' ctx/Dockerfile
	elsewhere -t "$registry/app:2" --push --cache-from "$registry/cache:1"
	[ "$(ran)" -eq 1 ]
	# The layer of the stage, with the file that nobody asks for, is the largest by far.
	unused=$(raw cache:1 | jq -r '.layers | map(select(.size > 300000 and .size < 400000)) | .[0].digest')
	[[ $unused == sha256:* ]]
	run ! fetched "$unused"
	[ "$(raw app:2 | jq '.layers | length')" -eq 7 ]
	for layer in $(raw app:2 | jq -r '.layers[:-1][].digest'); do
		fetched "$layer"
	done
	sed -i 's/>three/>two/' ctx/Dockerfile
	echo changed >ctx/file
	elsewhere --cache-from "$registry/cache:1"
	[ "$(ran)" -eq 2 ]
}

@test "an image that is to stay has all its layers" {
	steps linux/amd64
	here --cache-to "$registry/cache:1"
	cp ctx/Dockerfile .
	for name in '-t mine:1' '--manifest mine:1' '-o type=image,name=mine:1'; do
		cp Dockerfile ctx
		# shellcheck disable=SC2086 # an option and its value
		elsewhere $name --cache-from "$registry/cache:1"
		[ "$(ran)" -eq 0 ]
		printf 'FROM mine:1\nRUN cat /one /home/me/here/two\n' >ctx/Dockerfile
		MAB_BUILD_ROOT=$PWD/other build ctx
	done
}

@test "a folder" {
	steps linux/amd64
	here --cache-to type=local,dest=cache,mode=max
	jq -e '.manifests[0].annotations["org.opencontainers.image.ref.name"] == "latest"' cache/index.json
	elsewhere --cache-from type=local,src=cache
	[ "$output" = "$first" ]
	[ "$(ran)" -eq 0 ]
	# One under another name is beside it.
	here --no-cache --cache-to type=local,dest=cache,tag=other
	elsewhere --cache-from type=local,src=cache,tag=other
	[ "$output" = "$first" ]
	# Without its blob a step does not count.
	rm "cache/blobs/$(jq -r '.layers[0].blob.digest' "$(document)" | tr : /)"
	elsewhere --cache-from type=local,src=cache
	[ "$(ran)" -gt 0 ]
}

@test "several are asked in order, and what is not there is no failure" {
	steps linux/amd64
	here --no-cache --cache-to "$registry/cache:1"
	one=$first
	here --no-cache --cache-to type=local,dest=cache
	[ "$one" != "$first" ]
	elsewhere --cache-from "$registry/cache:1" --cache-from type=local,src=cache
	[ "$output" = "$one" ]
	elsewhere --cache-from type=local,src=nowhere --cache-from "$registry/cache:none" --cache-from type=local,src=cache,tag=latest --cache-from "$registry/cache:1"
	[ "$output" = "$first" ]
	has "$stderr" "there is no cache in nowhere yet"
	has "$stderr" "there is no cache in $registry/cache:none yet"
	elsewhere --cache-from "$registry/base:1" --cache-from 127.0.0.1:1/x --retry 0
	has "$stderr" "the cache $registry/base:1 is left out: it is an image or what another program wrote"
	has "$stderr" "the cache 127.0.0.1:1/x is left out: "
	[ "$(ran)" -gt 0 ]
}

@test "mode=min has only what the image has" {
	steps linux/amd64
	here --cache-to type=local,dest=cache,mode=min -o type=oci,dest=image
	manifest=image/blobs/$(jq -r '.manifests[0].digest' image/index.json | tr : /)
	jq -r '.layers[].digest' "$manifest" | sort >image.layers
	jq -r '.layers[].blob.digest // empty' "$(document)" | sort >cache.layers
	[ -s cache.layers ]
	[ -z "$(comm -13 image.layers cache.layers)" ]
	rm -rf cache
	here --cache-to type=local,dest=cache
	jq -r '.layers[].blob.digest // empty' "$(document)" | sort >cache.layers
	[ "$(comm -13 image.layers cache.layers | wc -l)" -eq 1 ]
}

@test "damaged ones are left out, or what they lie about is found" {
	steps linux/amd64
	here --cache-to type=local,dest=original
	for case in '.steps[0].layer = 99|cache: steps[0].layer is none of the' \
		'.layers[0].diffId = "x"|cache: layers[0].diffId is wrong' \
		'del(.steps[1].key)|cache: steps[1].key is missing' \
		'.steps[0].created = -1|cache: steps[0].created is -1, and not from 0' \
		'.layers[0].blob.mediaType = "text/plain"|cache: layers[0].blob is of text/plain' \
		'.steps = 7|cache: steps is a whole number and should be an array'; do
		change "${case%%|*}"
		elsewhere --cache-from type=local,src=cache
		has "$stderr" "the cache cache is left out: ${case#*|}"
		[ "$(ran)" -gt 0 ]
	done
	# An index that is none: the layer itself tells.
	change '(.layers[0].blob | {digest, size}) as $b | .layers |= map(if .index then .index += $b else . end)'
	elsewhere --cache-from type=local,src=cache
	has "$stderr" "a layer is read, since its index cannot be"
	[ "$output" = "$first" ]
	# A layer that is another than it should be is not let in.
	sed -i 's/>two/>three/' ctx/Dockerfile
	change '[.layers[].blob // empty] as $b | .layers |= map(if .blob then .blob = $b[0] else . end)'
	rm -rf other
	MAB_BUILD_ROOT=$PWD/other expect 1 build --cache-from type=local,src=cache ctx
	has "$stderr" "sha256:"
	MAB_BUILD_ROOT=$PWD/other build ctx
}

@test "what cannot be written is a failure, unless that is ignored" {
	printf 'FROM scratch\nLABEL a=b\n' >Dockerfile
	expect 1 build --retry 0 --cache-to 127.0.0.1:1/x .
	has "$stderr" "cannot write the cache 127.0.0.1:1/x: "
	expect 0 build --retry 0 --cache-to type=registry,ref=127.0.0.1:1/x,ignore-error=true --iidfile id .
	has "$stderr" "cannot write the cache 127.0.0.1:1/x: "
	[ -s id ]
	touch file
	expect 1 build --cache-to type=local,dest=file .
	has "$stderr" "cannot write the cache file: "
}

@test "what other programs have and this one has not is refused by name" {
	printf 'FROM scratch\n' >Dockerfile
	for case in "--cache-to=type=gha|--cache-to: type=gha" \
		"--cache-from=type=s3,bucket=b|--cache-from has no 'bucket'" \
		"--cache-from=type=s3|s3" \
		"--cache-to=type=inline|inline" \
		"--cache-to=ref=x|has no type=" \
		"--cache-to=type=local,src=x|--cache-to has no 'src'" \
		"--cache-to=type=local|type=local has dest=, and not ref=" \
		"--cache-from=type=registry,src=x|type=registry has ref=, and not src=" \
		"--cache-to=type=registry,ref=x,mode=all|mode" \
		"--cache-to=type=registry,ref=x,image-manifest=false|a cache is written as an OCI manifest" \
		"--cache-to=x@sha256:$(printf '%064d' 0)|what is written has a tag" \
		"--cache-from=A B|--cache-from: "; do
		expect 2 build "${case%%|*}" .
		has "$stderr" "${case#*|}"
	done
}
