#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Which bases, which platforms, and what is published of what.

load helpers

setup()
{
	build_setup
	need skopeo
	mkdir -p ctx
	cp "$(busybox_of linux/amd64)" ctx/busybox
}

teardown()
{
	registry_teardown
}

# scratch PLATFORM[,...] NAME TEXT: pushes an image with one file.
scratch()
{
	printf 'FROM scratch\nCOPY busybox /bin/sh\nLABEL text="%s"\n' "$3" >ctx/base
	build -f ctx/base --platform "$1" -t "$2" --push ctx
}

# text NAME: the label of an image in the store or registry that a Dockerfile begins with.
text()
{
	echo "FROM $registry/base:1" >ctx/Dockerfile
	rm -f image
	build "$@" -o type=oci-archive,dest=image ctx >/dev/null &&
		skopeo inspect oci-archive:image | jq -r .Labels.text
}

@test "--pull: the store, the registry, or both" {
	docker_registry
	# Both have it, with different texts.
	MAB_BUILD_ROOT=$PWD/other scratch linux/amd64 "$registry/base:1" theirs
	printf 'FROM scratch\nLABEL text=ours\n' >ctx/base
	build -f ctx/base -t "$registry/base:1" ctx
	[ "$(text)" = ours ]
	[ "$(text --pull=missing)" = ours ]
	[ "$(text --pull=never)" = ours ]
	[ "$(text --pull)" = theirs ]
	[ "$(text --pull=always)" = theirs ]
	[ "$(text --pull=newer)" = theirs ]
	# Only the registry has it.
	export MAB_BUILD_ROOT=$PWD/third
	[ "$(text)" = theirs ]
	MAB_BUILD_ROOT=$PWD/fourth
	echo "FROM $registry/base:1" >ctx/Dockerfile
	expect 1 build --pull=never ctx
	has "$stderr" "the store has no such image, and --pull=never"
	# Only the store has it.
	MAB_BUILD_ROOT=$PWD/store
	registry_teardown
	[ "$(text --pull=newer --retry 0)" = ours ]
	echo "FROM $registry/base:1" >ctx/Dockerfile
	expect 1 build --pull --retry 0 ctx
	expect 2 build --pull=sometimes ctx
	has "$stderr" "--pull=sometimes is none of: missing always newer never"
}

@test "--all-platforms: those that all bases have" {
	docker_registry
	scratch linux/amd64,linux/arm64,linux/arm/v7 "$registry/one:1" x
	scratch linux/arm64,linux/amd64,linux/s390x "$registry/two:1" x
	cat >ctx/Dockerfile <<-EOF
		ARG TAG=1
		FROM --platform=linux/amd64 scratch AS tools
		FROM $registry/one:\$TAG AS first
		FROM $registry/two:1
		COPY --from=first /bin/sh /first
	EOF
	build --all-platforms -t "$registry/app:1" --push ctx
	[ "$(raw app:1 | jq -r '[.manifests[].platform.architecture] | sort | join(" ")')" = "amd64 arm64" ]
	printf 'FROM scratch\nCOPY busybox /x\n' >ctx/Dockerfile
	expect 1 build --all-platforms ctx
	has "$stderr" "no stage begins from an image"
	expect 2 build --all-platforms --platform linux/amd64 ctx
	has "$stderr" "exclude each other"
}

@test "--partial=publish: the platforms that were built; the exit code tells of the other" {
	docker_registry
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		COPY busybox only-$TARGETARCH* /
	EOF
	touch ctx/only-amd64 ctx/only-riscv64
	sed -i 's/^COPY.*/COPY busybox only-$TARGETARCH \//' ctx/Dockerfile
	all=linux/amd64,linux/arm64,linux/riscv64
	expect 1 build --platform $all -t "$registry/app:1" --push ctx
	run raw app:1
	[ "$status" -ne 0 ]
	expect 1 build --platform $all --partial publish -t "$registry/app:1" --push \
		-o out ctx
	has "$stderr" "going on without the platforms that failed"
	has "$stderr" "only-arm64"
	[ "$(raw app:1 | jq -r '[.manifests[].platform.architecture] | join(" ")')" = "amd64 riscv64" ]
	[ "$(ls out)" = $'linux_amd64\nlinux_riscv64' ]
	# One that is left is still an index.
	expect 1 build --platform linux/arm64,linux/amd64 --partial publish -t "$registry/app:2" --push ctx
	raw app:2 | jq -e '.manifests | length == 1'
	rm -r out
	for to in out type=tar,dest=out.tar; do
		expect 1 build --platform linux/arm64,linux/amd64 --partial publish -o $to ctx
	done
	[ "$(ls out)" = linux_amd64 ]
	[ "$(tar -tf out.tar | cut -d/ -f1 | sort -u)" = linux_amd64 ]
	expect 1 build --platform linux/arm64 --partial publish -t "$registry/app:3" --push ctx
	run raw app:3
	[ "$status" -ne 0 ]
}

@test "--manifest: builds add to a list, one after the other" {
	docker_registry
	printf 'FROM scratch\nCOPY busybox /x\n' >ctx/Dockerfile
	build --platform linux/amd64 --manifest "$registry/list:1" ctx
	build --platform linux/arm64,linux/riscv64 --manifest "$registry/list:1" ctx
	build --platform linux/amd64 --label again=1 --manifest "$registry/list:1" ctx
	echo "FROM $registry/list:1" >ctx/Dockerfile
	build --platform linux/amd64,linux/arm64,linux/riscv64 -t "$registry/app:1" --push ctx
	skopeo inspect --tls-verify=false --config "docker://$registry/app:1" | jq -e '.config.Labels.again == "1"'
	[ "$(raw app:1 | jq '.manifests | length')" -eq 3 ]
	build -t "$registry/image:1" ctx
	expect 1 build --manifest "$registry/image:1" ctx
	has "$stderr" "is an image, and not a list of images"
}

@test "--build-arg-file" {
	printf 'FROM scratch\nARG A\nARG B\nARG C\nLABEL text="$A-$B-$C"\n' >ctx/Dockerfile
	printf '# the values\nA=one\n\n  B=two words\nC\n' >args
	C=environment build --build-arg-file args --build-arg A=1 -o type=oci-archive,dest=x ctx
	skopeo inspect oci-archive:x | jq -e '.Labels.text == "1-two words-environment"'
	expect 2 build --build-arg-file nowhere ctx
	has "$stderr" "cannot open nowhere"
	echo '=x' >args
	expect 2 build --build-arg-file args ctx
	has "$stderr" "args: --build-arg==x has no name"
}
