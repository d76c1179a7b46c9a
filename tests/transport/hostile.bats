#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Archives of images that are damaged, want out, or are as old programs wrote them.

load ../registry/helpers

setup()
{
	registry_setup
	mkdir archives
	"${top_srcdir:-.}/tests/transport/make-archives" archives
}

# try FILE: copies the image of an archive into the layout out.
try()
{
	rm -rf out
	run --separate-stderr mab copy "${1##*.}:$1" oci:out:x
}

@test "the refusal names the archive, the member, and what is wrong; no image is left" {
	n=0
	for want in archives/*.want; do
		try "${want%.want}"
		echo "$want: $status $stderr"
		[ "$status" -eq 1 ]
		has "$stderr" "$(cat "$want")"
		has "$stderr" archives/
		[ ! -e out ] || [ "$(jq '.manifests | length' out/index.json)" -eq 0 ]
		n=$((n + 1))
	done
	[ "$n" -ge 25 ]
}

@test "the same images, packed one way or the other" {
	for file in archives/{dots,legacy,hard-link,compressed}.docker-archive; do
		try archives/good.docker-archive
		good=$output
		try "$file"
		echo "$file: $status $stderr"
		[ "$status" -eq 0 ]
		[ "$output" = "$good" ]
	done
	try archives/gzip-layers.docker-archive
	[ "$status" -eq 0 ]
	try archives/good.oci-archive
	[ "$status" -eq 0 ]
}

@test "compressed layers of a docker-archive stay so" {
	try archives/gzip-layers.docker-archive
	manifest=out/blobs/$(tr : / <<<"$output")
	jq -e '[.layers[].mediaType | sub(".*layer.v1"; "")] == [".tar+gzip", ".tar"]' "$manifest"
	layer=$(jq -r '.layers[0].digest' "$manifest")
	[ "$(tar -xzOf "out/blobs/${layer/://}" etc/one | wc -c)" -eq 3000 ]
}

@test "a failed copy leaves the archive or folder that was there" {
	for kind in oci-archive docker-archive dir; do
		mab copy docker-archive:archives/good.docker-archive "$kind:there"
		find there -type f -exec sha256sum {} + >before
		run mab copy docker-archive:archives/wrong-layer.docker-archive "$kind:there"
		[ "$status" -eq 1 ]
		find there -type f -exec sha256sum {} + | diff before -
		[ "$(ls -d there*)" = there ]
		rm -r there
	done
}
