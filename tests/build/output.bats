#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What becomes of an image: files, archives, registries.

load helpers

setup()
{
	build_setup
	mkdir -p ctx
	cp "$(busybox_of linux/amd64)" ctx/busybox
	dockerfile <<-'EOF'
		FROM scratch
		COPY busybox /bin/sh
		RUN mkdir /d && echo one >/d/one && ln /d/one /d/two && chmod 4750 /d/one && \
			ln -s nowhere /d/link && echo gone >/d/gone && touch -d @1000 /d/one
		RUN rm /d/gone && chown 7:8 /d
		CMD ["/bin/sh"]
	EOF
}

teardown()
{
	registry_teardown
}

# what FOLDER: its files as "mode owner links path target".
what()
{
	(cd "$1" && find . -mindepth 1 -printf '%M %U:%G %n %P %l\n' | sort -k4)
}

@test "the files in a folder, and as a tar" {
	build -o out ctx
	[ "$(cat out/d/two)" = one ]
	[ "$(readlink out/d/link)" = nowhere ]
	[ ! -e out/d/gone ]
	[ "$(stat -c '%a %h %Y' out/d/one)" = "4750 2 1000" ] ||
		[ "$(stat -c '%a %h %Y' out/d/one)" = "750 2 1000" ]
	if [ "$(id -u)" = 0 ]; then
		[ "$(stat -c %u:%g out/d)" = 7:8 ]
	fi
	build -o - ctx >files.tar 2>log
	tar --numeric-owner -tvf files.tar | grep -q '^drwxr-xr-x 7/8 .* d/$'
	tar -tf files.tar | grep -qx d/two
	build -o type=tar,dest=again.tar ctx
	cmp files.tar again.tar
	[ -z "$(find . -maxdepth 1 -name "*.tmp*")" ]
}

@test "a user's files are his own, and none is setuid" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	sed -i 's| && chown 7:8 /d||; $a COPY --chown=7:8 busybox /d/theirs' ctx/Dockerfile
	mkdir home
	chown 4321:4321 home
	chmod 755 . "$BATS_TEST_TMPDIR"/.. "$BATS_TEST_TMPDIR"/../..
	HOME=$PWD/home timeout --signal=KILL 60 setpriv --reuid 4321 --regid 4321 --clear-groups \
		"${top_builddir:-build}/mab-build" build --root home/store -o home/out ctx
	[ "$(find home/out ! -user 4321 | wc -l)" -eq 0 ]
	[ "$(stat -c %a home/out/d/one)" = 750 ]
	[ "$(stat -c %h home/out/d/two)" = 2 ]
	[ -x home/out/d/theirs ]
}

@test "a folder that is there keeps what it has; what has the same name is replaced" {
	mkdir -p out/d elsewhere
	echo mine >out/mine
	echo mine >out/d/mine
	echo old >out/d/one
	ln -s ../elsewhere out/bin
	build -o out ctx
	[ "$(cat out/mine out/d/mine out/d/two)" = $'mine\nmine\none' ]
	[ ! -L out/bin ]
	[ -x out/bin/sh ]
	[ -z "$(ls elsewhere)" ]
	[ -z "$(find out -name "*.tmp*")" ]
}

@test "nothing is replaced where not all can be" {
	mkdir -p out/d/one/mine out/bin
	echo old >out/bin/sh
	expect 1 build -o out ctx
	has "$stderr" "output out: d: one is a folder in the destination, and a file in the image"
	[ "$(cat out/bin/sh)" = old ]
	[ -z "$(find out -name "*.tmp*")" ]
	sed -i '$a RUN exit 3' ctx/Dockerfile
	echo old >file
	expect 1 build -o new -o type=tar,dest=file -o type=oci-archive,dest=file2 ctx
	[ ! -e new ]
	[ ! -e file2 ]
	[ "$(cat file)" = old ]
}

@test "a folder per platform where there are several" {
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		COPY busybox /bin/$TARGETARCH
	EOF
	build --platform linux/arm64,linux/amd64,linux/arm/v7 -o out ctx
	[ "$(ls out)" = $'linux_amd64\nlinux_arm64\nlinux_arm_v7' ]
	[ -e out/linux_arm_v7/bin/arm ]
	build --platform linux/arm64,linux/amd64 -o - ctx | tar -t >list
	diff list - <<-'EOF'
		linux_amd64/
		linux_amd64/bin/
		linux_amd64/bin/amd64
		linux_arm64/
		linux_arm64/bin/
		linux_arm64/bin/arm64
	EOF
	expect 2 build --platform linux/arm64,linux/amd64 -o type=docker-archive,dest=x ctx
	has "$stderr" "one platform, not of 2"
}

