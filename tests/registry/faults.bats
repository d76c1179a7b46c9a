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

# not_up TEXT FAULT...: a push must fail and say so, and nothing is published.
not_up()
{
	fake_registry "${@:2}"
	expect 1 timeout 60 "$top_builddir/mab-build" copy --all --retry-delay=5 --retry=2 \
		oci:src:app "$registry/app:1"
	has "$stderr" "${1//REGISTRY/$registry}"
	[ "$(requests 'PUT .*/manifests/1 ')" -eq 0 ]
	registry_teardown
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
	if [ "$wanted" -eq 0 ]; then
		same_blobs src back
	else
		undamaged back
		[ ! -e back/index.json ] || [ "$(jq '.manifests | length' back/index.json)" -eq 0 ]
	fi
}

# not_down TEXT FAULT...: a pull must fail and say so, and leaves nothing damaged.
not_down()
{
	down 1 "${@:2}"
	has "$stderr" "${1//REGISTRY/$registry}"
	registry_teardown
	rm -rf back
}

# Whatever a layout has is what its name says.
undamaged() # FOLDER
{
	local blob digest
	for blob in "$1"/blobs/sha256/*; do
		[ -e "$blob" ] || continue
		digest=$(sha256sum <"$blob")
		[ "${blob##*/}" = "${digest%% *}" ] || return 1
	done
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
	not_up "(3 attempts)" lose=100
	[ "$(requests '^POST')" -le $((7 * 3)) ]
	# Which blob is given up first, and after which request, depends.
	not_up "cannot write REGISTRY/app@sha256:" vanish=100
	[ "$(requests '^POST')" -le $((2 * 7 * 3)) ]
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

@test "push: the session is gone when it is to end" {
	up vanish=1
}

@test "push: the registry keeps less than it was sent" {
	up short=2
	[ "$(requests '^PATCH')" -eq 5 ]
}

@test "push: the state of a broken session is not told" {
	up reset=2 no-state=2
}

@test "push: uploads go to another host, which sees no secret" {
	fake_registry --token other-host
	mab copy --all --creds=user:secret oci:src:app "$registry/app:1"
	mab copy --all --creds=user:secret "$registry/app:1" oci:back
	same_blobs src back
	[ "$(requests '^(PATCH|PUT) /v2/app/blobs/uploads/[^ ]* -$')" -eq 10 ]
	[ "$(requests '^(PATCH|PUT) /v2/app/blobs/uploads/')" -eq 10 ]
}

@test "push: what is there is said not to be" {
	up head-404=9
}

@test "push: digests are never told" {
	up no-digest
	expect 0 mab copy --all oci:src:app "$registry/app:1"
}

@test "push: a manifest fails, or its answer is lost" {
	up manifest-fail=3
	registry_teardown
	up manifest-lost=3
}

@test "push: refused, and said so" {
	not_up "REGISTRY answered 403: quota exceeded; there are no credentials for it" quota=9
	not_up "REGISTRY answered 507: unknown; it has no room left" full=9
	not_up "REGISTRY gave no place to upload to" no-location=9
	not_up "REGISTRY changed it, to sha256:" manifest-changed=9
	not_up "REGISTRY answered 500: unknown (3 attempts)" manifest-fail=99
	not_up "REGISTRY answered 503 (3 attempts)" busy=999
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
	down 0 other
	has "$stderr" "has another digest: it was damaged or replaced on its way; trying again"
}

@test "pull: a manifest breaks off, or has no type, or no digest" {
	down 0 manifest-truncate=3
	registry_teardown
	rm -r back
	down 0 manifest-type
	registry_teardown
	rm -r back
	down 0 no-digest
}

@test "pull: a blob is too short, though in good form" {
	down 0 cut
	has "$stderr" "bytes came, it should have"
}

@test "pull: a layer breaks off at its very end" {
	down 0 no-end=3
}

@test "pull: what cannot come right, said so" {
	not_down "has another digest: it was damaged" other=9
	not_down "more than 4194304 bytes" manifest-endless=9
	not_down "it says that it is application/vnd.oci.image.index.v1+json, and was sent as" manifest-lie
	not_down "manifest" manifest-garbage=9
	not_down "more than 64 KiB of headers" headers=9
	not_down "REGISTRY answered 404: blob unknown" gone=9
	not_down "bytes came, it should have" cut=99
	not_down "asked for bytes from" truncate=9 wrong-range=9
	not_down "REGISTRY redirects more than 10 times" loop=99
	not_down "REGISTRY redirects (307) to no usable address" nowhere=9
	not_down "REGISTRY redirects (307) to no usable address" to-file=9
	not_down "wants a login, in a way that is not known here" unknown-login=9
	not_down "REGISTRY answered 429: busy; it limits how much may be asked for: log in, or wait; it asks to come back later (Retry-After: 3600)" long-limit=9
}

@test "pull: sizes that are not true" {
	fake_registry
	mab copy --all oci:src:app "$registry/app:1"
	index=$(mab inspect --raw "$registry/app:1")
	jq -c '.manifests[1].size += 1' <<<"$index" | put_manifest app:2 oci.image.index
	expect 1 mab copy --all "$registry/app:2" oci:back
	has "$stderr" "bytes, its index says"
	mab inspect --raw --platform amd64 "$registry/app:1" |
		jq -c '.layers[1].size -= 1' | put_manifest app:3 oci.image.manifest
	expect 1 mab copy "$registry/app:3" oci:back
	has "$stderr" "more comes than the"
	mab inspect --raw --platform amd64 "$registry/app:1" |
		jq -c '.config.size += 1' | put_manifest app:4 oci.image.manifest
	expect 1 mab copy "$registry/app:4" oci:back
	has "$stderr" "bytes came, it should have"
	undamaged back
	expect 1 mab inspect oci:back
}

@test "tags: no list, and one without an end" {
	fake_registry tags-garbage
	mab copy --all oci:src:app "$registry/app:1"
	expect 1 mab tags "$registry/app"
	has "$stderr" "cannot list the tags of $registry/app: the answer is no list of tags"
	registry_teardown
	fake_registry tags-again
	mab copy --all oci:src:app "$registry/app:1"
	expect 1 timeout 60 "$top_builddir/mab-build" tags "$registry/app"
	has "$stderr" "its next page is one that was there before"
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

@test "pull: what a registry says does not reach the terminal as it is" {
	not_down "Retry-After: 3600 [31m" escape=9
	[[ $stderr != *$'\033'* ]]
}

@test "a registry with TLS that hangs up once is not taken for one without" {
	certificate IP:127.0.0.1
	cat tls.crt tls.key >both.pem
	fake_registry --tls=both.pem base-reset
	expect 0 mab copy --all --tls-verify=false --retry-delay=5 oci:src:app "$registry/app:1"
	[ "$(requests '^GET /v2/ ')" -eq 2 ]
	[ "$(requests '^PUT .*/manifests/1 ')" -eq 1 ]
}

@test "push: from a registry with TLS to an address without" {
	certificate IP:127.0.0.1
	cat tls.crt tls.key >both.pem
	mkdir certs
	mv tls.crt certs/ca.crt
	fake_registry --tls=both.pem plain-location
	expect 1 mab copy --all --cert-dir=certs oci:src:app "$registry/app:1"
	has "$stderr" "$registry wants it sent to an address without TLS; that is done only with --tls-verify=false"
	[ "$(requests '^(PATCH|PUT)')" -eq 0 ]
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
