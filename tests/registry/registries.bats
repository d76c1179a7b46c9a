#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# registries.conf: mirrors, other locations, short names, blocked and insecure ones.

load helpers

setup()
{
	registry_setup
	index=$("$here/make-image" src)
}

teardown()
{
	registry_teardown
}

# Lines for the registries.conf that counts.
conf()
{
	cat >registries.conf
}

# mirrored LOCATION MIRROR...: what r.example/team is.
mirrored()
{
	{
		echo '[[registry]]'
		echo "prefix = 'r.example/team'"
		echo "location = '$1'"
		for mirror in "${@:2}"; do
			echo '[[registry.mirror]]'
			echo "location = '$mirror'"
		done
	} | conf
}

@test "an image is read from its mirror alone" {
	docker_registry
	mab copy --all oci:src:app "$registry/mirror/app:1"
	mirrored gone.invalid/x "$registry/mirror"
	expect 0 mab copy --all r.example/team/app:1 oci:back
	[ -z "$stderr" ]
	same_blobs src back
	expect 0 mab inspect r.example/team/app:1
	[ "$(jq -r .digest <<<"$output")" = "$index" ]
}

@test "what a mirror has not comes from the location, as a whole" {
	docker_registry_in mirror
	mirror=$registry
	docker_registry
	mab copy --all oci:src:app "$registry/t/app:1"
	mirrored "$registry/t" "$mirror" 127.0.0.1:1/closed
	expect 0 mab copy --all --retry=0 r.example/team/app:1 oci:back
	same_blobs src back
	has "${stderr_lines[0]}" "$mirror/app cannot serve r.example/team/app:1: cannot read $mirror/app:1: $mirror answered 404"
	has "${stderr_lines[0]}" "; going on with 127.0.0.1:1/closed/app"
	has "${stderr_lines[1]}" "127.0.0.1:1/closed/app cannot serve r.example/team/app:1: cannot read 127.0.0.1:1/closed/app: cannot connect to 127.0.0.1:1"
	has "${stderr_lines[1]}" "; going on with $registry/t/app"
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ "$(requests '"GET /v2/app' mirror/registry.log)" -eq 1 ]
}

