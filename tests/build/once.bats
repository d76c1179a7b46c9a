#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is read, asked for, or sent only once, and early.

load helpers

setup() {
	build_setup
	base linux/amd64 linux/arm64
}

teardown() {
	registry_teardown
}

# How often the build opened each file to read it: "COUNT PATH", sorted.
opened() # PATTERN
{
	grep -vE 'O_PATH|O_WRONLY|O_RDWR' trace |
		grep -Eo "open(at|at2)\([^\"]*\"$1\"" |
		sed 's/.*"\(.*\)"/\1/' | sort | uniq -c | sed 's/^ *//'
}

traced_build()
{
	need strace
	strace -f -qq -e trace=openat,openat2 -o trace "${top_builddir:-build}/mab-build" \
		build --tls-verify=false --platform linux/amd64,linux/arm64 "$@"
}

@test "a file of the context is read once, for all platforms and steps" {
	mkdir ctx/tree
	for i in 1 2 3; do echo "$i" >ctx/tree/file$i; done
	touch ctx/tree/empty
	dockerfile <<-'EOF'
		FROM $BASE
		COPY tree /tree
		RUN --mount=type=bind,source=tree/file1,target=/one cat /one
		COPY tree/file2 /
	EOF
	traced_build ctx
	run opened '(tree/)?(file[0-9]|empty)'
	[ "$output" = $'1 tree/file1\n1 tree/file2\n1 tree/file3' ]
}

@test "a file that goes into several layers is read once" {
	for i in 1 2 3; do echo "$i" >ctx/file$i; done
	head -c 5M /dev/urandom >ctx/large # more than waits in memory for a key
	dockerfile <<-'EOF'
		FROM $BASE AS one
		RUN --mount=type=bind,source=file1,target=/one cat /one
		COPY file2 /first/
		COPY . /second/
		FROM $BASE
		COPY file3 /third/
		COPY --from=one /first /first
		COPY --from=one /second /second
	EOF
	traced_build ctx
	run opened '(file[0-9]|large)'
	[ "$output" = $'1 file1\n1 file2\n1 file3\n1 large' ]
	build --platform linux/amd64,linux/arm64 -o out ctx
	for p in linux_amd64 linux_arm64; do
		diff -r ctx out/$p/second
		cmp ctx/file2 out/$p/first/file2
		cmp ctx/file3 out/$p/third/file3
	done
}

# Steps in both orders of time: the second waits for the first, or finds what it left. In
# the second round digests are known, and all layers have to be made.
@test "so is one that is known, however large, by stages side by side" {
	mkdir ctx/tree
	echo small >ctx/tree/small
	head -c 20M /dev/urandom >ctx/tree/large
	touch -d yesterday ctx/tree/*
	sleep 3
	for layers in a/b c/d; do
		dockerfile <<-EOF
			FROM \$BASE AS one
			COPY tree /${layers%/*}/
			FROM \$BASE
			COPY tree /${layers#*/}/
			COPY --from=one /${layers%/*} /${layers%/*}
		EOF
		traced_build ctx
		run opened 'tree/(small|large)'
		[ "$output" = $'1 tree/large\n1 tree/small' ]
		build --platform linux/amd64,linux/arm64 -o out ctx
		diff -r ctx/tree "out/linux_arm64/${layers%/*}"
		diff -r ctx/tree "out/linux_arm64/${layers#*/}"
		rm -r out
	done
}

# Bytes of a file that the build read from its start on; a look at a place is none.
bytes_read() # NAME COMMAND...
{
	local name=$1

	shift
	strace -f -qq -y -e trace=read -o reads "$@" >/dev/null
	awk -v name="/$name>," '/read\(/ && index($0, name) { n += $NF } END { print n + 0 }' reads
}

