#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# How much is asked of a registry: nothing twice, and several things at once.

load helpers

setup()
{
	registry_setup
	"$here/make-image" src
}

teardown()
{
	registry_teardown
}

# asked COMMAND...: sets asked to its requests, without that by which it finds the registry.
asked()
{
	: >fake.log
	expect 0 "$@"
	asked=$(grep -v '^GET /v2/ ' fake.log | cut -d' ' -f1,2)
	echo "$asked"
}

@test "a first push: each blob once, each manifest once, nothing is read" {
	fake_registry
	asked mab copy --all oci:src:app "$registry/app:1"
	# The tag and the index; seven blobs, three manifests; and then they go up.
	[ "$(grep -c ^HEAD <<<"$asked")" -eq $((2 + 7 + 3)) ]
	[ "$(grep -c ^POST <<<"$asked")" -eq 7 ]
	[ "$(grep -c '^PUT .*/blobs/' <<<"$asked")" -eq 7 ]
	[ "$(grep -c '^PUT .*/manifests/' <<<"$asked")" -eq 4 ]
	[ "$(wc -l <<<"$asked")" -eq $((12 + 7 + 7 + 4)) ]
}

@test "a pull: each manifest and blob once" {
	fake_registry
	mab copy --all oci:src:app "$registry/app:1"
	asked mab copy --all "$registry/app:1" oci:back
	[ "$(wc -l <<<"$asked")" -eq $((4 + 7)) ]
	[ "$(sort <<<"$asked" | uniq -d)" = "" ]
	# Again, it is asked whether the tag is another one now.
	asked mab copy --all "$registry/app:1" oci:back
	[ "$asked" = "GET /v2/app/manifests/1" ]
}

@test "a tag that is there already" {
	fake_registry
	mab copy --all oci:src:app "$registry/app:1"
	asked mab copy --all oci:src:app "$registry/app:1"
	[ "$asked" = "HEAD /v2/app/manifests/1" ]
	asked mab copy --all "$registry/app:1" "$registry/app:1"
	[ "$asked" = $'GET /v2/app/manifests/1\nHEAD /v2/app/manifests/1' ]
}

@test "a second tag moves one manifest" {
	fake_registry
	index=$(mab copy --all oci:src:app "$registry/app:1")
	second=$'HEAD /v2/app/manifests/2\nHEAD /v2/app/manifests/'$index$'\nPUT /v2/app/manifests/2'
	asked mab copy --all oci:src:app "$registry/app:2"
	[ "$asked" = "$second" ]
	asked mab copy --all "$registry/app:1" "$registry/app:3"
	[ "$asked" = $'GET /v2/app/manifests/1\n'"${second//s\/2/s/3}" ]
}

@test "another repository of the registry: blobs are mounted" {
	fake_registry
	mab copy --all oci:src:app "$registry/app:1"
	asked mab copy --all "$registry/app:1" "$registry/other:1"
	[ "$(grep -c '^POST .*mount=sha256:.*from=app' <<<"$asked")" -eq 7 ]
	[ "$(grep -cE '^(GET|PUT) .*/blobs/' <<<"$asked")" -eq 0 ]
	[ "$(grep -c '^GET .*/manifests/' <<<"$asked")" -eq 4 ]
	asked mab copy --all "$registry/other:1" oci:back
	same_blobs src back
}

@test "a later push remembers where the registry has the blobs" {
	fake_registry
	one=$registry
	mab copy --all oci:src:app "$one/app:1"
	mab pull --all "$one/app:1" # makes a store
	asked mab copy --all oci:src:app "$one/other:1"
	[ "$(grep -c '^POST .*mount=sha256:.*from=app' <<<"$asked")" -eq 7 ]
	[ "$(grep -c '^PUT .*/blobs/' <<<"$asked")" -eq 0 ]
	# What another registry has is of no use, and not told.
	rm fake.port
	fake_registry
	asked mab copy --all oci:src:app "$registry/third:1"
	[ "$(grep -c '^POST' <<<"$asked")" -eq 7 ]
	run ! grep mount= <<<"$asked"
	mab prune --all
	asked mab copy --all oci:src:app "$registry/fourth:1"
	run ! grep mount= <<<"$asked"
}

@test "what was remembered and is gone goes up, in the session that was offered" {
	docker_registry
	mab copy --all oci:src:app "$registry/app:1"
	mab pull --all "$registry/app:1"
	rm -r storage/docker/registry/v2/repositories/app
	: >registry.log
	expect 0 mab copy --all oci:src:app "$registry/other:1"
	[ "$(requests '"POST [^ ]*mount=sha256:[^ ]*from=app[^ ]* [^"]*" 202 ' registry.log)" -eq 7 ]
	[ "$(requests '"POST ' registry.log)" -eq 7 ]
	mab copy --all "$registry/other:1" oci:back
	same_blobs src back
}

@test "what could not be pushed is not remembered" {
	fake_registry
	mab copy --all oci:src:app "$registry/app:1"
	mab pull --all "$registry/app:1" # makes a store
	rm -r store/records/seen/* fake.port
	fake_registry quota=100
	expect 1 mab copy --all oci:src:app "$registry/app:1"
	[ -z "$(find store/records/seen -type f)" ]
}

@test "the manifests of an index are fetched at once" {
	fake_registry meet=3
	mab copy --all oci:src:app "$registry/app:1"
	expect 0 mab copy --all "$registry/app:1" oci:back
	same_blobs src back
	registry_teardown
	fake_registry
	target=$registry
	fake_registry meet=3
	mab copy --all oci:src:app "$registry/app:1"
	expect 0 mab copy --all "$registry/app:1" "$target/app:1"
}

@test "a wrong password is sent once" {
	need htpasswd
	htpasswd -Bbn user secret >users 2>/dev/null
	docker_registry "auth: {htpasswd: {realm: test, path: $PWD/users}}"
	expect 1 mab tags --creds=user:other "$registry/app"
	has "$stderr" "these credentials may not do that"
	# One asked whether a login is wanted.
	[ "$(requests '"GET /v2/[^"]*" 401 ' registry.log)" -eq 2 ]
}
