#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# From one registry to another: what is read there is sent here, and nothing is kept.

load helpers

setup()
{
	registry_setup
}

teardown()
{
	registry_teardown
}

# between FAULT... -- FAULT...: a registry with an image, $from, and an empty one, $to.
between()
{
	local of_source=()
	while [ "$1" != -- ]; do
		of_source+=("$1")
		shift
	done
	fake_registry "${of_source[@]}"
	from=$registry
	mab copy --all oci:src:app "docker://$from/app:1"
	mv fake.log from.log
	rm fake.port
	fake_registry "${@:2}"
	to=$registry
}

# onward STATUS: the copy ends so, with $said; if well, it is whole.
onward()
{
	expect "$1" timeout 60 "$top_builddir/mab-build" copy --all --retry-delay=20 \
		"docker://$from/app:1" "docker://$to/app:1"
	said=$stderr
	if [ "$1" -eq 0 ]; then
		mab copy --all "docker://$to/app:1" oci:back
		same_blobs src back
	else
		expect 1 mab inspect "docker://$to/app:1"
		[ "$(requests '^PUT .*/manifests/')" -eq 0 ]
	fi
}

@test "each blob is read once, in little memory, and nothing is written here" {
	"$here/make-image" src 10000000
	docker_registry
	mab copy --all oci:src:app "docker://$registry/app:1"
	: >registry.log
	# The same registry under another name is another one to the client.
	expect 0 env TMPDIR=/nowhere python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' \
		"$top_builddir/mab-build" copy --all "docker://$registry/app:1" \
		"docker://localhost:${registry#*:}/other:1"
	kilobytes=${lines[1]}
	[ "$kilobytes" -lt 60000 ] || { echo "$kilobytes KB"; false; }
	[ "$(requests '"GET /v2/app/blobs' registry.log)" -eq 7 ]
	[ "$(requests '"PUT /v2/other/blobs' registry.log)" -eq 7 ]
	mab copy --all "docker://$registry/other:1" oci:back
	same_blobs src back
}

@test "the source breaks off, and is continued" {
	"$here/make-image" src 1500000
	between truncate=5 --
	onward 0
	[ "$(requests '^GET /v2/app/blobs/sha256' from.log)" -eq 12 ]
	[ "$(requests '^POST')" -eq 7 ]
}

@test "the same where the source has no ranges" {
	"$here/make-image" src 1500000
	between truncate=3 no-range=9 --
	onward 0
}

@test "the destination breaks off, and is continued" {
	"$here/make-image" src 1500000
	between -- reset=4
	onward 0
	[ "$(requests '^POST')" -eq 7 ]
	has "$said" "going on in"
}

@test "both break off, and sessions are lost" {
	"$here/make-image" src 1500000
	between truncate=4 -- reset=2 lose=2 busy=2
	onward 0
}

@test "damaged once, and always" {
	"$here/make-image" src 1500000
	between damage --
	onward 0
	has "$said" "what came has another digest; trying again"
	rm -r back
	registry_teardown
	between damage=100 --
	onward 1
	has "$said" "cannot read $from/app@sha256:"
	has "$said" "what came has another digest"
}

@test "what the source has lost, and a source without an end" {
	"$here/make-image" src 1500000
	between endless=100 --
	onward 1
	has "$said" "what came has another digest"
	registry_teardown
	between --
	index=$(mab inspect --raw oci:src | jq -r '.manifests[0].digest')
	rm fake.log
	"$here/make-image" other 10
	expect 1 mab copy "docker://$from/app@${index}" "docker://$to/app@sha256:$(printf %064d 0)"
	has "$stderr" "the image has the digest $index"
}

@test "an interrupted copy ends soon" {
	"$here/make-image" src 1500000
	between truncate=1000 --
	"$top_builddir/mab-build" copy --all --retry=50 "docker://$from/app:1" \
		"docker://$to/app:1" 2>errors &
	pid=$!
	wait_for grep -q "trying again" errors
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	grep -q "canceled" errors
	[ "$(requests '^PUT .*/manifests/')" -eq 0 ]
}
