#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# TLS and credentials: who is trusted, who one is, and that no secret gets out.

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

basic_registry()
{
	need htpasswd
	htpasswd -Bbn user 'pass:word' >users 2>/dev/null
	docker_registry "auth: {htpasswd: {realm: test, path: $PWD/users}}"
}

# auth_file FILE KEY USER:PASSWORD
auth_file()
{
	mkdir -p "$(dirname "$1")"
	jq -n --arg key "$2" --arg auth "$(printf %s "$3" | base64 -w0)" \
		'{auths: {($key): {auth: $auth}}}' >"$1"
}

@test "a certificate that nobody trusts is refused, with the mends" {
	tls_registry
	expect 1 mab copy oci:src:app "$registry/app:1"
	has "$stderr" "the certificate of $registry, signed by 'CN = Test Registry', is not trusted: "
	has "$stderr" "--tls-verify=false"
	has "$stderr" "/etc/containers/certs.d/$registry/ca.crt"
	expect 0 mab copy --all --tls-verify=false oci:src:app "$registry/app:1"
}

@test "certificates to trust: --cert-dir, certs.d, SSL_CERT_FILE" {
	tls_registry
	mkdir certs
	cp tls.crt certs/ca.crt
	expect 0 mab copy --all --cert-dir=certs oci:src:app "$registry/app:1"
	expect 0 env SSL_CERT_FILE="$PWD/tls.crt" "$top_builddir/mab-build" tags "$registry/app"
	mkdir -p "$HOME/.config/containers/certs.d"
	mv certs "$HOME/.config/containers/certs.d/$registry"
	expect 0 mab copy --all "$registry/app:1" oci:back
	same_blobs src back
	expect 1 mab tags --cert-dir=none "$registry/app"
	has "$stderr" "there is no folder none"
}

@test "a certificate for another name" {
	tls_registry DNS:registry.example
	mkdir certs
	cp tls.crt certs/ca.crt
	expect 1 mab tags --cert-dir=certs "$registry/app"
	has "$stderr" "the certificate of $registry, signed by"
	expect 0 mab copy --all --cert-dir=certs --add-host=registry.example:127.0.0.1 \
		oci:src:app "registry.example:${registry#*:}/app:1"
}

@test "without a login" {
	basic_registry
	expect 1 mab copy oci:src:app "$registry/app:1"
	has "$stderr" "$registry answered 401"
	has "$stderr" "there are no credentials for it: log in, or use --creds"
}

@test "a wrong password" {
	basic_registry
	expect 1 mab copy --creds=user:wrong-secret oci:src:app "$registry/app:1"
	has "$stderr" "these credentials may not do that"
	[[ $stderr != *wrong-secret* ]]
}

@test "--creds and auth files, in their order" {
	basic_registry
	expect 0 mab copy --all --creds=user:pass:word oci:src:app "$registry/app:1"
	auth_file other.json "$registry" user:pass:word
	expect 0 mab tags --authfile=other.json "$registry/app"
	expect 1 mab tags "$registry/app"
	export DOCKER_CONFIG=$PWD/docker
	auth_file docker/config.json "https://$registry/v2/" user:pass:word
	expect 0 mab tags "$registry/app"
	auth_file .config/containers/auth.json "$registry" user:wrong
	expect 1 mab tags "$registry/app"
	# The longer path counts.
	auth_file .config/containers/auth.json "$registry/app" user:pass:word
	expect 0 mab tags "$registry/app"
	export REGISTRY_AUTH_FILE=$PWD/none.json
	expect 1 mab tags "$registry/app"
}

