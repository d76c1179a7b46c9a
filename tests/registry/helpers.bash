# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the tests that load this
# SPDX-License-Identifier: MIT
#
# Registries for the tests: Debian's docker-registry, and fake-registry for faults.

. "${BASH_SOURCE[0]%/*}/../kernel/helpers.bash"

mab()
{
	"${top_builddir:-build}/mab-build" "$@"
}

# What a person has set up must not change how the tests end.
registry_setup()
{
	skip_if_unable
	cd "$BATS_TEST_TMPDIR" || return
	export HOME=$BATS_TEST_TMPDIR TMPDIR=$BATS_TEST_TMPDIR MAB_BUILD_ROOT=$BATS_TEST_TMPDIR/store
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir run
	unset -v XDG_CONFIG_HOME DOCKER_CONFIG REGISTRY_AUTH_FILE \
		http_proxy https_proxy all_proxy no_proxy \
		HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR
	: >registries.conf
	export CONTAINERS_REGISTRIES_CONF=$PWD/registries.conf
	pids=()
	here=${top_srcdir:-.}/tests/registry
}

# Ends all registries, so that others can be started.
registry_teardown()
{
	for pid in "${pids[@]}"; do
		kill "$pid"
		wait "$pid" || true
	done
	pids=()
	rm -f fake.port
}

# wait_for COMMAND...: at most ten seconds.
wait_for()
{
	for _ in {1..100}; do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

# Sets registry to 127.0.0.1:PORT. docker_registry [YAML...]: lines for its configuration;
# HTTP lines that begin with "http:" go below that.
docker_registry()
{
	need docker-registry
	{
		echo 'version: 0.1'
		echo "storage: {filesystem: {rootdirectory: $PWD/storage}, delete: {enabled: true}}"
		for line in "$@"; do
			[[ $line == http:* ]] || echo "$line"
		done
		echo 'http:'
		echo '  addr: 127.0.0.1:0'
		for line in "$@"; do
			[[ $line != http:* ]] || echo "  ${line#http:}"
		done
	} >registry.yml
	docker-registry serve registry.yml >registry.log 2>&1 3>&- &
	pids+=($!)
	wait_for grep -q 'listening on' registry.log || {
		cat registry.log
		return 1
	}
	registry=$(sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' registry.log)
}

# certificate NAMES: one that has signed itself, in tls.crt and tls.key.
certificate()
{
	need openssl
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout tls.key -out tls.crt -subj '/CN=Test Registry' \
		-addext "subjectAltName=$1" 2>/dev/null
}

tls_registry() # [NAMES]
{
	certificate "${1:-IP:127.0.0.1}"
	docker_registry "http:tls: {certificate: $PWD/tls.crt, key: $PWD/tls.key}"
}

# docker_registry in a folder of its own, beside another.
docker_registry_in() # FOLDER [YAML...]
{
	mkdir "$1"
	cd "$1" || return
	docker_registry "${@:2}"
	cd ..
}

# Sets registry to 127.0.0.1:PORT; its requests are in fake.log.
fake_registry()
{
	rm -f fake.port
	python3 "$here/fake-registry" fake.log "$@" >fake.port 2>fake.err 3>&- &
	pids+=($!)
	wait_for test -s fake.port
	registry=127.0.0.1:$(cat fake.port)
}

# Every blob of the layout one is in the layout two.
same_blobs()
{
	diff -r "$1/blobs" "$2/blobs"
}

requests() # PATTERN
{
	grep -cE "$1" "${2:-fake.log}"
}

# put_manifest REPO:TAG KIND: as it comes on stdin, however wrong it is.
put_manifest()
{
	python3 -c 'if True:
		import sys
		from urllib.request import Request, urlopen
		urlopen(Request(sys.argv[1], sys.stdin.buffer.read(), method="PUT", headers={
			"Content-Type": "application/vnd.%s.v1+json" % sys.argv[2]}))' "http://$registry/v2/${1%:*}/manifests/${1##*:}" "$2"
}
