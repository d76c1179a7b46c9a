#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# Through real proxies: tinyproxy and microsocks. Only they know where registry.test is, so
# whatever arrives there went through them.

load helpers

setup()
{
	registry_setup
	need tinyproxy microsocks
	"$here/make-image" src
	echo '127.0.0.1 registry.test other.test' >hosts
}

teardown()
{
	registry_teardown
}

# start_proxy COMMAND...: PORT in it becomes a free one, and proxy its address. Another
# program may be faster to take it.
start_proxy()
{
	local port
	for _ in 1 2 3; do
		port=$(python3 -c 'if True:
			import socket
			s = socket.socket()
			s.bind(("127.0.0.1", 0))
			print(s.getsockname()[1])')
		sed -i "s/^Port .*/Port $port/" tinyproxy.conf 2>/dev/null || true
		# shellcheck disable=SC2016 # for the inner shell
		unshare --mount sh -c 'mount --bind hosts /etc/hosts && exec "$@"' sh \
			"${@//PORT/$port}" >proxy.log 2>&1 3>&- &
		pids+=($!)
		proxy=127.0.0.1:$port
		wait_for is_there "$port" "$!" && return
	done
	cat proxy.log
	return 1
}

is_there() # PORT PID
{
	kill -0 "$2" && (: <>"/dev/tcp/127.0.0.1/$1")
}

start_http() # [LINE]...
{
	printf '%s\n' 'Port 0' 'Listen 127.0.0.1' 'Timeout 60' 'LogLevel Connect' "$@" >tinyproxy.conf
	start_proxy tinyproxy -d -c tinyproxy.conf
}

start_socks() # [OPTION]...
{
	start_proxy microsocks -i 127.0.0.1 -p PORT "$@"
}

plain_registry()
{
	docker_registry
	name=registry.test:${registry#*:}
	access=--tls-verify=false
}

secure_registry()
{
	tls_registry DNS:registry.test
	name=registry.test:${registry#*:}
	mkdir -p certs
	cp tls.crt certs/ca.crt
	access=--cert-dir=certs
}

# round NAME=VALUE... [OPTION]...: a push and a pull must be whole.
round()
{
	rm -rf back
	expect 0 env "${@:1:1}" "$top_builddir/mab-build" copy --all "$access" "${@:2}" \
		oci:src:app "$name/app:1"
	expect 0 env "${@:1:1}" "$top_builddir/mab-build" copy --all "$access" "${@:2}" \
		"$name/app:1" oci:back
	same_blobs src back
}

# fails OPTION...: and the text is in stderr.
fails()
{
	expect 1 mab tags "$access" --retry-delay=1 "$@" "$name/app"
	[[ $stderr != *s3cret* ]] || { echo "$stderr"; return 1; }
}

@test "http: through the variables in both cases, and --proxy" {
	plain_registry
	start_http
	fails --retry=0
	has "$stderr" "cannot find the address of $name"
	for variable in http_proxy HTTP_PROXY all_proxy ALL_PROXY; do
		round "$variable=http://$proxy"
	done
	round "http_proxy=$proxy"
	round http_proxy=http://127.0.0.1:1 --proxy="http://$proxy"
	[ "$(grep -c "PUT http://$name/v2/app/manifests/1" proxy.log)" -eq 1 ]
}

@test "https: a tunnel, in which the proxy sees nothing" {
	secure_registry
	start_http
	fails --retry=0
	has "$stderr" "cannot find the address of $name"
	for variable in https_proxy HTTPS_PROXY all_proxy ALL_PROXY; do
		round "$variable=http://$proxy"
	done
	round http_proxy=http://127.0.0.1:1 --proxy="http://$proxy"
	grep -q "CONNECT $name" proxy.log
	[ "$(grep -cE 'http:|/v2/' proxy.log)" -eq 0 ]
}

@test "socks5h: the proxy looks names up; socks5: the client does" {
	secure_registry
	start_socks
	round "https_proxy=socks5h://$proxy"
	round "ALL_PROXY=socks5h://$proxy"
	round _=_ --proxy="socks5h://$proxy"
	fails --proxy="socks5://$proxy" --retry=0
	has "$stderr" "cannot find the address of $name"
	has "$stderr" "a proxy with socks5h:// looks names up itself"
	round "all_proxy=socks5://$proxy" --add-host=registry.test:127.0.0.1
	registry_teardown
	plain_registry
	start_socks
	round "all_proxy=socks5h://$proxy"
}

@test "no_proxy, in both cases, and what needs none" {
	plain_registry
	export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1
	fails --retry=0 --add-host=registry.test:127.0.0.1
	has "$stderr" "cannot connect to the proxy 127.0.0.1:1 that leads to $name"
	for value in registry.test .test other,registry.test:"${registry#*:}" '*'; do
		round "no_proxy=$value" --add-host=registry.test:127.0.0.1
		round "NO_PROXY=$value" --add-host=registry.test:127.0.0.1
	done
	round _=_ --proxy= --add-host=registry.test:127.0.0.1
	# This machine is reached without.
	expect 0 mab tags "$registry/app"
	expect 0 mab tags "localhost:${registry#*:}/app"
}

@test "a proxy that wants a login" {
	plain_registry
	start_http 'BasicAuth user s3cret'
	round "http_proxy=http://user:s3cret@$proxy"
	fails --retry=3 --proxy="http://$proxy"
	has "$stderr" "$name answered 407 (through the proxy $proxy)"
	has "$stderr" "http://USER:PASSWORD@HOST:PORT"
	registry_teardown
	secure_registry
	start_http 'BasicAuth user s3cret'
	round "https_proxy=http://user:s3cret@$proxy"
	fails --proxy="http://user:other-s3cret@$proxy"
	has "$stderr" "the proxy $proxy that leads to $name wants a user and a password, or others (401)"
	[[ $stderr != *"trying again"* ]]
	fails --proxy="http://$proxy"
	has "$stderr" "wants a user and a password, or others (407)"
	registry_teardown
	secure_registry
	start_socks -u user -P s3cret
	round "https_proxy=socks5h://user:s3cret@$proxy"
	for login in "" user:other-s3cret@; do
		fails --proxy="socks5h://$login$proxy"
		has "$stderr" "the proxy $proxy that leads to $name wants a user and a password, or others: "
		[[ $stderr != *"trying again"* ]]
	done
}

@test "a proxy that refuses" {
	plain_registry
	start_http 'Deny 127.0.0.1'
	fails --proxy="http://$proxy"
	has "$stderr" "$name answered 403 (through the proxy $proxy)"
	registry_teardown
	secure_registry
	start_http 'ConnectPort 443'
	fails --proxy="http://$proxy"
	has "$stderr" "the proxy $proxy does not lead to $name: it answered 403"
	has "$stderr" "no_proxy"
	[[ $stderr != *"trying again"* ]]
}

@test "a proxy that cannot reach the registry" {
	plain_registry
	start_http
	name=registry.test:1
	fails --retry=1 --proxy="http://$proxy"
	has "$stderr" "registry.test:1 answered 500"
	has "$stderr" "(through the proxy $proxy, 2 attempts)"
	access=--tls-verify=true
	fails --retry=1 --proxy="http://$proxy"
	has "$stderr" "the proxy $proxy does not lead to $name: it answered 500"
	has "$stderr" "(2 attempts)"
	registry_teardown
	start_socks
	fails --retry=1 --proxy="socks5h://$proxy"
	has "$stderr" "the proxy $proxy does not lead to $name: "
	has "$stderr" "(2 attempts)"
}

@test "a proxy that is not there, or none at all" {
	plain_registry
	for scheme in http socks5h; do
		fails --retry=1 --proxy="$scheme://user:s3cret@127.0.0.1:1"
		has "$stderr" "cannot connect to the proxy 127.0.0.1:1 that leads to $name: Connection refused; check http_proxy"
		has "$stderr" "(2 attempts)"
		fails --retry=0 --proxy="$scheme://user:s3cret@no.such.host.invalid"
		has "$stderr" "no.such.host.invalid"
		has "$stderr" "that leads to $name"
	done
	for proxy in gopher://user:s3cret@127.0.0.1 "http://user:s3cret@" "http://a b:s3cret@host x"; do
		fails --proxy="$proxy"
		has "$stderr" "the proxy '"
		[[ $stderr != *"trying again"* ]]
	done
}

@test "the password of a proxy is not on the command line for long" {
	secure_registry
	"$top_builddir/mab-build" copy --all "$access" --proxy=http://user:s3cret@127.0.0.1:1 \
		--retry=5 --retry-delay=2000 oci:src:app "$name/app:1" 2>errors &
	pid=$!
	wait_for grep -q 'trying again' errors
	line=$(tr '\0' ' ' <"/proc/$pid/cmdline")
	kill "$pid"
	wait "$pid" || true
	has "$line" --proxy=
	[[ $line != *s3cret* ]]
}