@test "a source and a destination, each with its own credentials and certificates" {
	need htpasswd
	htpasswd -Bbn user 'pass:word' >from.users 2>/dev/null
	docker_registry_in from "auth: {htpasswd: {realm: test, path: $PWD/from.users}}"
	from=$registry
	certificate IP:127.0.0.1
	mkdir certs
	cp tls.crt certs/ca.crt
	htpasswd -Bbn other word >users 2>/dev/null
	docker_registry "auth: {htpasswd: {realm: test, path: $PWD/users}}" \
		"http:tls: {certificate: $PWD/tls.crt, key: $PWD/tls.key}"
	expect 0 mab copy --all --dest-creds=user:pass:word oci:src:app "$from/app:1"
	auth_file from.json "$from" user:pass:word
	expect 0 mab copy --all --src-authfile=from.json --dest-creds=other:word \
		--dest-cert-dir=certs "$from/app:1" "$registry/app:1"
	expect 1 mab copy --all --creds=user:pass:word --dest-tls-verify=false \
		"$from/app:1" "$registry/app:2"
	has "$stderr" "$registry answered 401"
	expect 0 mab copy --all --creds=user:pass:word --src-creds=other:word \
		--src-tls-verify=false "$registry/app:1" "$from/back:1"
	expect 0 mab copy --all --creds=user:pass:word "$from/back:1" oci:back
	same_blobs src back
	expect 2 mab copy --src-tls-verify=maybe oci:src oci:back
}

@test "credential helpers" {
	basic_registry
	mkdir bin
	cat >bin/docker-credential-test <<-'END'
		#!/bin/sh
		read -r server
		echo "$1 $server" >>"$HOME/asked"
		[ -e "$HOME/known" ] || { echo "credentials not found in native keychain"; exit 1; }
		echo '{"ServerURL":"x","Username":"user","Secret":"pass:word"}'
	END
	chmod +x bin/docker-credential-test
	PATH=$PWD/bin:$PATH
	mkdir -p .config/containers
	echo '{"credsStore":"test","auths":{"'"$registry"'":{}}}' >.config/containers/auth.json
	expect 1 mab tags "$registry/app"
	has "$stderr" "there are no credentials for it"
	touch known
	expect 0 mab copy --all oci:src:app "$registry/app:1"
	[ "$(sort -u asked)" = "get $registry" ]
	echo '{"credHelpers":{"'"$registry"'":"gone"}}' >.config/containers/auth.json
	expect 1 mab tags "$registry/app"
	has "$stderr" "the credential helper docker-credential-gone, which an auth file or registries.conf names, is not installed"
}

@test "a damaged auth file is named, without what is in it" {
	basic_registry
	mkdir -p .config/containers
	echo '{"auths":{"x":{"auth":"c2VjcmV0OnNlY3JldA=="},}' >.config/containers/auth.json
	expect 1 mab tags "$registry/app"
	has "$stderr" ".config/containers/auth.json:1:"
	[[ $stderr != *c2VjcmV0* ]]
}

@test "tokens: fetched, used, renewed when they are used up" {
	fake_registry --token=12 busy-token
	expect 0 mab copy --all --creds=user:secret --retry-delay=10 oci:src:app "$registry/app:1"
	expect 0 mab copy --all --creds=user:secret "$registry/app:1" oci:back
	same_blobs src back
	[ "$(requests '^GET /token.*Basic$')" -ge 4 ]
	has "$(cat fake.log)" "scope=repository%3Aapp%3Apull%2Cpush"
	expect 1 mab copy --creds=user:not-that oci:src:app "$registry/app:1"
	has "$stderr" "cannot get a token for $registry/app: $registry answered 401: unauthorized; user or password are wrong"
	[[ $stderr != *not-that* ]]
}

@test "a password is not on the command line for long" {
	fake_registry drip=9
	mab copy --all oci:src:app "$registry/app:1"
	"$top_builddir/mab-build" copy --creds=user:seen-by-all --all "$registry/app:1" oci:back &
	pid=$!
	wait_for test -e back
	[[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"--creds="* ]]
	[[ $(tr '\0' ' ' <"/proc/$pid/cmdline") != *seen-by-all* ]]
	kill "$pid"
	wait "$pid" || true
}
