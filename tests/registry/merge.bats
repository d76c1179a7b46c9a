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

@test "names as BuildKit writes them, and as a list" {
	machine linux/amd64 a.json
	[ "$(jq -r '."image.name"' a.json)" = "$registry/app" ]
	jq '."image.name" = "other.example/x:1," + ."image.name"' a.json >b.json
	expect 0 mab merge -t "$registry/app:1" b.json
	jq '."image.name" = ["other.example/x:1", ."image.name"]' a.json >c.json
	expect 0 mab merge -t "$registry/app:2" c.json
	mab build -t one:1 -t other.example/two --metadata-file d.json ctx
	[ "$(jq -r '."image.name"' d.json)" = one:1,other.example/two ]
	mab build --metadata-file e.json ctx
	jq -e 'has("image.name") | not' e.json
}

@test "images under tags, as docker://" {
	mab build --platform linux/amd64 -t "$registry/app:n-amd64" --push ctx
	mab build --platform linux/arm/v7,linux/arm64 -t "$registry/app:n-arm" --push ctx
	machine linux/riscv64 c.json
	expect 0 mab merge -t "$registry/app:1" "docker://$registry/app:n-amd64" \
		"docker://$registry/app:n-arm" c.json
	mab inspect "docker://$registry/app:1" >whole.json
	jq -e '[.images[].platform] ==
		["linux/amd64", "linux/arm/v7", "linux/arm64", "linux/riscv64"]' whole.json
	digest=$(mab inspect "docker://$registry/app:n-amd64" | jq -r .digest)
	expect 0 mab merge -t "$registry/app:2" "docker://$registry/app@$digest"
	expect 1 mab merge -t "$registry/app:3" "docker://$registry/app:n-amd64" \
		"docker://$registry/app:1"
	has "$stderr" "$registry/app:n-amd64 and $registry/app:1 both have an image for linux/amd64"
	expect 1 mab merge -t "$registry/app:3" "docker://$registry/app:none"
	has "$stderr" "$registry/app:none"
	expect 1 mab merge -t "$registry/app:3" "docker://localhost:${registry#*:}/app:1"
	has "$stderr" "--copy copies it there"
	expect 1 mab merge -t "$registry/app:3" "docker://$registry/APP:1"
	expect 1 mab inspect "docker://$registry/app:3"
}

@test "attestations are for no platform, and stay" {
	mab build --platform linux/amd64 -t "$registry/app:a" --push ctx
	mab build --platform linux/arm64 -t "$registry/app:b" --push ctx
	for tag in a b; do
		skopeo inspect --tls-verify=false --raw "docker://$registry/app:$tag" >m.json
		jq -n --arg digest "sha256:$(sha256sum <m.json | cut -d' ' -f1)" \
			--arg arch "$([ $tag = a ] && echo amd64 || echo arm64)" \
			--argjson size "$(stat -c %s m.json)" '{schemaVersion: 2,
			mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
			{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
			 platform: {os: "linux", architecture: $arch}},
			{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
			 platform: {os: "unknown", architecture: "unknown"}}]}' |
			put_manifest "app:i$tag" oci.image.index
	done
	expect 0 mab merge -t "$registry/app:1" "docker://$registry/app:ia" "docker://$registry/app:ib"
	skopeo inspect --tls-verify=false --raw "docker://$registry/app:1" |
		jq -e '[.manifests[].platform.architecture] ==
			["amd64", "unknown", "arm64", "unknown"]'
}
