#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A docker-registry that wants tokens, and a server that gives them.

load helpers

setup()
{
	registry_setup
	need openssl
	"$here/make-image" src
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout sign.key -out sign.crt \
		-subj '/CN=Test Issuer' 2>/dev/null
}

teardown()
{
	registry_teardown
}

# token_registry [OPTION]...: those of token-server. scheme is that of its realm, and what
# is in http goes into the registry's configuration.
token_registry()
{
	: >tokens
	rm -f token.port
	python3 "$here/token-server" tokens sign.key sign.crt "$@" >token.port 2>token.err 3>&- &
	pids+=($!)
	wait_for test -s token.port
	docker_registry "auth: {token: {realm: '${scheme:-http}://127.0.0.1:$(cat token.port)/token',
  service: test-service, issuer: test-issuer, rootcertbundle: $PWD/sign.crt}}" ${http:+"$http"}
}

# given FILTER: how many requests the token server got of which it is true.
given()
{
	jq -s "map(select($1)) | length" tokens
}

up_and_down()
{
	expect 0 mab copy --all "$@" oci:src:app "$registry/app:1"
	expect 0 mab copy --all "$@" "$registry/app:1" oci:back
	same_blobs src back
	rm -r back
}

# identity: an auth file that has such a token for the registry.
identity()
{
	jq -n --arg r "$registry" '{auths: {($r): {auth: "PHRva2VuPjo=", identitytoken: "identity-s3cret"}}}' >auth.json
}

@test "a token for each thing that is to be done, with service and scope" {
	token_registry
	up_and_down --creds=user:secret
	[ "$(given '.method == "GET" and .known and .service == ["test-service"]')" -eq 2 ]
	[ "$(given '.scopes == ["repository:app:pull,push"]')" -eq 1 ]
	[ "$(given '.scopes == ["repository:app:pull"]')" -eq 1 ]
}

@test "the token is an access_token" {
	token_registry access_token
	up_and_down --creds=user:secret
}

@test "an identity token buys tokens by POST" {
	token_registry
	identity
	up_and_down --authfile=auth.json
	[ "$(given '.method == "POST" and .known and .grant == ["refresh_token"]')" -eq 2 ]
	[ "$(given '.method == "GET"')" -eq 0 ]
}

@test "an identity token where there is no POST" {
	token_registry no-post
	identity
	up_and_down --authfile=auth.json
	[ "$(given '.method == "POST"')" -eq 2 ]
	[ "$(given '.method == "GET" and .known')" -eq 2 ]
}

@test "tokens that the registry refuses are replaced" {
	token_registry stale=2
	up_and_down --creds=user:secret
	[ "$(given .known)" -eq 4 ]
}

@test "tokens that expire during a long push are renewed before" {
	# The blobs come from a registry that takes its time.
	fake_registry delay=700
	slow=$registry
	mab copy --all oci:src:app "$slow/app:1"
	token_registry expires=1
	expect 0 mab copy --all --creds=user:secret "$slow/app:1" "$registry/app:1"
	[ "$(given '.scopes == ["repository:app:pull,push"]')" -ge 2 ]
	[ "$(requests ' 401 ' registry.log)" -le 1 ]
	expect 0 mab copy --all --creds=user:secret "$registry/app:1" oci:back
	same_blobs src back
}

