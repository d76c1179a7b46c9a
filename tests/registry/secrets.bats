#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Passwords and tokens are in nothing that a run shows or leaves.

load helpers

setup()
{
	registry_setup
	"$here/make-image" src
	mkdir bin in out
	password=Kennwort-9x
	# What everybody can see of all processes, while a helper runs.
	cat >bin/docker-credential-spy <<-'END'
		#!/bin/sh
		cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' >>out/cmdlines
		case $1 in
		get)
			cat >/dev/null
			[ -e in/kept ] && cat in/kept || { echo "credentials not found in native keychain"; exit 1; } ;;
		store) cat >in/kept ;;
		erase) rm in/kept ;;
		esac
	END
	chmod +x bin/docker-credential-spy
	PATH=$PWD/bin:$PATH
	count=0
}

teardown()
{
	registry_teardown
}

# leaves STATUS COMMAND...: what it says is kept.
leaves()
{
	local wanted=$1 status=0
	shift
	((++count))
	mab "$@" >"out/$count" 2>&1 || status=$?
	[ "$status" -eq "$wanted" ] || { echo "$* ends with $status"; cat "out/$count"; return 1; }
}

# no_trace WORD...: neither they nor their base64 are in any file but those of the folder in.
no_trace()
{
	local word form
	for word; do
		for form in "$word" "$(printf %s "$word" | base64 -w0)"; do
			grep -raF --exclude-dir=in -e "$form" . || continue
			echo "^ has $form"
			return 1
		done
	done
}

@test "passwords: on the command line, in files, by helpers" {
	need htpasswd
	htpasswd -Bbn user "$password" >users 2>/dev/null
	docker_registry "auth: {htpasswd: {realm: test, path: $PWD/users}}"
	export REGISTRY_AUTH_FILE=$PWD/in/auth.json
	echo '{"credHelpers":{"other.x":"spy"}}' >in/auth.json
	leaves 0 login -u user -p "$password" "$registry"
	leaves 0 copy --all oci:src:app "$registry/app:1"
	leaves 0 logout "$registry"
	leaves 1 copy --creds="user:Falsches-9y" "$registry/app:1" oci:back
	echo '{"credsStore":"spy"}' >in/auth.json
	leaves 0 login -u user --password="$password" "$registry"
	leaves 0 copy --all --src-creds="user:$password" "$registry/app:1" "$registry/app:2"
	leaves 0 tags --proxy= "$registry/app"
	leaves 0 logout "$registry"
	leaves 1 login -u user -p "Falsches-9y" "$registry"
	[ -s out/cmdlines ]
	grep -qa "mab-build copy --all" out/cmdlines
	no_trace "$password" "user:$password" Falsches-9y user:Falsches-9y
}

@test "passwords of proxies" {
	leaves 1 tags --retry=0 --proxy="http://me:$password@127.0.0.1:1" r.example/app
	leaves 1 tags --retry=0 --proxy="http://me:$password@a b" r.example/app
	leaves 1 tags --retry=0 --proxy="strange://me:$password@127.0.0.1" r.example/app
	grep -q "the proxy" out/2
	https_proxy="http://me:$password@a b" leaves 1 tags --retry=0 r.example/app
	no_trace "$password"
}

@test "tokens, and registries that repeat what they were sent" {
	fake_registry --token echo-secret
	leaves 1 tags --creds=user:secret "$registry/app"
	grep -q "403: (what it says repeats a secret); these credentials may not do that" out/1
	leaves 0 copy --all --creds=user:secret oci:src:app "$registry/app:1"
	leaves 0 copy --all --creds=user:secret "$registry/app:1" oci:back
	no_trace user:secret
	run ! grep -ra "token-[0-9]" out
}

@test "a damaged auth file, and a helper that says what it was given" {
	fake_registry --token
	password=secret
	export REGISTRY_AUTH_FILE=$PWD/in/auth.json
	printf '{"auths":{"%s":{"auth":"%s"},}' "$registry" "$(printf %s "user:$password" | base64)" >in/auth.json
	leaves 1 copy oci:src:app "$registry/app:1"
	leaves 1 login -u user -p "$password" "$registry"
	printf '#!/bin/sh\necho "what is $(cat)"; exit 1\n' >bin/docker-credential-loud
	chmod +x bin/docker-credential-loud
	echo '{"credsStore":"loud"}' >in/auth.json
	leaves 1 login -u user -p "$password" "$registry"
	grep -q "docker-credential-loud failed to 'store': it failed" out/3
	no_trace "user:$password" "is $password"
}

@test "a process that has secrets makes no core dump" {
	need_other_users
	fake_registry drip=9
	mab copy --all oci:src:app "$registry/app:1"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$PWD"
	mkdir own
	chown 1234 own
	cp "$top_builddir/mab-build" own
	mkdir context
	echo "FROM $registry/app:1" >context/Dockerfile
	: >fake.log
	for command in "copy --all $registry/app:1 oci:own/back" \
		"build --root=$PWD/own/store context"; do
		# shellcheck disable=SC2086 # it is of several words
		setpriv --reuid 1234 --regid 1234 --clear-groups own/mab-build $command 3>&- &
		pid=$!
		wait_for grep -q '/blobs/' fake.log
		# Of those that may be dumped these files are their user's.
		[ "$(stat -c %u "/proc/$pid/environ")" = 0 ]
		kill "$pid"
		wait "$pid" || true
		: >fake.log
	done
}