@test "archives that skopeo reads, and several outputs at once" {
	need skopeo
	expect 0 build -t some/app:1 -t else:2 -o type=oci,dest=layout -o type=oci-archive,dest=archive \
		-o type=docker-archive,dest=saved -o type=docker,dest=named,name=other:2 \
		-o type=none ctx
	id=$output
	[ "$(skopeo inspect --raw oci:layout:some/app:1 | sha256sum)" = "${id#sha256:}  -" ]
	[ "$(skopeo inspect --raw oci-archive:archive:some/app:1 | sha256sum)" = "${id#sha256:}  -" ]
	skopeo inspect docker-archive:saved:some/app:1 | jq -e '.Layers | length == 3'
	skopeo inspect docker-archive:saved:else:2 >/dev/null
	skopeo inspect docker-archive:named:other:2 >/dev/null
	[ "$(tar -xOf named manifest.json | jq -c '.[].RepoTags')" = '["docker.io/library/other:2"]' ]
	build -t some/app:1 -o type=oci-archive,dest=- ctx | cmp - archive
	build -t some/app:1 -o type=oci,tar=true,dest=archive2 ctx
	cmp archive archive2
}

@test "type=oci is a folder or a tar, as its name says or tar= does" {
	expect 0 build -o type=oci-archive,dest=archive -o type=oci,dest=by-name.tar \
		-o type=oci,dest=by-word,tar=true -o type=oci,dest=folder.tar,tar=false \
		-o type=oci,dest=.tar.d ctx
	cmp archive by-name.tar
	cmp archive by-word
	[ -e folder.tar/index.json ]
	[ -e .tar.d/index.json ]
	build -o type=oci,dest=- ctx | cmp - archive
	# A folder that is there gets the image beside its others, and a tar is replaced.
	echo old >old.tar
	build -t some/app:1 -o type=oci,dest=folder.tar -o type=oci,dest=old.tar ctx
	[ "$(jq '.manifests | length' folder.tar/index.json)" -eq 2 ]
	tar -tf old.tar index.json
	expect 2 build -o type=oci,dest=-,tar=false ctx
	has "$stderr" "a folder cannot go to the standard output (tar=true does)"
	expect 2 build -o type=docker-archive,dest=x,tar=false ctx
	has "$stderr" "type=oci alone is either a folder or a tar"
	expect 2 build -o type=local,dest=x,tar=true ctx
	has "$stderr" "type=oci alone is either a folder or a tar"
}

@test "registry and image, by name and by tag" {
	need skopeo
	docker_registry
	build -o "type=image,name=$registry/a:1,push=true" ctx
	build -o "type=registry,name=$registry/b:1" ctx
	build -t "$registry/c:1" -t "$registry/c:2" -o type=registry ctx
	for name in a:1 b:1 c:1 c:2; do
		raw "$name" >"${name/:/-}"
	done
	cmp a-1 b-1
	cmp a-1 c-2
	# In the store too: the next one needs no registry.
	registry_teardown
	echo "FROM $registry/a:1" >ctx/Dockerfile
	expect 0 build -o type=oci-archive,dest=x ctx
}

@test "files on a build are of the mode that the umask leaves" {
	printf 'FROM scratch\nCOPY busybox /\n' >ctx/Dockerfile
	umask 027
	build --iidfile id --metadata-file metadata --trace trace --timeline picture ctx
	[ "$(stat -c %a id metadata trace picture | sort -u)" = 640 ]
	umask 000
	build --iidfile id ctx
	[ "$(stat -c %a id)" = 666 ]
}

@test "outputs that cannot be" {
	expect 2 build -o type=zip,dest=x ctx
	has "$stderr" "type=zip is none of: registry image oci"
	expect 2 build -o type=tar ctx
	has "$stderr" "has no dest="
	expect 2 build -o type=local,dest=- ctx
	has "$stderr" "a folder cannot go to the standard output"
	expect 2 build -o type=registry ctx
	has "$stderr" "needs a name"
	expect 2 build -o type=registry,name=x,dest=y ctx
	has "$stderr" "this type has no dest="
	expect 2 build -o - -o type=tar,dest=- ctx
	has "$stderr" "only one output"
	expect 2 build -o type=oci,dest=x,unpack=true ctx
	has "$stderr" "--output has no 'unpack'"
}
