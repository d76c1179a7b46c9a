#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Lists of images, as buildah's `manifest` makes them; pull and push.

load helpers

setup()
{
	registry_setup
	index=$("$here/make-image" src)
	docker_registry
	for platform in amd64 arm64 arm/v7; do
		mab copy --platform "$platform" oci:src:app "docker://$registry/${platform%/*}:1"
	done
	mab copy --all oci:src:app "docker://$registry/app:1"
	: >registry.log
}

teardown()
{
	registry_teardown
}

# What a build for this machine alone would have left.
digest_of()
{
	mab inspect "docker://$registry/$1" | jq -r .digest
}

# four_lines PROGRAM NAME: the example that both programs must do alike.
four_lines()
{
	"$1" manifest create "$2"
	"$1" manifest add --tls-verify=false "$2" "docker://$registry/amd64:1"
	"$1" manifest add --tls-verify=false "$2" "docker://$registry/arm64:1"
	"$1" manifest inspect "$2" >"$2.inspect"
	"$1" manifest push --tls-verify=false --all "$2" "docker://$registry/$2"
}

with_buildah()
{
	need buildah skopeo jq
	export CONTAINERS_STORAGE_CONF=$PWD/storage.conf
	printf '[storage]\ndriver = "vfs"\nrunroot = "%s"\ngraphroot = "%s"\n' \
		"$PWD/run" "$PWD/graph" >storage.conf
	if ! buildah images >errors 2>&1; then
		cat errors
		cannot "buildah does not run here"
	fi
}

raw()
{
	skopeo inspect --tls-verify=false --raw "docker://$registry/$1"
}

