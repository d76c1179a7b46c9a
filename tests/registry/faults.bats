#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A registry and a network that fail: it ends well, or says what happened.

load helpers

setup()
{
	registry_setup
	"$here/make-image" src 600000
}

teardown()
{
	registry_teardown
}

# up FAULT...: a push to a registry with these faults must succeed and be whole.
up()
{
	fake_registry "$@"
	expect 0 timeout 60 "$top_builddir/mab-build" copy --all --retry-delay=20 \
		oci:src:app "$registry/app:1"
	whole
}

whole()
{
	mab copy --all "$registry/app:1" oci:back
	same_blobs src back
}

# down STATUS FAULT...: a pull from one ends so.
down()
{
	local wanted=$1
	shift
	fake_registry "$@"
	mab copy --all oci:src:app "$registry/app:1"
	expect "$wanted" timeout 60 "$top_builddir/mab-build" copy --all --retry-delay=20 \
		"$registry/app:1" oci:back
	[ "$wanted" -eq 1 ] || same_blobs src back
}

@test "push: busy at first" {
	up busy=3
	has "$stderr" "$registry answered 503; trying again in"
}

@test "push: a part breaks off, and is continued" {
	up reset=3
	[ "$(requests '^PATCH')" -ge 6 ]
	[ "$(requests '^GET /v2/app/blobs/uploads')" -ge 3 ]
	has "$stderr" "going on in"
}

@test "push: the session is lost" {
	up lose=1
	[ "$(requests '^POST')" -eq 8 ]
}

@test "push: the session is lost again and again" {
	fake_registry lose=100
	expect 1 mab copy --all --retry-delay=5 --retry=9 oci:src:app "$registry/app:1"
	has "$stderr" "lost what was uploaded, 5 times"
	expect 1 mab inspect "$registry/app:1"
}

@test "push: the last request's answer is lost, though it counted" {
	up lost-put=7
	[ "$(requests '^POST')" -eq 7 ]
}

@test "push: the last request fails" {
	up fail-put=2
}

@test "push: damaged on its way, once and always" {
	up garble
	registry_teardown
	fake_registry garble=100
	expect 1 mab copy --all --retry-delay=20 oci:src:app "$registry/app:1"
	has "$stderr" "$registry answered 400: digest invalid"
}

@test "push: Location is relative" {
	up relative
}

@test "push: too large for one request" {
	rm -r src
	"$here/make-image" src 40000000
	up too-large=3
	[ "$(requests '^PATCH')" -eq 9 ]
}

@test "push: refused for good is not repeated, and nothing is published" {
	fake_registry
	chmod -R u+w src
	rm "src/blobs/sha256/$(mab inspect --platform arm64 oci:src | jq -r '.layers[1].digest[7:]')"
	expect 1 mab copy --all oci:src:app "$registry/app:1"
	has "$stderr" "src has no blob sha256:"
	expect 1 mab inspect "$registry/app:1"
	[ "$(requests '^PUT .*/manifests/')" -eq 0 ]
}

@test "pull: a layer breaks off, and is continued" {
	down 0 truncate=4
	has "$stderr" "trying again in"
}

@test "pull: the same where the registry has no ranges" {
	down 0 truncate=2 no-range=9
}

@test "pull: damaged once, and always" {
	down 0 damage
	has "$stderr" "what came has another digest; trying again"
	rm -r back
	registry_teardown
	down 1 damage=100
	has "$stderr" "what came has another digest"
	expect 1 mab inspect oci:back
}

@test "pull: a body without an end" {
	down 1 endless=9
	has "$stderr" "more comes than the"
}

@test "pull: a manifest that is too large, or another" {
	down 1 big
	has "$stderr" "more than 4194304 bytes"
	expect 0 mab inspect "$registry/app:1"
	registry_teardown
	down 1 other
	has "$stderr" "has another digest"
}

@test "pull: a limit with a date to come back" {
	down 0 limit
	has "$stderr" "$registry answered 429; trying again in"
}

@test "pull: sent to another host, which sees no secret" {
	fake_registry --token redirect=7
	mab copy --all --creds=user:secret oci:src:app "$registry/app:1"
	mab copy --all --creds=user:secret "$registry/app:1" oci:back
	same_blobs src back
	[ "$(requests '^GET /elsewhere/[^ ]* -$')" -eq 7 ]
	[ "$(requests '^GET /elsewhere')" -eq 7 ]
}

@test "nobody there" {
	expect 1 mab tags --retry=1 --retry-delay=1 127.0.0.1:1/app
	has "$stderr" "cannot connect to 127.0.0.1:1"
	has "$stderr" "Connection refused"
	has "$stderr" "(2 attempts)"
	expect 1 mab tags --retry=0 no.such.host.invalid/app
	has "$stderr" "cannot find the address of no.such.host.invalid (looking up its name"
	has "$stderr" "--add-host"
}

@test "plain HTTP only here, or when it is allowed" {
	fake_registry
	mab copy --all oci:src:app "$registry/app:1"
	port=${registry#*:}
	expect 1 mab tags --retry=0 --add-host=other.example:127.0.0.1 "other.example:$port/app"
	has "$stderr" "if it is meant to be without TLS, use --tls-verify=false"
	expect 0 mab tags --add-host=other.example:127.0.0.1 --tls-verify=false \
		"other.example:$port/app"
}

@test "an interrupted push ends soon, closes its sessions and publishes nothing" {
	fake_registry busy=1000
	"$top_builddir/mab-build" copy --all --retry=20 oci:src:app "$registry/app:1" 2>errors &
	pid=$!
	wait_for grep -q "trying again" errors
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	grep -qx "mab-build: .*canceled" errors
	[ "$(requests '^PUT .*/manifests/')" -eq 0 ]
}

@test "a fifth of all requests fails: every push ends right, or says so and publishes nothing" {
	rm -r src
	"$here/make-image" src 300000
	fake_registry random=20
	good=0
	for n in 1 2 3 4 5 6 7 8; do
		if timeout 60 "$top_builddir/mab-build" copy --all --retry-delay=5 --retry=8 \
			oci:src:app "$registry/app$n:1" 2>>errors; then
			good=$((good + 1))
			expect 0 mab copy --all --retry-delay=5 --retry=30 "$registry/app$n:1" "oci:back$n"
			same_blobs src "back$n"
		fi
	done
	[ "$good" -ge 6 ]
}
