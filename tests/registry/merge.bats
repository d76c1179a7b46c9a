#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Builds on several machines, and one image of them.

load helpers

setup()
{
	registry_setup
	docker_registry
	mkdir ctx
	printf 'FROM scratch\nCOPY Dockerfile /\nARG TARGETARCH\nLABEL arch=$TARGETARCH\n' >ctx/Dockerfile
}

teardown()
{
	registry_teardown
}

# machine PLATFORM FILE [NAME]: a build on one with a store of its own.
machine()
{
	MAB_BUILD_ROOT=$PWD/store-$2 mab build --platform "$1" --push-by-digest \
		-t "${3:-$registry/app}" --metadata-file "$2" ctx
}

@test "two machines, one image" {
	machine linux/amd64 a.json
	machine linux/arm64 b.json
	jq -e '."containerimage.descriptor".platform.architecture == "arm64"' b.json
	expect 1 mab tags "$registry/app"
	: >registry.log
	expect 0 mab merge -t "$registry/app:1" --tag "$registry/app:latest" \
		--annotation a=b a.json b.json
	[ "$(requests '/blobs/' registry.log)" -eq 0 ]
	digest=$output
	[ "$(mab tags "$registry/app")" = $'1\nlatest' ]
	mab inspect "docker://$registry/app:1" >whole.json
	jq -e '[.images[].platform] == ["linux/amd64", "linux/arm64"] and .annotations.a == "b"' whole.json
	[ "$(jq -r .digest whole.json)" = "$digest" ]
	[ "$(mab inspect --platform arm64 "docker://$registry/app:1" | jq -r .labels.arch)" = arm64 ]
	if command -v skopeo >/dev/null; then
		skopeo copy -q --all --src-tls-verify=false "docker://$registry/app:1" oci:back
	fi
}

@test "a machine that builds for several, and another repository" {
	machine linux/amd64,linux/arm64 a.json
	machine linux/riscv64 b.json "$registry/elsewhere/app"
	expect 0 mab merge -t "$registry/app:1" a.json b.json
	mab copy --all "docker://$registry/app:1" oci:back
	[ "$(mab inspect oci:back | jq '.images | length')" -eq 3 ]
}

@test "another registry only with --copy" {
	other=localhost:${registry#*:}
	machine linux/amd64 a.json
	machine linux/arm64 b.json "$other/app"
	expect 1 mab merge -t "$registry/whole:1" a.json b.json
	has "$stderr" "b.json: the image is in the registry $other and the index goes to $registry: --copy"
	expect 1 mab inspect "docker://$registry/whole:1"
	expect 0 mab merge --copy -t "$registry/whole:1" a.json b.json
	mab copy --all "docker://$registry/whole:1" oci:back
}

@test "what cannot be one image" {
	machine linux/amd64 a.json
	cp a.json again.json
	expect 1 mab merge -t "$registry/app:1" a.json again.json
	has "$stderr" "again.json: a.json and again.json both have an image for linux/amd64"
	jq 'del(."containerimage.descriptor".platform)' a.json >b.json
	expect 1 mab merge -t "$registry/app:1" b.json
	has "$stderr" "b.json: b.json does not say for which platform it is"
	jq 'del(."image.name")' a.json >c.json
	expect 1 mab merge -t "$registry/app:1" c.json
	has "$stderr" "c.json: metadata: it has no image.name"
	echo '{"containerimage.descriptor": 7}' >d.json
	expect 1 mab merge -t "$registry/app:1" d.json
	has "$stderr" "d.json: metadata: containerimage.descriptor"
	jq --arg d "sha256:$(printf %064d 7)" '."containerimage.descriptor".digest = $d' a.json >e.json
	expect 1 mab merge -t "$registry/app:1" e.json
	has "$stderr" "e.json: cannot read $registry/app@sha256:00"
	expect 2 mab merge a.json
	expect 2 mab merge -t "$registry/app:1"
	expect 2 mab merge -t "$registry/app@sha256:$(printf %064d 7)" a.json
	expect 1 mab tags "$registry/app"
}

@test "pushed by digest by an output" {
	mab build --metadata-file a.json --platform linux/amd64 \
		-o "type=image,name=$registry/out,push-by-digest=true,push=true" ctx
	expect 1 mab tags "$registry/out"
	expect 0 mab merge -t "$registry/out:1" a.json
	[ "$(mab inspect "docker://$registry/out:1" | jq -r '.images[].platform')" = linux/amd64 ]
}

@test "what BuildKit writes" {
	machine linux/amd64 a.json
	jq '."image.name" = "other.example/x:1," + ."image.name"[0]' a.json >b.json
	expect 0 mab merge -t "$registry/app:1" b.json
}
