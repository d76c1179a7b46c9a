#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# What a container, an old kernel, a full disk or this program refuses is told with what
# would help.

load helpers

setup()
{
	build_setup
	mkdir ctx
	cp "$(busybox_of linux/amd64)" ctx/busybox
	cat >ctx/Dockerfile <<-'EOT'
		FROM scratch
		COPY busybox /bin/busybox
		RUN ["/bin/busybox", "true"]
	EOT
}

# refused WORDS DENIED ERROR: a build for which a system call fails.
refused()
{
	run "$top_builddir/tests/kernel/deny" "$2" "$3" \
		"$top_builddir/mab-build" build --platform linux/amd64 ctx
	[ "$status" -eq 1 ]
	[[ $output == *"$1"* ]]
}

@test "a container without privileges" {
	refused 'a filter of system calls, or a security module, does not let root do so' unshare EPERM
	refused 'private: Operation not permitted (in a container: run it with' mount EPERM
}

@test "a kernel before 5.2" {
	refused 'cannot make a tmpfs: this kernel is older than 5.2' fsopen ENOSYS
}

@test "a full disk" {
	mkdir small
	mount -t tmpfs -o size=1m none small
	run "$top_builddir/mab-build" build --platform linux/amd64 --root "$PWD/small/store" ctx
	umount small
	[ "$status" -eq 1 ]
	[[ $output == *'No space left on device (`mab-build prune` makes room'* ]]
}

@test "what only Docker's builder does" {
	sed -i /RUN/d ctx/Dockerfile
	run "$top_builddir/mab-build" build --load ctx
	[ "$status" -eq 2 ]
	[[ $output == *'(-o type=docker-archive,dest=- | docker load)'* ]]
	run "$top_builddir/mab-build" build --sbom=true ctx
	[ "$status" -eq 2 ]
	[[ $output == *'--sbom=true: this version makes no attestations'* ]]
	"$top_builddir/mab-build" build --provenance=false --sbom=false ctx
}