@test "a mirror that is damaged in the middle is left" {
	docker_registry
	mab copy --all oci:src:app "$registry/t/app:1"
	fake_registry damage=1000
	fake=$registry
	mab copy --all oci:src:app "$fake/app:1"
	registry=$(sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' registry.log)
	mirrored "$registry/t" "$fake"
	expect 0 mab copy --all r.example/team/app:1 oci:back
	same_blobs src back
	has "$stderr" "$fake/app cannot serve r.example/team/app:1: cannot read $fake/app@sha256:"
	has "$stderr" "going on with $registry/t/app"
	[ "$(grep -c 'going on' <<<"$stderr")" -eq 1 ]
}

@test "a build takes its base from a mirror, and what a short name means" {
	docker_registry
	mab copy --all oci:src:app "$registry/mirror/app:1"
	mirrored gone.invalid/x "$registry/mirror"
	printf '[aliases]\nbase = "r.example/team/app"\n' >>registries.conf
	mkdir context
	printf 'FROM %s\nLABEL a=b\n' base:1 >context/Dockerfile
	expect 0 mab build --root=store --platform=linux/amd64 -o type=oci,dest=built context
	expect 0 mab inspect oci:built
	[ "$(jq '.layers | length' <<<"$output")" -eq 2 ]
}

@test "nowhere: the last failure ends it" {
	mirrored 127.0.0.1:1/x 127.0.0.1:2/x
	expect 1 mab copy --retry=0 r.example/team/app:1 oci:back
	has "$stderr" "127.0.0.1:2/x/app cannot serve r.example/team/app:1: "
	has "${stderr_lines[-1]}" "cannot connect to 127.0.0.1:1"
	[ ! -e back ]
}

@test "a mirror for digests, and one for tags" {
	docker_registry
	mab copy --all oci:src:app "$registry/d/app:1"
	mab copy --all oci:src:app "$registry/t/app:1"
	conf <<-END
		[[registry]]
		prefix = "r.example/team"
		location = "gone.invalid"
		[[registry.mirror]]
		location = "$registry/d"
		pull-from-mirror = "digest-only"
		[[registry.mirror]]
		location = "$registry/t"
		pull-from-mirror = "tag-only"
	END
	: >registry.log
	expect 0 mab copy --all r.example/team/app:1 oci:one
	[ "$(requests '"GET /v2/d/' registry.log)" -eq 0 ]
	: >registry.log
	expect 0 mab copy --all "r.example/team/app@$index" oci:two
	[ "$(requests '"GET /v2/t/' registry.log)" -eq 0 ]
	same_blobs src two
}

@test "a push goes to the name itself, and tags come from the location" {
	docker_registry_in mirror
	mirror=$registry
	mab copy --all oci:src:app "$mirror/app:old"
	docker_registry
	conf <<-END
		[[registry]]
		location = "$registry"
		[[registry.mirror]]
		location = "$mirror"
	END
	expect 0 mab copy --all oci:src:app "$registry/app:1"
	expect 0 mab tags "$registry/app"
	[ "$output" = 1 ]
	[ "$(requests '/manifests/1 ' mirror/registry.log)" -eq 0 ]
}

@test "what is blocked is neither read nor written" {
	conf <<-END
		[[registry]]
		location = "127.0.0.1:1/bad"
		blocked = true
	END
	expect 1 mab inspect 127.0.0.1:1/bad/app
	has "$stderr" "127.0.0.1:1/bad/app:latest is blocked ('127.0.0.1:1/bad' in $PWD/registries.conf:1)"
	expect 1 mab copy oci:src:app 127.0.0.1:1/bad/app
	has "$stderr" "is blocked"
	expect 1 mab tags 127.0.0.1:1/bad/app
	has "$stderr" "is blocked"
}

@test "an insecure registry, which --tls-verify=true does not accept" {
	need openssl
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout tls.key -out tls.crt -subj '/CN=Test' 2>/dev/null
	docker_registry "http:tls: {certificate: $PWD/tls.crt, key: $PWD/tls.key}"
	expect 1 mab copy --all oci:src:app "$registry/app:1"
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$registry" | conf
	expect 0 mab copy --all oci:src:app "$registry/app:1"
	expect 0 mab copy --all "$registry/app:1" oci:back
	same_blobs src back
	expect 1 mab tags --tls-verify=true "$registry/app"
	has "$stderr" "is not trusted"
}

@test "short names: an alias, or the first registry that has it" {
	docker_registry
	mab copy --all oci:src:app "$registry/second/tool:1"
	conf <<-END
		unqualified-search-registries = ["127.0.0.1:1", "$registry/first", "$registry/second"]
		[aliases]
		"alias" = "$registry/second/tool"
	END
	expect 0 mab copy --all --retry=0 alias:1 oci:one
	[ -z "$stderr" ]
	same_blobs src one
	expect 0 mab copy --all --retry=0 docker://tool:1 oci:two
	same_blobs src two
	has "${stderr_lines[0]}" "cannot connect to 127.0.0.1:1"
	has "${stderr_lines[1]}" "$registry answered 404"
	expect 1 mab inspect --retry=0 none
	has "$stderr" "none of the registries to search has 'none': cannot read 127.0.0.1:1/none: "
	has "$stderr" "; cannot read $registry/first/none:latest: "
	expect 0 mab tags alias
	[ "$output" = 1 ]
}

@test "--creds are for the registry that is named, not for its mirrors" {
	fake_registry --token
	mab copy --all --creds=user:secret oci:src:app "$registry/app:1"
	mirrored 127.0.0.1:1/x "$registry"
	: >fake.log
	expect 1 mab copy --retry=0 --creds=user:secret r.example/team/app:1 oci:back
	[ "$(requests '^GET /token.* -$')" -ge 1 ]
	[ "$(requests 'Basic$')" -eq 0 ]
	# Its own login counts.
	mkdir -p .config/containers
	echo '{"auths":{"'"$registry"'":{"auth":"dXNlcjpzZWNyZXQ="}}}' >.config/containers/auth.json
	expect 0 mab copy --all --creds=x:y r.example/team/app:1 oci:back
	same_blobs src back
}

@test "credential helpers of registries.conf" {
	fake_registry --token
	mkdir bin
	printf '#!/bin/sh\nread -r server\n[ "$server" = "%s" ] || exit 1\n%s\n' "$registry" \
		'echo "{\"Username\":\"user\",\"Secret\":\"secret\"}"' >bin/docker-credential-test
	chmod +x bin/docker-credential-test
	PATH=$PWD/bin:$PATH
	echo 'credential-helpers = ["containers-auth.json", "test"]' | conf
	expect 0 mab copy --all oci:src:app "$registry/app:1"
	[ "$(requests '^GET /token.* Basic$')" -ge 1 ]
}

@test "mistakes in the file have their place; --registries-conf is another" {
	printf 'a = 1\n[[registry]]\nlocation = "http://x"\n' | conf
	expect 1 mab inspect oci:src
	has "$stderr" "mab-build: $PWD/registries.conf:3:12: 'http://x' is not to begin with http:// or https://"
	echo 'unqualified-search = []' >other.conf
	expect 0 mab inspect --registries-conf=other.conf oci:src
	has "$stderr" "other.conf:1:22: the setting 'unqualified-search' is not known"
	expect 1 mab inspect --registries-conf=gone.conf oci:src
	has "$stderr" "there is no file gone.conf"
}

@test "the user's own file is the one without any other" {
	unset CONTAINERS_REGISTRIES_CONF
	mkdir -p .config/containers/registries.conf.d
	: >.config/containers/registries.conf
	printf '[aliases]\nx = "127.0.0.1:1/alias"\n' >.config/containers/registries.conf.d/x.conf
	expect 1 mab inspect --retry=0 x
	has "$stderr" "cannot read 127.0.0.1:1/alias: "
}
