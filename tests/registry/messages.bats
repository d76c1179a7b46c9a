#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# What a network that does not work is called: host, phase, time, attempts, and the option
# that mends it. Refusals that are answers of a registry are in faults, login and token.

load helpers

setup()
{
	registry_setup
}

teardown()
{
	registry_teardown
}

# silent KIND: sets silent to the port of a server that never says anything: "accepts"
# takes connections, "full" lets them wait to be taken.
silent()
{
	need python3
	python3 -c 'if True:
		import socket, sys, time
		kind = sys.argv[1]
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		s.listen(64 if kind == "accepts" else 0)
		if kind == "full":
			waiting = [socket.socket() for _ in range(4)]
			for w in waiting:
				w.setblocking(False)
				w.connect_ex(s.getsockname())
		print(s.getsockname()[1], flush=True)
		time.sleep(600)' "$1" >silent.port 2>silent.err 3>&- &
	pids+=($!)
	wait_for test -s silent.port
	silent=$(cat silent.port)
}

# Within a bound, however the machine is loaded.
tags()
{
	expect 1 timeout 60 "$top_builddir/mab-build" tags --retry-delay=1 "$@"
}

# In a network of its own, with such a file.
no_names() # RESOLV.CONF-LINE...
{
	need ip
	printf '%s\n' 'nameserver 127.0.0.1' "$@" >resolv.conf
	echo 'hosts: files dns' >nsswitch.conf
	cat >inside <<-'END'
		ip link set lo up
		mount --bind resolv.conf "$(readlink -f /etc/resolv.conf)"
		mount --bind nsswitch.conf /etc/nsswitch.conf
		python3 -c 'import socket, time
		s = socket.socket(type=socket.SOCK_DGRAM)
		s.bind(("127.0.0.1", 53))
		print(flush=True)
		time.sleep(60)' >bound &
		until [ -s bound ]; do sleep 0.02; done
		status=0
		"$@" || status=$?
		kill $!
		exit $status
	END
}

@test "a name server that never answers: the time limit, and --add-host" {
	no_names
	rm -f bound
	expect 1 timeout 60 unshare --net --mount sh inside "$top_builddir/mab-build" tags \
		--connect-timeout=1 --retry=1 --retry-delay=1 registry.test/app
	has "$stderr" "registry.test gave no answer in time (looking up its name, 1."
	has "$stderr" "the name server does not answer, --add-host NAME:ADDRESS sets an address without it"
	has "$stderr" "(2 attempts)"
	rm -f bound
	expect 1 timeout 60 unshare --net --mount sh inside "$top_builddir/mab-build" tags \
		--add-host=registry.test:127.0.0.1 --retry=0 registry.test/app
	has "$stderr" "cannot connect to registry.test (127.0.0.1 port 443): Connection refused"
}

@test "a name server that never answers: the system gives up first" {
	no_names 'options timeout:3 attempts:1'
	rm -f bound
	expect 1 timeout 60 unshare --net --mount sh inside "$top_builddir/mab-build" tags \
		--retry=0 registry.test/app
	has "$stderr" "cannot find the address of registry.test (looking up its name, "
	has "$stderr" "perhaps no name server answers, see /etc/resolv.conf; --add-host NAME:ADDRESS sets an address"
}

@test "a name server that never answers: an interruption ends it" {
	no_names 'options timeout:30'
	expect 124 unshare --net --mount sh inside timeout --kill-after=15 1 \
		"$top_builddir/mab-build" tags registry.test/app
	has "$stderr" "canceled"
}

@test "a connection that is never taken" {
	silent full
	tags --connect-timeout=1 --retry=9 --add-host=registry.test:127.0.0.1 "registry.test:$silent/app"
	has "$stderr" "registry.test:$silent (127.0.0.1 port $silent) gave no answer in time (connecting, 1."
	has "$stderr" "check whether a firewall is between, or a proxy is needed (--proxy)"
	# Who is not there is not waited for as often.
	has "$stderr" "(3 attempts)"
}

@test "a server that never says anything of TLS" {
	silent accepts
	tags --connect-timeout=1 --retry=1 --add-host=registry.test:127.0.0.1 "registry.test:$silent/app"
	has "$stderr" "registry.test:$silent (127.0.0.1 port $silent) gave no answer in time (agreeing on TLS, 1."
	has "$stderr" "(2 attempts)"
}

@test "no network at all" {
	cat >inside <<-'END'
		exec "$@"
	END
	expect 1 unshare --net sh inside "$top_builddir/mab-build" tags --retry=0 192.0.2.1/app
	has "$stderr" "cannot connect to 192.0.2.1: Network is unreachable"
}

@test "a certificate that has expired, and who signed it" {
	need openssl docker-registry
	certificate DNS:registry.test
	openssl x509 -in tls.crt -signkey tls.key -days -1 -copy_extensions copy -out old.crt 2>/dev/null
	docker_registry "http:tls: {certificate: $PWD/old.crt, key: $PWD/tls.key}"
	mkdir certs
	cp old.crt certs/ca.crt
	name=registry.test:${registry#*:}
	tags --cert-dir=certs --add-host=registry.test:127.0.0.1 "$name/app"
	has "$stderr" "the certificate of $name, signed by 'CN = Test Registry', is not trusted: "
	has "$stderr" "certificate has expired"
	has "$stderr" "/etc/containers/certs.d/$name/ca.crt"
	has "$stderr" "--tls-verify=false"
	[[ $stderr != *"trying again"* ]]
}

@test "a registry that wants a certificate" {
	need openssl docker-registry
	"$here/make-image" src
	certificate DNS:registry.test
	docker_registry "http:tls: {certificate: $PWD/tls.crt, key: $PWD/tls.key, clientcas: [$PWD/tls.crt]}"
	mkdir certs
	cp tls.crt certs/ca.crt
	name=registry.test:${registry#*:}
	# It hangs up at the same time, and is not always heard.
	tags --retry=20 --cert-dir=certs --add-host=registry.test:127.0.0.1 "$name/app"
	has "$stderr" "$name wants a certificate"
	has "$stderr" "/etc/containers/certs.d/$name"
	cp tls.crt certs/me.cert
	cp tls.key certs/me.key
	expect 0 mab copy --all --cert-dir=certs --add-host=registry.test:127.0.0.1 \
		oci:src:app "$name/app:1"
}

@test "the limit for connecting has to be one" {
	expect 2 mab tags --connect-timeout=0 registry.test/app
	has "$stderr" "--connect-timeout is at least a second"
}
