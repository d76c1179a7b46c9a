#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Images in archives and folders, as skopeo and buildah read and write them; the two
# formats of documents.

load ../registry/helpers

setup()
{
	registry_setup
	index=$("$here/make-image" src)
}

teardown()
{
	registry_teardown
}

# types_of NAME: the media types of all documents and blobs, each once.
types_of()
{
	skopeo copy -q --all "$1" dir:types
	jq -r '.mediaType, (.manifests // [.config, .layers[]] | .[].mediaType)' \
		types/*manifest.json | sort -u
	rm -r types
}

@test "oci-archive and dir hold the whole index, byte for byte" {
	for place in oci-archive:file dir:folder; do
		expect 0 mab copy --all oci:src:app "$place"
		[ "$output" = "$index" ]
		expect 0 mab copy --all "$place" "oci:back-${place%:*}:app"
		[ "$output" = "$index" ]
		same_blobs src "back-${place%:*}"
	done
}

@test "skopeo reads what was written" {
	need skopeo
	mab copy --all oci:src:app oci-archive:file:app
	mab copy --all oci:src:app dir:folder
	skopeo copy -q --all oci-archive:file:app oci:back1
	skopeo copy -q --all dir:folder oci:back2
	same_blobs src back1
	same_blobs src back2
	mab copy --platform linux/arm64 oci:src:app docker-archive:saved:some/app:1
	skopeo inspect docker-archive:saved:some/app:1 |
		jq -e '.Architecture == "arm64" and .Env == ["A=arm64"] and (.Layers | length) == 2'
	tar -xOf saved manifest.json | jq -e '.[0].RepoTags == ["docker.io/some/app:1"]'
	skopeo copy -q docker-archive:saved oci:back3
}

@test "what skopeo writes is read" {
	need skopeo
	skopeo copy -q --all oci:src:app oci-archive:file:app
	skopeo copy -q --all oci:src:app dir:folder
	skopeo copy -q --override-arch amd64 oci:src:app docker-archive:saved:some/app:1
	for place in oci-archive:file:app dir:folder; do
		expect 0 mab copy --all "$place" "oci:back-${place%%:*}:app"
		[ "$output" = "$index" ]
	done
	expect 0 mab inspect --config docker-archive:saved:some/app:1
	[ "$(jq -r .architecture <<<"$output")" = amd64 ]
	mab copy docker-archive:saved oci:layers
	expect 0 mab inspect oci:layers
	[ "$(jq '.layers | length' <<<"$output")" -eq 2 ]
}

@test "buildah pulls the archives, and its own are read" {
	need buildah
	[ "$(id -u)" = 0 ] || skip "needs root"
	buildah=(buildah --root "$PWD/root" --runroot "$PWD/runroot" --storage-driver vfs)
	mkdir archives
	"${top_srcdir:-.}/tests/transport/make-archives" archives
	for place in oci-archive:file:app docker-archive:saved:some/app:2 dir:folder; do
		mab copy docker-archive:archives/good.docker-archive "$place"
		id=$("${buildah[@]}" pull -q "$place")
		container=$("${buildah[@]}" from "$id")
		root=$("${buildah[@]}" mount "$container")
		[ "$(cat "$root/etc/one" "$root/etc/two" | wc -c)" -eq 6000 ]
	done
	"${buildah[@]}" images | grep -q 'docker.io/some/app *2 '
	"${buildah[@]}" push -q "$id" docker-archive:theirs:some/app:3
	expect 0 mab inspect --config docker-archive:theirs
	diff <(jq -S . <<<"$output") <(tar -xOf archives/good.docker-archive c.json | jq -S .)
}

@test "archives through pipes" {
	expect 0 mab copy --all oci:src:app oci-archive:- >file
	mab copy --all oci:src:app oci-archive:whole
	mab copy --all oci:src:app oci-archive:- >file
	cmp file whole
	expect 0 mab copy --all oci-archive:/dev/stdin oci:back < <(cat file)
	[ "$output" = "$index" ]
}

@test "an archive has one image in place of another; a layout keeps both" {
	mab copy --platform linux/amd64 oci:src:app oci-archive:file:one
	mab copy --platform linux/arm64 oci:src:app oci-archive:file:two
	expect 1 mab inspect oci-archive:file:one
	has "$stderr" "file has no image 'one', only: two"
	mab copy --platform linux/amd64 docker-archive:none oci:x && return 1
	expect 1 mab copy --all oci:src:app docker-archive:x
	has "$stderr" "one platform"
	[ ! -e x ]
	mkdir full
	touch full/mine
	expect 1 mab copy --all oci:src:app dir:full
	has "$stderr" "not empty"
	[ -e full/mine ]
}

@test "--format docker and back; layers and configurations are the same bytes" {
	need skopeo
	expect 0 mab copy --all --format docker oci:src:app dir:docker
	[ "$output" != "$index" ]
	docker=$output
	cat >want <<-'EOF'
		application/vnd.docker.container.image.v1+json
		application/vnd.docker.distribution.manifest.list.v2+json
		application/vnd.docker.distribution.manifest.v2+json
		application/vnd.docker.image.rootfs.diff.tar.gzip
	EOF
	diff want <(types_of dir:docker)
	for blob in docker/*; do
		[[ $blob == *json || $blob == */version ]] || cmp "$blob" "src/blobs/sha256/${blob##*/}"
	done
	expect 0 mab copy --all --format docker dir:docker oci:same
	[ "$output" = "$docker" ]
	mab copy --all --format oci dir:docker oci:oci
	diff - <(types_of oci:oci) <<-'EOF'
		application/vnd.oci.image.config.v1+json
		application/vnd.oci.image.index.v1+json
		application/vnd.oci.image.layer.v1.tar+gzip
		application/vnd.oci.image.manifest.v1+json
	EOF
	expect 0 mab copy --all --preserve-digests --format oci oci:src:app dir:kept
	[ "$output" = "$index" ]
	expect 1 mab copy --all --preserve-digests --format docker oci:src:app dir:not
	has "$stderr" "--preserve-digests"
	[ ! -e not ]
}

@test "a registry takes and gives either format" {
	need skopeo
	docker_registry
	mab copy --all --format docker oci:src:app "docker://$registry/app:docker"
	skopeo inspect --raw --tls-verify=false "docker://$registry/app:docker" |
		jq -e '.mediaType | endswith("manifest.list.v2+json")'
	mab copy --all --format oci "docker://$registry/app:docker" oci:back:app
	mab copy --all --format docker oci:back:app dir:one
	mab copy --all "docker://$registry/app:docker" dir:two
	diff -r one two
	mab copy --platform linux/arm/v7 --format docker oci:src:app "docker://$registry/app:arm"
	skopeo inspect --raw --tls-verify=false "docker://$registry/app:arm" |
		jq -e '.mediaType | endswith("manifest.v2+json")'
}

@test "zstd has no place in Docker's format" {
	sed -i 's/tar+gzip/tar+zstd/g' src/blobs/sha256/*
	# The digests of the manifests that were changed.
	for _ in 1 2; do
		for file in src/blobs/sha256/*; do
			blob=${file##*/}
			new=$(sha256sum <"$file" | cut -d' ' -f1)
			[ "$new" = "$blob" ] && continue
			mv "$file" "src/blobs/sha256/$new"
			sed -i "s/$blob/$new/g" src/blobs/sha256/* src/index.json
		done
	done
	expect 0 mab copy --all oci:src:app oci:back
	expect 1 mab copy --all --format docker oci:src:app oci:docker
	has "$stderr" "is compressed with zstd, which Docker's format does not have"
	[ ! -e docker ]
}
