#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# From a Dockerfile to an index in a registry: platforms, stages, cache, outputs.

load helpers

setup() {
	build_setup
}

teardown() {
	registry_teardown
}

@test "eight platforms, each its own program" {
	base linux/amd64 linux/arm64 linux/arm/v7 linux/ppc64le linux/s390x \
		linux/mips64le linux/386 linux/riscv64
	dockerfile <<-'EOF'
		FROM $BASE
		ARG TARGETARCH
		RUN echo "$TARGETARCH $(uname -m)" >/arch
	EOF
	build --platform "$platforms" -t "$registry/app:1" --push ctx
	run raw app:1
	[ "$(jq -r '.manifests | length' <<<"$output")" = 8 ]
	[ "$(jq -r '.manifests[2].platform | .architecture + "/" + .variant' <<<"$output")" = arm/v7 ]
	[ "$(file_of app:1 arm64 arch)" = "arm64 aarch64" ]
	[ "$(file_of app:1 s390x arch)" = "s390x s390x" ]
	[ "$(file_of app:1 ppc64le arch)" = "ppc64le ppc64le" ]
}

@test "an ordinary user builds for other machines" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
	base linux/amd64 linux/arm64
	dockerfile <<-'EOF'
		FROM $BASE
		RUN uname -m >/arch
	EOF
	mkdir home
	chown 4321:4321 home
	chmod 755 . "$BATS_TEST_TMPDIR"/.. "$BATS_TEST_TMPDIR"/../..
	cp "${top_builddir:-build}/mab-build" .
	unset MAB_BUILD_ROOT
	timeout --signal=KILL 60 setpriv --reuid 4321 --regid 4321 --clear-groups \
		env HOME="$PWD/home" ./mab-build build --tls-verify=false \
		--platform linux/amd64,linux/arm64 -t "$registry/app:1" --push ctx
	[ "$(file_of app:1 arm64 arch)" = aarch64 ]
	[ -d home/.local/share/mab-build/blobs ]
}

@test "what an image says of itself" {
	base linux/amd64
	dockerfile <<-'EOF'
		FROM $BASE
		ENV A=1 B="two words"
		ENV A=3
		EXPOSE 80 90-91/udp
		VOLUME /data
		LABEL one=1
		WORKDIR /w
		WORKDIR sub
		USER 7:8
		STOPSIGNAL SIGINT
		HEALTHCHECK --interval=5s CMD true
		SHELL ["/bin/sh", "-e", "-c"]
		ENTRYPOINT exec prog
		MAINTAINER me
		ONBUILD RUN true
	EOF
	build -t "$registry/app:1" --label two=2 --annotation x=y --push ctx
	run raw app:1
	[ "$(jq -r .annotations.x <<<"$output")" = y ]
	run skopeo inspect --tls-verify=false --config --raw "docker://$registry/app:1"
	c=$output
	[ "$(jq -r '.config.Env[1:] | join(";")' <<<"$c")" = "A=3;B=two words" ]
	[ "$(jq -r '.config.ExposedPorts | keys | join(" ")' <<<"$c")" = "80/tcp 90/udp 91/udp" ]
	[ "$(jq -r '.config.Volumes | keys[0]' <<<"$c")" = /data ]
	[ "$(jq -r '.config.Labels | .one + .two' <<<"$c")" = 12 ]
	[ "$(jq -r .config.WorkingDir <<<"$c")" = /w/sub ]
	[ "$(jq -r .config.User <<<"$c")" = 7:8 ]
	[ "$(jq -r .config.StopSignal <<<"$c")" = SIGINT ]
	[ "$(jq -r .config.Healthcheck.Interval <<<"$c")" = 5000000000 ]
	[ "$(jq -r '.config.Entrypoint | join(" ")' <<<"$c")" = "/bin/sh -e -c exec prog" ]
	[ "$(jq -r '.config.Cmd' <<<"$c")" = null ]
	[ "$(jq -r '.config.OnBuild[0]' <<<"$c")" = "RUN true" ]
	[ "$(jq -r .author <<<"$c")" = me ]
	[ "$(jq -r '.rootfs.diff_ids | length' <<<"$c")" = 4 ]
	[ "$(jq -r '[.history[] | select(.empty_layer | not)] | length' <<<"$c")" = 4 ]
}

@test "ONBUILD of a base runs where it is built on" {
	base linux/amd64
	dockerfile <<-'EOF'
		FROM $BASE
		ONBUILD RUN echo by the base >/onbuild
	EOF
	build -t "$registry/parent:1" --push ctx
	printf 'FROM %s\n' "$registry/parent:1" >ctx/Dockerfile
	build -t "$registry/child:1" --push ctx
	[ "$(file_of child:1 amd64 onbuild)" = "by the base" ]
	run skopeo inspect --tls-verify=false --config --raw "docker://$registry/child:1"
	[ "$(jq -r '.config.OnBuild' <<<"$output")" = null ]
}