@test "a mount asks for the source, too" {
	token_registry
	mab copy --all --creds=user:secret oci:src:app "$registry/app:1"
	: >registry.log
	: >tokens
	expect 0 mab copy --all --creds=user:secret "$registry/app:1" "$registry/other/app:1"
	[ "$(given '.scopes == ["repository:other/app:pull,push", "repository:app:pull"]')" -eq 1 ]
	[ "$(requests '"(PATCH|PUT) [^ ]*/blobs/' registry.log)" -eq 0 ]
	expect 0 mab copy --all --creds=user:secret "$registry/other/app:1" oci:back
	same_blobs src back
}

@test "so does one of a source that is remembered" {
	token_registry
	mab copy --all --creds=user:secret oci:src:app "$registry/app:1"
	mab pull --all --creds=user:secret "$registry/app:1"
	: >registry.log
	: >tokens
	expect 0 mab copy --all --creds=user:secret oci:src:app "$registry/other:1"
	[ "$(given '.scopes == ["repository:other:pull,push", "repository:app:pull"]')" -eq 1 ]
	[ "$(requests '"(PATCH|PUT) [^ ]*/blobs/' registry.log)" -eq 0 ]
}

@test "where the source is refused it goes without" {
	token_registry one-scope
	mab copy --all --creds=user:secret oci:src:app "$registry/app:1"
	: >tokens
	expect 0 mab copy --all --creds=user:secret "$registry/app:1" "$registry/other:1"
	[ "$(given '.scopes == ["repository:other:pull,push", "repository:app:pull"]')" -eq 1 ]
	expect 0 mab copy --all --creds=user:secret "$registry/other:1" oci:back
	same_blobs src back
}

@test "refused: a wrong password, no password, a scope" {
	token_registry refuse=push
	expect 1 mab copy --creds=user:not-that oci:src:app "$registry/app:1"
	has "$stderr" "cannot get a token for $registry/app: 127.0.0.1:$(cat token.port) answered 401: incorrect username or password; user or password are wrong, or may not do that"
	[[ $stderr != *not-that* ]]
	[ "$(given 'true')" -eq 1 ]
	expect 1 mab copy oci:src:app "$registry/app:1"
	has "$stderr" "there are no credentials for it: log in, or use --creds"
	expect 1 mab copy --creds=user:secret oci:src:app "$registry/app:1"
	has "$stderr" "answered 403: access is not granted"
}

@test "a token that does not go far enough" {
	token_registry without=push
	expect 1 mab copy --creds=user:secret oci:src:app "$registry/app:1"
	has "$stderr" "$registry answered 401"
	has "$stderr" "these credentials may not do that"
	[ "$(given 'true')" -le 12 ]
}

@test "no password goes to a token server without TLS" {
	tls_registry
	registry_teardown
	http="http:tls: {certificate: $PWD/tls.crt, key: $PWD/tls.key}"
	mkdir certs
	cp tls.crt certs/ca.crt
	token_registry
	expect 1 mab tags --cert-dir=certs --creds=user:secret "$registry/app"
	has "$stderr" "$registry has its token server without TLS"
	[ ! -s tokens ]
	registry_teardown
	cat tls.crt tls.key >both.pem
	scheme=https
	token_registry tls=both.pem
	up_and_down --cert-dir=certs --creds=user:secret
}

@test "a token server that is not there, or gives nonsense" {
	token_registry
	kill "${pids[0]}"
	wait "${pids[0]}" || true
	pids=("${pids[@]:1}")
	expect 1 mab tags --retry=1 --retry-delay=1 --creds=user:secret "$registry/app"
	has "$stderr" "cannot get a token for $registry/app: cannot connect to 127.0.0.1:$(cat token.port)"
	has "$stderr" "(2 attempts)"
	for fault in token-garbage token-empty token-endless; do
		registry_teardown
		fake_registry --token "$fault=9"
		expect 1 timeout 60 "$top_builddir/mab-build" tags --creds=user:secret "$registry/app"
		has "$stderr" "cannot get a token for $registry/app: "
	done
}

@test "nothing that a run leaves has a secret in it" {
	need strace
	token_registry stale=1
	identity
	expect 0 strace -f -s 4096 -e trace=write,execve -o trace "$top_builddir/mab-build" \
		copy --all --authfile=auth.json --retry-delay=1 oci:src:app "$registry/app:1"
	# On the wire it goes by sendto; what is written goes to files and the terminal.
	[ "$(grep -c 'identity-s3cret\|eyJ0eXAi' trace)" -eq 0 ]
	[[ $output$stderr != *s3cret* ]]
	[[ $output$stderr != *eyJ0eXAi* ]]
}
