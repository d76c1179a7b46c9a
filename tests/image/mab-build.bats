#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The image of mab-build as a CI starts it: settings in the environment, a workspace, and
# as much as its containers may do; a registry with a password and a certificate that
# nobody signed.

load helpers

setup_file()
{
	image_setup_file mab-build
}

teardown_file()
{
	image_teardown_file mab-build
}

setup()
{
	build_setup
	need htpasswd openssl
	workspace <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		COPY busybox-$TARGETARCH /bin/busybox
		RUN ["/bin/busybox", "sh", "-c", "/bin/busybox uname -m >/arch"]
	EOF
	htpasswd -Bbn user 'pass word' >users
	certificate IP:127.0.0.1
	docker_registry "auth: {htpasswd: {realm: test, path: $PWD/users}}" \
		"http:tls: {certificate: $PWD/tls.crt, key: $PWD/tls.key}"
	cwd=/drone/src
}

teardown()
{
	registry_teardown
}

# The pipeline that a Drone or Woodpecker server hands to its runner.
pipeline() # KIND USER
{
	container "$1" "$2" PLUGIN_USERNAME=user "PLUGIN_PASSWORD=pass word" \
		PLUGIN_REGISTRY="$registry" PLUGIN_REPO=team/app PLUGIN_DOCKERFILE=Dockerfile.ci \
		PLUGIN_INSECURE=true PLUGIN_PLATFORM=linux/amd64,linux/arm64 --
}

# What is in the registry: what a RUN of each platform found itself to be on.
pushed()
{
	for arch in amd64 arm64; do
		skopeo copy -q --src-tls-verify=false --src-creds 'user:pass word' \
			--override-arch $arch "docker://$registry/team/app:latest" "dir:$arch"
		tar -xzOf "$arch/$(jq -r '.layers[-1].digest[7:]' $arch/manifest.json)" arch
	done
}

@test "a privileged container pushes both platforms" {
	pipeline privileged 0
	[ "$(pushed)" = $'x86_64\naarch64' ]
	[ -n "$(ls volume)" ]
}

@test "one without privileges does, as root and as another user" {
	for user in 0 1000; do
		rm -rf volume amd64 arm64
		pipeline open $user
		[ "$(pushed)" = $'x86_64\naarch64' ]
	done
}

@test "one that may not make namespaces is told at once what to grant" {
	for user in 0 1000; do
		run pipeline closed $user
		[ "$status" -ne 0 ]
		[[ $output == *"a seccomp filter forbids it"*--privileged*seccomp=unconfined* ]]
		[[ $output != *" 1/"* ]]
	done
}

@test "one whose /proc is masked is told at once what to grant" {
	for user in 0 1000; do
		run pipeline masked $user
		[ "$status" -ne 0 ]
		[[ $output == *"cannot mount /proc"*systempaths=unconfined* ]]
		[[ $output != *" 1/"* ]]
	done
}

@test "with words it is mab-build" {
	run container closed 0 -- --version
	[ "$output" = "$(mab --version)" ]
}

@test "it finds registries by their names" {
	need python3
	python3 "$top_srcdir/tests/image/name-server" 127.0.0.77 registry.test 127.0.0.1 \
		>names 3>&- &
	pids+=($!)
	wait_for test -s names
	echo nameserver 127.0.0.77 >resolv.conf
	echo 127.0.0.1 hosts.test >hosts
	volumes=("$PWD/resolv.conf:/etc/resolv.conf" "$PWD/hosts:/etc/hosts")
	for host in registry.test hosts.test; do
		run container closed 1000 -- tags --tls-verify=false "$host:${registry#*:}/$host"
		echo "$output"
		grep "GET /v2/$host/tags/list" registry.log
	done
	run container closed 1000 -- tags --retry=1 "unknown.test:${registry#*:}/app"
	[[ $output == *"unknown.test"*name* ]]
}

# In its own root, which has no more than /proc besides.
on_arm64() # WORD...
{
	env -i PATH="$PATH" unshare --mount sh -ec 'mount --rbind /proc arm64/proc && exec "$@"' sh \
		"$top_builddir/binfmtctl" --run arm64 --root arm64 -- "$@"
}

@test "that for arm64 builds and pushes" {
	unpacked mab-build linux/arm64 arm64
	mkdir -p arm64/proc arm64/context
	echo text >arm64/context/file
	printf '%s\n' 'FROM scratch' 'COPY file /' >arm64/context/Dockerfile
	expect 0 on_arm64 mab-build build --tls-verify=false --creds 'user:pass word' \
		-t "$registry/team/app:arm64" --push /context
	skopeo inspect --tls-verify=false --creds 'user:pass word' --raw \
		"docker://$registry/team/app:arm64"
	[ "$(on_arm64 binfmtctl --version)" = "$(binfmtctl --version)" ]
}

# All but what comes before the sources is done once more.
@test "built anew it is the same to the byte" {
	cd "$BATS_FILE_TMPDIR"
	image mab-build --iidfile once
	date '+# %s %N' | tee -a context/README.md >>context/qemu/image/checksums
	expect 0 image mab-build --iidfile again
	has "$stderr" "[linux/amd64->arm64 programs 4/4] DONE"
	has "$stderr" "[linux/amd64->arm64 qemu 3/3] DONE"
	[ "$(cat once)" = "$(cat again)" ]
}