@test "so is one that has two names in an instruction, and one beside an archive" {
	need strace
	mkdir ctx/lib tree
	head -c 5M /dev/urandom >ctx/lib/libx.so.1
	head -c 5M /dev/urandom >ctx/liby.so.1
	ln -s libx.so.1 ctx/lib/libx.so
	ln -s lib/libx.so.1 ctx/libx.so.9
	echo inner >tree/inner
	tar -C tree -cf ctx/x.tar inner
	set -- "${top_builddir:-build}/mab-build" build --tls-verify=false \
		--platform linux/amd64,linux/arm64 ctx
	dockerfile <<<$'FROM $BASE\nCOPY lib/lib* libx.so.9 /lib/'
	[ "$(bytes_read libx.so.1 "$@")" -eq $((5 << 20)) ]
	build -o out ctx
	for name in libx.so libx.so.1 libx.so.9; do
		cmp ctx/lib/libx.so.1 "out/lib/$name"
	done
	dockerfile <<<$'FROM $BASE\nADD liby.so.1 x.tar /other/'
	[ "$(bytes_read liby.so.1 "$@")" -eq $((5 << 20)) ]
	build -o out ctx
	cmp ctx/liby.so.1 out/other/liby.so.1
	[ "$(cat out/other/inner)" = inner ]
}

# Bytes that the build wrote at a place of its own choice: nothing else is kept like that.
kept()
{
	awk -F' = ' '/pwrite64\(/ { n += $NF } END { print n + 0 }' kept
}

@test "only what two instructions name is kept for the second" {
	need strace
	head -c 5M /dev/urandom >ctx/large
	echo small >ctx/small
	ln -s small ctx/link
	dockerfile <<-'EOF'
		FROM $BASE
		COPY link /first/
		COPY . /second/
	EOF
	strace -f -qq -e trace=pwrite64 -o kept "${top_builddir:-build}/mab-build" build \
		--tls-verify=false --platform linux/amd64,linux/arm64 ctx
	[ "$(kept)" -eq 6 ]
}

@test "no room for what is kept ends the build with an error that says so" {
	need strace
	echo file >ctx/file
	dockerfile <<<$'FROM $BASE\nCOPY file /'
	run strace -f -qq -o trace -e inject=pwrite64:error=ENOSPC \
		"${top_builddir:-build}/mab-build" build --tls-verify=false ctx
	[ "$status" -eq 1 ]
	[[ $output == *"Dockerfile:2:1: "*"cannot keep what other layers need in "*": No space left on device"* ]]
}