@test "the second time everything is known" {
	base linux/amd64 linux/arm64
	echo 1 >ctx/file
	dockerfile <<-'EOF'
		FROM $BASE
		RUN date >/when
		COPY file /
		RUN date >/later
	EOF
	build --platform "$platforms" --iidfile one ctx
	run build --platform "$platforms" --iidfile two ctx
	[ "$status" -eq 0 ]
	[[ $output != *DONE* ]]
	cmp one two
	echo 2 >ctx/file
	run build --platform "$platforms" ctx
	[ "$(grep -c CACHED <<<"$output")" -ge 2 ]
	[ "$(grep -c 'DONE' <<<"$output")" -ge 3 ]
	run build --platform "$platforms" --no-cache ctx
	[ "$(grep -c 'DONE' <<<"$output")" -ge 5 ]
}

@test "--no-cache-filter: what its stages make is made anew, and nothing else" {
	base linux/amd64
	dockerfile <<-'EOF'
		FROM $BASE AS one
		RUN cat /proc/sys/kernel/random/uuid >/one
		FROM $BASE AS two
		RUN cat /proc/sys/kernel/random/uuid >/two
		FROM $BASE AS three
		RUN cat /proc/sys/kernel/random/uuid >/three
		FROM $BASE
		COPY --from=one /one /
		COPY --from=two /two /
		COPY --from=three /three /
	EOF
	build -o old ctx
	build --no-cache-filter two,2 -o new ctx
	cmp old/one new/one
	run ! cmp old/two new/two
	run ! cmp old/three new/three
	build -o newest ctx
	diff -r new newest
	expect 1 build --no-cache-filter three_ ctx
	has "$stderr" "Dockerfile has no stage 'three_' (did you mean 'three'?)"
}

@test "a step of the build platform runs once for all" {
	base linux/amd64 linux/arm64 linux/s390x
	dockerfile <<-'EOF'
		FROM --platform=$BUILDPLATFORM $BASE AS tools
		RUN echo once; date >/tool
		FROM $BASE
		COPY --from=tools /tool /
	EOF
	run build --platform "$platforms" -t "$registry/app:1" --push ctx
	[ "$status" -eq 0 ]
	[ "$(grep -c '\] once$' <<<"$output")" = 1 ]
	[ "$(file_of app:1 arm64 tool)" = "$(file_of app:1 s390x tool)" ]
	cmp <(jq '.layers[-1]' image-arm64/manifest.json) <(jq '.layers[-1]' image-s390x/manifest.json)
}

@test "one digest for any number of jobs, with SOURCE_DATE_EPOCH" {
	base linux/amd64 linux/arm64
	echo text >ctx/file
	dockerfile <<-'EOF'
		FROM $BASE
		COPY file /data/
		RUN date >/dev/null; mkdir -p /a/b; echo x >/a/b/c
		WORKDIR /w
	EOF
	for jobs in 1 4; do
		SOURCE_DATE_EPOCH=1700000000 MAB_BUILD_ROOT=$PWD/store-$jobs \
			build --platform "$platforms" --jobs $jobs --iidfile id-$jobs ctx
	done
	cmp id-1 id-4
	sleep 1.1
	touch ctx/file
	build --no-cache --timestamp 1700000000 --platform "$platforms" --iidfile id-again ctx
	cmp id-1 id-again
}

@test "an image layout and an archive of one" {
	base linux/amd64 linux/arm64
	echo text >ctx/file
	dockerfile <<-'EOF'
		FROM $BASE
		COPY file /
	EOF
	build --platform "$platforms" -t name:1 -o type=oci,dest=layout -o type=oci-archive,dest=a.tar \
		--metadata-file meta ctx
	skopeo inspect --raw oci:layout:name:1 | cmp - <(skopeo inspect --raw oci-archive:a.tar)
	skopeo copy -q --all oci-archive:a.tar oci:copy:x
	[ "$(jq -r '."containerimage.digest"' meta)" = "sha256:$(skopeo inspect --raw oci:layout:name:1 | sha256sum | cut -d' ' -f1)" ]
}

@test "an image of the store is a base" {
	base linux/amd64
	dockerfile <<-'EOF'
		FROM $BASE
		RUN echo local >/local
	EOF
	build -t mine:1 ctx
	printf 'FROM mine:1\nRUN cat /local\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 0 ]
	[[ $output == *"] local"* ]]
}

