#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# login and logout: what is asked, what is kept where, and what is left.

load helpers

setup()
{
	registry_setup
	"$here/make-image" src
	file=run/containers/auth.json
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

# login_as PASSWORD [ARGUMENT...]
login_as()
{
	mab login --username=user --password-stdin "${@:2}" <<<"$1"
}

# A helper that keeps what it is given in a folder.
helper()
{
	mkdir -p bin kept
	cat >bin/docker-credential-test <<-'END'
		#!/bin/sh
		echo "$1" >>"$HOME/asked"
		case $1 in
		list)
			cd "$HOME/kept" && jq -n '[inputs | {(.ServerURL): .Username}] | add // {}' ./* ;;
		store)
			cat >"$HOME/new"
			mv "$HOME/new" "$HOME/kept/$(jq -r '.ServerURL | @base64' "$HOME/new" | tr / _)" ;;
		*)
			kept=$HOME/kept/$(printf %s "$(cat)" | base64 -w0 | tr / _)
			[ -e "$kept" ] || { echo "credentials not found in native keychain"; exit 1; }
			case $1 in get) cat "$kept" ;; erase) rm "$kept" ;; esac ;;
		esac
	END
	chmod +x bin/docker-credential-test
	PATH=$PWD/bin:$PATH
}

@test "a login is checked, kept for its owner only, and used" {
	basic_registry
	expect 1 login_as wrong "$registry"
	has "$stderr" "cannot log in to $registry: user or password are wrong"
	[ ! -e "$file" ]
	# A wrong password is sent once: registries count them.
	[ "$(requests 'error authenticating user' registry.log)" -eq 1 ]
	umask 0
	expect 0 login_as pass:word "$registry"
	[ "$output" = "logged in to $registry; $HOME/$file keeps it" ]
	[ "$(stat -c %a "$file" "$(dirname "$file")")" = $'600\n700' ]
	[ "$(ls run/containers)" = auth.json ]
	expect 0 mab copy --all oci:src:app "$registry/app:1"
	expect 0 mab login --get-login "$registry"
	[ "$output" = user ]
	expect 0 mab logout "$registry"
	expect 1 mab tags "$registry/app"
	expect 1 mab login --get-login "$registry"
	has "$stderr" "there is no login for $registry"
	expect 1 mab logout "$registry"
	has "$stderr" "there is no login for $registry in $HOME/$file"
}

@test "skopeo uses our login, and we its" {
	need skopeo
	basic_registry
	expect 0 login_as pass:word --authfile=auth.json "$registry"
	mab copy --all --authfile=auth.json oci:src:app "$registry/app:1"
	skopeo inspect --authfile=auth.json --tls-verify=false --raw "docker://$registry/app:1"
	skopeo logout --authfile=auth.json "$registry"
	expect 1 mab tags --authfile=auth.json "$registry/app"
	skopeo login --authfile=auth.json --tls-verify=false -u user -p pass:word "$registry"
	expect 0 mab tags --authfile=auth.json "$registry/app"
	expect 0 mab logout --authfile=auth.json "$registry"
	run skopeo inspect --authfile=auth.json --tls-verify=false --raw "docker://$registry/app:1"
	[ "$status" -ne 0 ]
}

# Without XDG_RUNTIME_DIR, and with a /run of one's own, ./own-run.
in_no_session() # COMMAND...
{
	mkdir -p own-run
	unshare --map-root-user --mount env -u XDG_RUNTIME_DIR \
		bash -ec 'mount --bind own-run /run; exec "$@"' - "$@"
}

@test "without a session, where Podman looks then" {
	need skopeo
	basic_registry
	expect 0 in_no_session "$top_builddir/mab-build" login --username=user \
		--password-stdin "$registry" <<<pass:word
	[ "$output" = "logged in to $registry; /run/containers/0/auth.json keeps it" ]
	[ "$(stat -c %a own-run/containers/0/auth.json own-run/containers/0)" = $'600\n700' ]
	expect 0 in_no_session "$top_builddir/mab-build" copy --all oci:src:app "$registry/app:1"
	in_no_session skopeo inspect --tls-verify=false --raw "docker://$registry/app:1"
	in_no_session skopeo logout "$registry"
	expect 1 in_no_session "$top_builddir/mab-build" tags "$registry/app"
	in_no_session skopeo login --tls-verify=false -u user -p pass:word "$registry"
	expect 0 in_no_session "$top_builddir/mab-build" tags "$registry/app"
	expect 1 mab tags "$registry/app" # in a session it is not read
	expect 0 in_no_session "$top_builddir/mab-build" logout "$registry"
	[ "$(jq -c .auths own-run/containers/0/auth.json)" = '{}' ]
}

@test "without a session, for an ordinary user" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
	basic_registry
	mab copy --all --creds=user:pass:word oci:src:app "$registry/app:1"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test .
	cp "$top_builddir/mab-build" .
	mkdir -p home own-run/containers/0
	chmod 700 own-run/containers/0
	echo '{"auths":"of root"}' >own-run/containers/0/auth.json
	chown 1234 home
	as_user=(unshare --mount env -u XDG_RUNTIME_DIR -u MAB_BUILD_ROOT HOME="$PWD/home"
		bash -ec 'mount --bind own-run /run; exec "$@"' -
		setpriv --reuid 1234 --clear-groups ./mab-build)
	expect 0 "${as_user[@]}" login --creds=user:pass:word "$registry"
	[ "$output" = "logged in to $registry; $PWD/home/.config/containers/auth.json keeps it" ]
	expect 0 "${as_user[@]}" logout "$registry"
	install -d -o 1234 own-run/containers/1234
	expect 0 "${as_user[@]}" login --creds=user:pass:word "$registry"
	[ "$output" = "logged in to $registry; /run/containers/1234/auth.json keeps it" ]
	# Where one is root of a user namespace, too.
	expect 0 "${as_user[@]}" pull "$registry/app:1"
}

@test "what else is in the file stays" {
	basic_registry
	mkdir -p run/containers real
	jq -n --arg registry "$registry" '{
		HttpHeaders: {"User-Agent": "x"},
		auths: {
			other: {auth: "eDp5"},
			("https://" + $registry + "/v1/"): {auth: "eDp5", email: "a@b", identitytoken: "t"}},
		detachKeys: "ctrl-e"}' >real/auth.json
	ln -s ../../real/auth.json "$file"
	cp real/auth.json before
	expect 0 login_as pass:word "$registry"
	[ -L "$file" ]
	[ "$(jq -c --arg registry "$registry" '.auths[$registry]' "$file")" = \
		'{"email":"a@b","auth":"dXNlcjpwYXNzOndvcmQ="}' ]
	expect 0 mab logout "$registry"
	jq 'del(.auths[] | select(.email))' before >expected
	[ "$(jq . "$file")" = "$(jq . expected)" ]
}

@test "a damaged file is left as it is" {
	basic_registry
	mkdir -p run/containers
	echo '{"auths":{"x":{"auth":"c2VjcmV0OnNlY3JldA=="},}' >"$file"
	cp "$file" before
	expect 1 login_as pass:word "$registry"
	has "$stderr" "$file:1:"
	[[ $stderr != *c2VjcmV0* ]]
	cmp "$file" before
	[ "$(ls run/containers)" = auth.json ]
}

@test "for a path below a registry" {
	basic_registry
	expect 0 login_as pass:word "https://$registry/team/"
	[ "$(jq -r '.auths | keys[]' "$file")" = "$registry/team" ]
	expect 0 mab copy --all oci:src:app "$registry/team/app:1"
	expect 1 mab copy --all oci:src:app "$registry/other/app:1"
	expect 1 mab logout "$registry"
	expect 0 mab logout "$registry/team"
}

@test "logout leaves others, --all none; a login elsewhere is told" {
	mkdir -p run/containers .docker
	echo '{"auths":{"a.x":{"auth":"eDp5"},"b.x/p":{"auth":"eDp5"}},"k":1}' >"$file"
	echo '{"auths":{"a.x":{"auth":"eDp5"}}}' >.docker/config.json
	expect 0 mab logout a.x
	has "$stderr" "a login for a.x remains, in $HOME/.docker/config.json"
	[ "$(jq -c . "$file")" = '{"auths":{"b.x/p":{"auth":"eDp5"}},"k":1}' ]
	expect 0 mab logout --all
	[ "$(jq -c . "$file")" = '{"auths":{},"k":1}' ]
	expect 0 mab logout --all --authfile=none.json
	[ ! -e none.json ]
}

@test "docker.io has its own key" {
	mkdir -p run/containers
	echo '{"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpwYXNz"}}}' >"$file"
	expect 0 mab login --get-login docker.io
	[ "$output" = user ]
	expect 0 mab logout docker.io
	[ "$(jq -c . "$file")" = '{"auths":{}}' ]
}

@test "a helper that the file names keeps it" {
	basic_registry
	helper
	mkdir -p run/containers
	echo '{"credsStore":"test"}' >"$file"
	expect 0 login_as pass:word "$registry"
	[ "$output" = "logged in to $registry; docker-credential-test keeps it" ]
	[ "$(jq -c '.auths[]' "$file")" = '{}' ]
	expect 0 mab copy --all oci:src:app "$registry/app:1"
	expect 1 login_as pass:word "$registry/path"
	has "$stderr" "docker-credential-test keeps logins of whole registries only, not of $registry/path"
	expect 0 mab logout "$registry"
	[ -z "$(ls kept)" ]
	[ "$(jq -c . "$file")" = '{"credsStore":"test","auths":{}}' ]
	jq -n --arg registry "$registry" '{credHelpers: {($registry): "test"}}' >"$file"
	expect 0 login_as pass:word "$registry"
	[ -n "$(ls kept)" ]
	expect 0 mab logout --all
	[ -z "$(ls kept)" ]
	[ "$(jq -r ".credHelpers[]" "$file")" = test ]
}

@test "a helper of registries.conf keeps it" {
	basic_registry
	helper
	echo 'credential-helpers = ["test"]' >registries.conf
	expect 0 login_as pass:word "$registry"
	[ ! -e "$file" ]
	expect 0 mab copy --all oci:src:app "$registry/app:1"
	expect 0 mab logout "$registry"
	expect 1 mab logout "$registry"
	expect 0 login_as pass:word "$registry"
	expect 0 mab logout --all
	[ -z "$(ls kept)" ]
}

@test "a helper that fails, and one that is not there" {
	basic_registry
	helper
	mkdir -p run/containers
	printf '#!/bin/sh\ncat\nexit 1\n' >bin/docker-credential-test
	echo '{"credsStore":"test"}' >"$file"
	expect 1 login_as pass:word "$registry"
	has "$stderr" "the credential helper docker-credential-test failed to 'store': "
	[[ $stderr != *pass:word* ]]
	echo '{"credsStore":"gone"}' >"$file"
	expect 1 login_as pass:word "$registry"
	has "$stderr" "the credential helper docker-credential-gone, which an auth file or registries.conf names, is not installed"
	[ "$(cat "$file")" = '{"credsStore":"gone"}' ]
}

@test "by a token server, and where nobody has to log in" {
	fake_registry --token
	expect 1 login_as not-that "$registry"
	has "$stderr" "cannot log in to $registry: cannot get a token for $registry: $registry answered 401"
	expect 0 login_as secret "$registry"
	expect 0 mab copy --all oci:src:app "$registry/app:1"
	registry_teardown
	docker_registry
	expect 0 login_as any "$registry"
	has "$stderr" "$registry asks nobody to log in"
}

@test "an identity token goes to no other host" {
	fake_registry --token token-elsewhere
	mkdir -p run/containers
	echo '{"auths":{"'"$registry"'":{"auth":"PHRva2VuPjo=","identitytoken":"secret-token"}}}' >"$file"
	expect 1 mab tags "$registry/app"
	has "$stderr" "$registry redirects to another host, which gets no secrets"
	[ "$(requests '^POST /token')" -eq 1 ]
}

# at_terminal SCRIPT COMMAND...: a terminal in which each line of SCRIPT is typed when the
# last thing on it is a question. What it shows is printed.
at_terminal()
{
	timeout 20 python3 - "$@" <<-'END'
		import os, pty, sys, termios
		answers = sys.argv[1].split("\n")
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[2], sys.argv[2:])
		shown = b""
		while True:
		    try:
		        data = os.read(fd, 4096)
		    except OSError:
		        break
		    shown += data
		    if shown.endswith(b": ") and answers:
		        echo = termios.tcgetattr(fd)[3] & termios.ECHO
		        shown += b"[shown]" if echo else b"[hidden]"
		        answer = answers.pop(0)
		        os.write(fd, b"\x03" if answer == "^C" else answer.encode() + b"\n")
		print(shown.decode().replace("\r", ""))
		print("shown" if termios.tcgetattr(fd)[3] & termios.ECHO else "hidden")
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}

@test "at a terminal the password is asked for, and not shown" {
	basic_registry
	expect 0 at_terminal $'user\npass:word' "$top_builddir/mab-build" login "$registry"
	has "$output" "Username: [shown]"
	has "$output" "Password: [hidden]"
	has "$output" "logged in to $registry"
	[[ $output != *pass:word* ]]
	[ "${lines[-1]}" = shown ]
	expect 1 at_terminal $'user\n^C' "$top_builddir/mab-build" login "$registry"
	has "$output" "nothing was entered"
	[ "${lines[-1]}" = shown ]
}

@test "two logins at once are both kept" {
	fake_registry --token
	one=$registry
	rm fake.port
	fake_registry --token
	two=$registry
	login_as secret "$one" &
	login_as secret "$two"
	wait $!
	[ "$(jq '.auths | length' "$file")" -eq 2 ]
}

@test "wrong command lines" {
	expect 2 mab login
	expect 2 mab login --password-stdin r.x
	has "$stderr" "--password-stdin needs --username"
	expect 2 mab login -u x -p y --password-stdin r.x
	expect 2 mab login --creds=x r.x
	expect 2 mab logout
	expect 2 mab logout --all r.x
	expect 1 mab login -u x -p y --retry=0 not-a-host
	has "$stderr" "'not-a-host' is not HOST[:PORT] or HOST[:PORT]/PATH"
	expect 1 mab login -u x:y -p z r.x
	has "$stderr" "a user's name has no colon"
	expect 1 setsid "$top_builddir/mab-build" login r.x
	has "$stderr" "there is no terminal to ask for user and password: use --username and --password-stdin"
}