@test "one that is known is not read for its digest" {
	mkdir ctx/tree
	for i in 1 2 3; do echo "$i" >ctx/tree/file$i; done
	touch -d yesterday ctx/tree/*
	dockerfile <<-'EOF'
		FROM $BASE
		COPY tree /tree
	EOF
	sleep 3 # changes of the last two seconds prove nothing
	build ctx
	echo new >ctx/tree/file2
	traced_build ctx
	run opened '(tree/)?file[0-9]'
	[ "$output" = $'1 tree/file1\n1 tree/file2\n1 tree/file3' ]
	traced_build ctx
	run opened '(tree/)?file[13]'
	[ -z "$output" ]
}

# The layer is to be made of a file whose digest is known: it is opened late, when a
# command has been run.
late_open() # COMMAND...
{
	need strace
	head -c 2M /dev/urandom >ctx/file
	touch -d yesterday ctx/file
	sleep 3
	dockerfile <<<$'FROM $BASE\nCOPY file /one/'
	build ctx
	printf '%b\n' "${late:-FROM \$BASE\nCOPY file /two/}" | dockerfile
	# Between the last look at the file, each of which is late too, and its opening.
	(sleep "${looks:-1}.5" && "$@") &
	change=$!
	run strace -f -qq -o trace -P file -e trace=openat2 \
		-e inject=openat2:delay_enter=1000000 \
		"${top_builddir:-build}/mab-build" build --tls-verify=false ctx
	wait "$change"
}

@test "a known file that is changed before it is copied ends the build" {
	late_open dd if=/dev/zero of=ctx/file bs=1 count=1 conv=notrunc status=none
	[ "$status" -eq 1 ]
	[[ $output == *"Dockerfile:2:1: "*"file was changed while it was copied: run the build again"* ]]
	build -o out ctx
	cmp ctx/file out/two/file
}

# A stage that waits for the file to be read takes over from the one that failed. What
# both may want is looked at for that, two times.
@test "and so it does when two stages want it" {
	late='FROM $BASE AS two\nCOPY file /two/\nFROM $BASE\nCOPY file /three/\nCOPY --from=two /two /'
	looks=3 late_open dd if=/dev/zero of=ctx/file bs=1 count=1 conv=notrunc status=none
	[ "$status" -eq 1 ]
	[[ $output == *"file was changed while it was copied: run the build again"* ]]
}

@test "one that is only touched does not" {
	late_open touch ctx/file
	[ "$status" -eq 0 ]
	build -o out ctx
	cmp ctx/file out/two/file
}

@test "an archive is unpacked once for all platforms, and not when its layer is there" {
	mkdir tree
	head -c 1M /dev/urandom >tree/inner
	tar -C tree -czf ctx/x.tar.gz inner
	touch -d yesterday ctx/x.tar.gz
	dockerfile <<-'EOF'
		FROM $BASE
		ADD x.tar.gz /tree/
	EOF
	sleep 3
	for times in 1 0; do
		traced_build ctx
		[ "$(grep -c '"inner", O_WRONLY|O_CREAT' trace)" -eq $times ]
	done
	# Of a new key, the layer is made of what is unpacked then.
	dockerfile <<<$'FROM $BASE\nADD x.tar.gz /other/'
	traced_build ctx
	[ "$(grep -c '"inner", O_WRONLY|O_CREAT' trace)" -eq 1 ]
	build -o out ctx
	cmp tree/inner out/other/inner
}

@test "what a repository got in an earlier build is mounted in the next" {
	echo text >ctx/file
	dockerfile <<-'EOF'
		FROM $BASE
		COPY file /
	EOF
	build -t "$registry/one:1" --push ctx
	: >registry.log
	build -t "$registry/two:1" --push ctx
	[ "$(requests 'POST /v2/two/blobs/uploads/.*mount=.*from=one.* 201 ' registry.log)" -gt 0 ]
	[ "$(requests '(PATCH|PUT) /v2/two/blobs/' registry.log)" -eq 0 ]
}

@test "a change that is taken back finds its layer again" {
	mkdir ctx/tree
	echo one >ctx/tree/file
	dockerfile <<-'EOF'
		FROM $BASE
		COPY tree /tree
	EOF
	first=$(build ctx)
	echo two >ctx/tree/file
	[ "$(build ctx)" != "$first" ]
	echo one >ctx/tree/file
	run build ctx
	[[ $output == *CACHED* ]]
	[[ $output == *"$first"* ]]
}

# The step ends only once the registry has heard of the repository.
@test "layers go up while later steps run" {
	echo file >ctx/file
	dockerfile <<-EOF
		FROM $registry/base:1
		COPY file /
		RUN until wget -q -O - http://$registry/v2/_catalog | grep '"ahead"'; do sleep 0.1; done
	EOF
	build --platform linux/amd64 -t "$registry/ahead:1" --push ctx
	skopeo inspect --tls-verify=false "docker://$registry/ahead:1"
}

@test "a build that fails leaves no tag and no upload behind" {
	echo file >ctx/file
	dockerfile <<-EOF
		FROM $registry/base:1
		COPY file /
		RUN until wget -q -O - http://$registry/v2/_catalog | grep '"ahead"'; do sleep 0.1; done; false
	EOF
	run build --platform linux/amd64 -t "$registry/ahead:1" --push ctx
	[ "$status" -eq 1 ]
	[[ $output == *"ended with exit code 1"* ]]
	run skopeo inspect --tls-verify=false "docker://$registry/ahead:1"
	[ "$status" -ne 0 ]
	run find storage -path '*/ahead/_uploads/*' -name data
	[ -z "$output" ]
}

@test "what no image has is not sent" {
	dd if=/dev/urandom of=ctx/helper bs=1k count=64 status=none
	dockerfile <<-'EOF'
		FROM $BASE AS helper
		COPY helper /helper
		RUN wc -c </helper >/size
		FROM $BASE
		COPY --from=helper /size /
	EOF
	build --platform linux/amd64 -t "$registry/small:1" --push ctx
	run find storage/docker/registry/v2/blobs -name data -size -100k -size +63k
	[ -z "$output" ]
}

@test "an index is asked for once, and not at all for manifests that the store has" {
	printf 'FROM %s\nCOPY Dockerfile /\n' "$registry/base:1" >ctx/Dockerfile
	export MAB_BUILD_ROOT=$PWD/other # the base is local to the first
	for times in 1 2; do
		before=$(wc -l <registry.log)
		build --platform linux/amd64,linux/arm64 ctx
		sed "1,${before}d" registry.log >log$times
	done
	[ "$(requests '"GET /v2/base/manifests/1 ' log1)" -eq 1 ]
	[ "$(requests '"GET /v2/base/manifests/sha256' log1)" -eq 2 ]
	[ "$(requests '"GET /v2/base/manifests/1 ' log2)" -eq 1 ]
	[ "$(requests '"GET /v2/base/manifests/sha256' log2)" -eq 0 ]
}

@test "an image by its digest is asked for once, and not at all when it is the store's" {
	digest=$(skopeo inspect --tls-verify=false --raw "docker://$registry/base:1" | sha256sum | cut -d' ' -f1)
	printf 'FROM %s\nRUN true\n' "$registry/base@sha256:$digest" >ctx/Dockerfile
	export MAB_BUILD_ROOT=$PWD/other
	build --platform linux/amd64,linux/arm64 ctx
	before=$(wc -l <registry.log)
	build --no-cache --platform linux/amd64,linux/arm64 ctx
	[ "$(sed "1,${before}d" registry.log | requests '/base/' /dev/stdin)" -eq 0 ]
	# One that was made here is in no registry.
	digest=$(build -q -t mine ctx)
	for name in "mine@$digest" "mine:latest@$digest" "127.0.0.1:1/none:1@$digest"; do
		printf 'FROM %s\nRUN true\n' "$name" >ctx/Dockerfile
		build ctx
	done
	printf 'FROM mine@%s\n' "${digest%??}00" >ctx/Dockerfile
	run build --pull=never ctx
	[ "$status" -eq 1 ]
	[[ $output == *"the store has no such image, and --pull=never"* ]]
}

# The registry ends no upload before there are two: that of the layer, which began first,
# and that of the configuration.
@test "an image is pushed while its layers still go up, each blob once" {
	fake_registry meet-put=2
	echo file >ctx/file
	printf '%s\n' 'FROM scratch' 'COPY file /' >ctx/Dockerfile
	build --platform linux/amd64 -t "$registry/late:1" --push ctx
	[ "$(requests '^POST .*/late/blobs/')" -eq 2 ]
	[ "$(requests '^PUT .*/late/blobs/')" -eq 2 ]
	[ "$(grep '^PUT' fake.log | tail -n 1 | cut -d' ' -f2)" = /v2/late/manifests/1 ]
}

# Only the base's layer goes up in parts.
@test "a layer that could not go up early goes up in the end" {
	printf '%s\n' "FROM $registry/base:1" 'RUN sleep 1' >ctx/Dockerfile
	fake_registry refuse-part
	build --platform linux/amd64 -t "$registry/late:1" --push ctx
	[ "$(requests '^PATCH .*/late/blobs/')" -eq 2 ]
	skopeo inspect --tls-verify=false "docker://$registry/late:1"
}
