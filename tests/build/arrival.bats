#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Bases that are unpacked while they are downloaded, and what may go wrong meanwhile.

load helpers

setup()
{
	build_setup
	mkdir ctx base
	cp "$(busybox_of linux/amd64)" base/busybox
	head -c 3M /dev/urandom >base/first
	head -c 5M /dev/urandom >base/last
}

teardown()
{
	registry_teardown
}

# FAULT... <<EOF: $registry/base:1, of a registry with these faults, as this Dockerfile says.
faulty_base()
{
	fake_registry "$@"
	cat >base/Dockerfile
	build --platform linux/amd64 -t "$registry/base:1" --push base
	: >fake.log
	export MAB_BUILD_ROOT=$PWD/other # has nothing of it
	dockerfile <<-'EOF'
		FROM $BASE
		RUN ["/busybox", "touch", "/new"]
	EOF
}

one_layer()
{
	faulty_base "$@" <<-'EOF'
		FROM scratch
		COPY busybox first last /
	EOF
}

# How often its blobs were asked for, the configuration among them.
asked()
{
	requests '^GET /v2/base/blobs/sha256'
}

built_well()
{
	[ "$(file_of_store first)" = "$(sha256sum <base/first)" ]
	[ "$(file_of_store last)" = "$(sha256sum <base/last)" ]
	nothing_left
}

file_of_store() # NAME
{
	find other/snapshots -path "*/fs/$1" -exec sha256sum {} + | sed 's/ .*/  -/'
}

nothing_left()
{
	[ -z "$(ls -A other/tmp)" ]
}

# The first file of the large layer is unpacked, though the layer is not there.
is_on_its_way()
{
	[ "$(find other/tmp -path '*/fs/first' -size 3M | wc -l)" -eq 1 ] &&
		[ "$(find other/blobs -size +2M | wc -l)" -eq 0 ]
}

held_build()
{
	build ctx >log 2>&1 3>&- &
	building=$!
	wait_for is_on_its_way || {
		cat log
		return 1
	}
}

@test "a base is unpacked while it is downloaded" {
	one_layer hold
	held_build
	touch fake.go
	wait "$building"
	[ "$(asked)" -eq 2 ]
	[ "$(requests '^GET /v2/base/manifests/')" -eq 1 ]
	built_well
}

# The upper layer is fetched by another thread than that which unpacks.
@test "so is a layer that is fetched ahead" {
	faulty_base hold <<-'EOF'
		FROM scratch
		COPY busybox /
		COPY first last /
	EOF
	held_build
	touch fake.go
	wait "$building"
	[ "$(asked)" -eq 3 ]
	built_well
}

@test "a download that breaks off is continued" {
	one_layer truncate-large=4
	build ctx
	built_well
}

@test "damage is found at the end, and what was unpacked of it goes" {
	one_layer damage-end
	run build ctx
	[ "$status" -eq 0 ]
	[[ $output == *"what came has another digest; trying again"* ]]
	[ "$(asked)" -eq 3 ]
	built_well
}

@test "so it is where the layer is only looked at" {
	one_layer damage-end
	echo text >ctx/file
	dockerfile <<<$'FROM $BASE\nCOPY file /first/'
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"what came has another digest; trying again"* ]]
	[[ $output == *"/first is not a folder"* ]]
	dockerfile <<<$'FROM $BASE\nCOPY file /'
	build ctx
}

@test "damage each time" {
	one_layer damage-end=100
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"cannot read $registry/base@sha256:"*"what came has another digest"* ]]
	[ -z "$(ls other/snapshots)" ]
	[ "$(find other/blobs -size +2M | wc -l)" -eq 0 ]
	nothing_left
}

@test "a download that breaks off for good" {
	one_layer truncate-large=1000
	run build --retry=2 --retry-delay=20 ctx
	[ "$status" -eq 1 ]
	[[ $output == *"cannot read $registry/base@sha256:"* ]]
	[ -z "$(ls other/snapshots)" ]
	nothing_left
}

@test "a hostile layer is told of, and not asked for again" {
	fake_registry
	"$top_srcdir/tests/build/make-layers" base/busybox base=8
	mab copy --dest-tls-verify=false oci:layout:base "docker://$registry/base:1"
	: >fake.log
	dockerfile <<<$'FROM $BASE\nRUN true'
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"../evil"* ]]
	[ "$(asked)" -eq 2 ]
	[ -z "$(ls -A store/tmp)" ]
	[ -z "$(ls store/snapshots)" ]
}

@test "the build is ended while a base comes" {
	one_layer hold
	"${top_builddir:-build}/mab-build" build --tls-verify=false ctx >log 2>&1 3>&- &
	building=$!
	wait_for is_on_its_way
	kill -TERM "$building"
	status=0
	wait "$building" || status=$?
	touch fake.go
	[ "$status" -ne 0 ]
	nothing_left
}