@test "a base that the store has for another machine alone is fetched, or missing" {
	base linux/amd64
	dockerfile <<-'EOF'
		FROM $BASE
		COPY Dockerfile /
	EOF
	# The store has the same image as the registry, and then none.
	for root in "$MAB_BUILD_ROOT" other; do
		MAB_BUILD_ROOT=$root run build --platform linux/amd64,linux/arm64 ctx
		[ "$status" -eq 1 ]
		[[ $output == *"Dockerfile:1:1: image $registry/base:1: "*"there is no image for linux/arm64, only for linux/amd64 (FROM --platform=linux/amd64 takes that one)"* ]]
	done
	build -t alone:1 ctx
	echo 'FROM alone:1' >ctx/Dockerfile
	run build --pull=never --platform linux/arm64 ctx
	[ "$status" -eq 1 ]
	[[ $output == *"there is no image for linux/arm64, only for linux/amd64"*"and --pull=never"* ]]
	echo 'FROM --platform=linux/amd64 alone:1' >ctx/Dockerfile
	build --platform linux/arm64 ctx
	# Now the registry has both, and the store only one.
	base linux/amd64 linux/arm64
	MAB_BUILD_ROOT=other "${top_builddir:-build}/mab-build" pull --tls-verify=false --platform linux/arm64 "$registry/base:1"
	dockerfile <<<$'FROM $BASE\nCOPY Dockerfile /'
	MAB_BUILD_ROOT=other build --platform linux/amd64,linux/arm64 -o out ctx
	cmp out/linux_amd64/bin/busybox "$(busybox_of linux/amd64)"
	cmp out/linux_arm64/bin/busybox "$(busybox_of linux/arm64)"
}

@test "what cannot be written is told of before anything is done" {
	mkdir ctx
	printf 'FROM 127.0.0.1:1/none\n' >ctx/Dockerfile
	for wrong in --iidfile=no/file --metadata-file=no/file --trace=no/file --timeline=no/file \
		--output=type=oci-archive,dest=no/file; do
		run build "$wrong" ctx
		[ "$status" -eq 1 ]
		[[ $output == *"cannot write no/file: No such file or directory"* ]]
	done
	# A pipe in a folder where nobody may make files is one to write to.
	mkdir locked
	mkfifo locked/pipe
	echo 'FROM scratch' >ctx/scratch
	chmod 555 locked
	cat locked/pipe >got &
	reader=$!
	setpriv --bounding-set -dac_override --inh-caps -dac_override "${top_builddir:-build}/mab-build" build \
		-f ctx/scratch -o type=tar,dest=locked/pipe ctx
	wait $reader
	tar -tf got
	build -f ctx/scratch -o type=oci,dest=layout/ ctx
	[ -e layout/index.json ]
	digest=sha256:$(printf '%064d' 1)
	for wrong in --tag=UPPER "--tag=name@$digest" --manifest=UPPER --output=type=image,name=UPPER \
		"--output=type=registry,name=127.0.0.1:1/x@$digest"; do
		run build "$wrong" ctx
		[ "$status" -eq 2 ]
		[[ $output == *UPPER* || $output == *"what is to be made has no digest yet"* ]]
	done
}

@test "a store inside of the context is no part of it" {
	mkdir -p ctx/sub
	echo text >ctx/sub/file
	printf 'FROM scratch\nCOPY . /all/\nCOPY sub /sub/\n' >ctx/Dockerfile
	for store in ctx/store ctx/sub/store; do
		for _ in 1 2; do
			MAB_BUILD_ROOT=$PWD/$store run build -o out ctx
			[ "$status" -eq 0 ]
		done
		[ "$(grep -c CACHED <<<"$output")" = 2 ]
		diff <(cd out && find . -type f | sort) \
			<(printf '%s\n' ./all/Dockerfile ./all/sub/file ./sub/file)
		rm -r out "$store"
	done
}

@test "what would be done" {
	base linux/amd64 linux/arm64
	dockerfile <<-'EOF'
		FROM $BASE AS unused
		RUN unused
		FROM $BASE
		RUN used
	EOF
	run build --platform "$platforms" --dry-run ctx
	[ "$status" -eq 0 ]
	[[ $output == *"[linux/arm64 1/1] RUN used"* ]]
	[[ $output != *unused* ]]
}

@test "a machine that nobody emulates fails before anything is fetched" {
	mkdir ctx
	printf 'FROM 127.0.0.1:1/none\nRUN true\n' >ctx/Dockerfile
	run build --platform linux/pdp11 ctx
	[ "$status" -eq 1 ]
	[[ $output == *"programs of linux/pdp11 cannot run here"* ]]
	[[ $output != *127.0.0.1* ]]
}

@test "what this version does not have is refused by name" {
	mkdir ctx
	echo 'FROM scratch' >ctx/Dockerfile
	run build --isolation=chroot ctx
	[ "$status" -eq 2 ]
	[[ $output == *"no --isolation=chroot"* ]]
	run build --push ctx
	[ "$status" -eq 2 ]
	[[ $output == *"add --tag"* ]]
}

@test "two builds at once on one store share the work" {
	base linux/amd64
	{
		echo "FROM $registry/base:1"
		for n in {1..10}; do
			echo "RUN echo $n >/file-$n; date >/when-$n"
		done
	} >ctx/Dockerfile
	build --iidfile one ctx >log-one 2>&1 3>&- &
	build --iidfile two ctx >log-two 2>&1
	wait $!
	cmp one two
	[ "$(cat log-one log-two | grep -c '] DONE')" = 10 ]
}