@test "four lines of buildah" {
	with_buildah
	four_lines "$top_builddir/mab-build" ours
	four_lines buildah theirs
	diff <(jq -S .manifests ours.inspect) <(jq -S .manifests theirs.inspect)
	diff <(raw ours | jq -S .manifests) <(raw theirs | jq -S .manifests)
	# No layer came here on the way.
	[ "$(requests '"GET /v2/[^/]*/blobs/[^ ]* HTTP/1.1[^m]*mab-build' registry.log)" -eq 2 ]
	skopeo copy -q --all --src-tls-verify=false "docker://$registry/ours" oci:back
	skopeo inspect --tls-verify=false --override-arch arm64 "docker://$registry/ours" |
		jq -e '.Architecture == "arm64"'
}

@test "what is said of an image, as buildah writes it" {
	with_buildah
	for program in "$top_builddir/mab-build" buildah; do
		name=said-by-${program##*/}
		"$program" manifest create --tls-verify=false --all "$name" "docker://$registry/app:1"
		"$program" manifest add --tls-verify=false --os linux --arch arm64 --variant v9 \
			--os-version 10.1 --os-features win --annotation a=b "$name" "docker://$registry/arm64:1"
		"$program" manifest annotate --annotation c=d --variant v6 "$name" "$(digest_of arm:1)"
		"$program" manifest remove "$name" "$(digest_of amd64:1)"
		"$program" manifest push --tls-verify=false --all --digestfile digest --rm "$name" \
			"docker://$registry/$name:1"
		[ "$(cat digest)" = "sha256:$(raw "$name:1" | sha256sum | cut -d' ' -f1)" ]
		expect 1 "$program" manifest exists "$name"
	done
	diff <(raw said-by-mab-build:1 | jq -S .) <(raw said-by-buildah:1 | jq -S .)
}

@test "an index of Docker's images is Docker's" {
	need skopeo
	skopeo copy -q --format v2s2 --src-tls-verify=false --dest-tls-verify=false \
		"docker://$registry/amd64:1" "docker://$registry/docker:1"
	mab manifest create x "docker://$registry/docker:1"
	mab manifest inspect x | jq -e '.mediaType | test("docker.*list")'
	mab manifest add x "docker://$registry/arm64:1"
	mab manifest inspect x | jq -e '.mediaType | test("oci.*index")'
	mab manifest push x "docker://$registry/mixed:1"
	mab copy --all "docker://$registry/mixed:1" oci:back
}

@test "a list in the other format, with its images, as buildah converts them" {
	with_buildah
	for program in "$top_builddir/mab-build" buildah; do
		name=to-docker-by-${program##*/}
		"$program" manifest create --tls-verify=false --all "$name" "docker://$registry/app:1"
		"$program" manifest push --tls-verify=false --all --format v2s2 "$name" "docker://$registry/$name:1"
	done
	diff <(raw to-docker-by-mab-build:1 | jq -S '.mediaType, .manifests[].platform') \
		<(raw to-docker-by-buildah:1 | jq -S '.mediaType, .manifests[].platform')
	skopeo inspect --tls-verify=false --raw --override-arch arm64 "docker://$registry/to-docker-by-mab-build:1" |
		jq -e '[.manifests[].mediaType | test("docker.*v2")] | all'
	expect 0 mab push --format docker "docker.io/library/to-docker-by-mab-build" "docker://$registry/again:1"
	[ "$output" = "$(digest_of to-docker-by-mab-build:1)" ]
}

@test "create, amend, exists, list, rm" {
	expect 1 mab manifest exists x
	[ -z "$output$stderr" ]
	[ ! -e store ]
	expect 0 mab manifest create x
	expect 0 mab manifest exists x
	expect 1 mab manifest create x
	has "$stderr" "there is an image docker.io/library/x:latest already"
	expect 0 mab manifest create --amend x "docker://$registry/amd64:1"
	[ "$(mab manifest inspect x | jq '.manifests | length')" -eq 1 ]
	mab manifest create "$registry/y:2"
	mab pull "$registry/amd64:1"
	[ "$(mab manifest list)" = "$registry/y:2"$'\n'docker.io/library/x:latest ]
	expect 1 mab manifest exists "$registry/amd64:1"
	expect 1 mab manifest add "$registry/amd64:1" "docker://$registry/arm64:1"
	has "$stderr" "is one image, not a list"
	expect 0 mab manifest rm x "$registry/y:2"
	[ -z "$(mab manifest list)" ]
	expect 1 mab manifest rm x
}

@test "an image out of an index is for this machine, or for the one named" {
	mab manifest create x
	mab manifest add --arch arm --variant v7 x "docker://$registry/app:1"
	mab manifest add --arch aarch64 x "docker://$registry/app:1"
	[ "$(mab manifest inspect x | jq -r '.manifests[].platform.architecture')" = $'arm\narm64' ]
	expect 1 mab manifest add --arch s390x x "docker://$registry/app:1"
	has "$stderr" "there is no image for linux/s390x, only for"
	expect 1 mab manifest add --all --arch arm x "docker://$registry/app:1"
	has "$stderr" "'manifest annotate'"
	expect 1 mab manifest remove x "$(digest_of amd64:1)"
	has "$stderr" "only: sha256:"
	expect 0 mab manifest remove x "docker://$registry/arm:1"
	# An image that is there already is there once.
	mab manifest add --arch arm64 x "docker://$registry/app:1"
	[ "$(mab manifest inspect x | jq '.manifests | length')" -eq 1 ]
}

@test "layers of another registry are copied when the list is pushed" {
	other=localhost:${registry#*:}
	mab manifest create --all x "docker://$registry/app:1"
	[ "$(du -s --block-size=1 --apparent-size store/blobs | cut -f1)" -lt 20000 ]
	: >registry.log
	expect 0 mab manifest push x "docker://$other/copied:1"
	[ "$output" = "$(mab manifest inspect "docker://$other/copied:1" | jq -r 'empty')$(digest_of copied:1)" ]
	[ "$(requests '"PUT /v2/copied/blobs' registry.log)" -eq 7 ]
	mab copy --all "docker://$registry/copied:1" oci:back
	for platform in amd64 arm64 arm; do
		mab inspect --raw --platform "$platform" oci:back |
			cmp - <(mab inspect --raw --platform "$platform" oci:src)
	done
}

@test "layers of the same registry are mounted" {
	mab manifest create --all x "docker://$registry/app:1"
	: >registry.log
	mab manifest push x "docker://$registry/mounted:1"
	[ "$(requests '"(PATCH|GET [^ ]*/blobs/|PUT [^ ]*/blobs)' registry.log)" -eq 0 ]
	[ "$(requests '"POST [^ ]*mount=' registry.log)" -eq 7 ]
}

@test "images of layouts and of the store are in the list with their layers" {
	mab manifest create x
	mab manifest add --arch arm64 x oci:src:app
	mab pull "$registry/amd64:1"
	mab manifest add x "$registry/amd64:1"
	rm -r src
	: >registry.log
	mab manifest push x "docker://$registry/both:1"
	# What was pulled is mounted; a layer of both came from the layout.
	[ "$(requests '"POST [^ ]*mount=[^ ]*from=amd64[^ ]* [^"]*" 201 ' registry.log)" -eq 2 ]
	[ "$(requests '"PUT /v2/both/blobs' registry.log)" -eq 3 ]
	mab copy --all "docker://$registry/both:1" oci:back
}

@test "a list is a base, and its layers come from where they are" {
	mab manifest create base "docker://$registry/app:1"
	mkdir ctx
	printf 'FROM base\nLABEL a=b\n' >ctx/Dockerfile
	mab build --platform linux/amd64 -t "$registry/built:1" --push ctx
	mab inspect "docker://$registry/built:1" | jq -e '(.layers | length) == 2'
}

@test "many add to one list at once" {
	mab manifest create x
	adders=()
	for platform in amd64 arm64 arm; do
		mab manifest add x "docker://$registry/$platform:1" &
		adders+=($!)
	done
	for adder in "${adders[@]}"; do
		wait "$adder"
	done
	[ "$(mab manifest inspect x | jq '.manifests | length')" -eq 3 ]
}

@test "pull and push" {
	expect 0 mab pull --all "docker://$registry/app:1"
	[ "$output" = "$index" ]
	# By its name it is now the store's.
	: >registry.log
	expect 0 mab inspect "$registry/app:1"
	[ "$(jq -r .digest <<<"$output")" = "$index" ]
	[ "$(requests HTTP registry.log)" -eq 0 ]
	mab copy --all "$registry/app:1" oci:back
	same_blobs src back
	expect 0 mab push "$registry/app:1" "docker://$registry/pushed:1"
	[ "$output" = "$index" ]
	expect 0 mab push --platform arm64 --digestfile digest "$registry/app:1" "$registry/pushed:arm64"
	[ "$(cat digest)" = "$(digest_of arm64:1)" ]
	expect 0 mab pull "$registry/app:1"
	expect 0 mab push "$registry/app:1"
	[ "$(digest_of app:1)" = "$(digest_of amd64:1)" ]
	expect 1 mab push "$registry/none:1"
	has "$stderr" "there is no image $registry/none:1 in "
	expect 2 mab push "docker://$registry/app:1"
	expect 2 mab pull --all --platform arm64 "$registry/app:1"
	expect 2 mab pull oci:src
}

@test "a tag that is there is a handful of requests, whatever the image has" {
	mab copy --all "docker://$registry/app:1" "docker://$registry/app:2"
	: >registry.log
	expect 0 mab copy --all "docker://$registry/app:1" "docker://$registry/app:2"
	[ "$(requests 'HTTP/1.1\\?" [0-9]' registry.log)" -le 4 ]
	: >registry.log
	expect 0 mab copy --all "docker://$registry/app:1" "docker://$registry/app:3"
	[ "$(requests 'HTTP/1.1\\?" [0-9]' registry.log)" -le 6 ]
	[ "$(requests /blobs/ registry.log)" -eq 0 ]
}

@test "wrong command lines" {
	expect 2 mab manifest
	expect 2 mab manifest pushh
	has "$stderr" "did you mean 'push'?"
	expect 2 mab manifest create
	expect 2 mab manifest add x
	expect 2 mab manifest push x y z
	has "$stderr" "'z' is one word too many"
	expect 1 mab manifest create "docker://$registry/x"
	has "$stderr" "a list has a name of the store"
	expect 1 mab manifest inspect "docker://$registry/amd64:1"
	has "$stderr" "is one image, not a list"
}
