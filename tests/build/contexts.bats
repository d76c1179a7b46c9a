#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Contexts that are no folder, what ADD fetches, and names for other contexts.

load helpers

setup() {
	build_setup
	mkdir -p ctx/sub
	echo hello >ctx/hello
	echo inner >ctx/sub/inner
	printf 'FROM scratch\nCOPY hello /\n' >ctx/Dockerfile
	printf 'FROM scratch\nCOPY inner /\n' >ctx/sub/Dockerfile
	digest=$(build ctx 2>log)
}

teardown() {
	registry_teardown
}

# Sets server to the address of the folder www.
serve() {
	mkdir -p www
	python3 "$top_srcdir/tests/build/file-server" www requests.log >port 2>server.err 3>&- &
	pids+=($!)
	wait_for test -s port
	server=127.0.0.1:$(cat port)
}

repository() {
	need git
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
	git init -q -b main repo.git
	cp -r ctx/. repo.git
	git -C repo.git add .
	git -C repo.git commit -qm one
	first=$(git -C repo.git rev-parse HEAD)
	git -C repo.git tag v1
	echo changed >repo.git/hello
	GIT_COMMITTER_DATE='1234567890 +0000' git -C repo.git commit -qam two
}

# tree OPTION...: builds, and lists the layers of the image.
tree() {
	rm -rf layout
	build -o type=oci,dest=layout "$@" || return
	manifest=$(jq -r '.manifests[0].digest' layout/index.json)
	for layer in $(jq -r '.layers[].digest' "layout/blobs/${manifest/://}"); do
		tar --full-time --numeric-owner -tvzf "layout/blobs/${layer/://}"
	done
}

# content PATH: of the last layer of what tree() built.
content() {
	manifest=$(jq -r '.manifests[0].digest' layout/index.json)
	layer=$(jq -r '.layers[-1].digest' "layout/blobs/${manifest/://}")
	tar -xOzf "layout/blobs/${layer/://}" "$1"
}

fails_with() { # TEXT OPTION...
	run build "${@:2}"
	[ "$status" -eq 1 ]
	[[ $output == *"$1"* ]] || { echo "$output"; false; }
}

@test "a tar, plain and compressed, as a file and on stdin" {
	tar -C ctx -cf ctx.tar .
	[ "$(build ctx.tar)" = "$digest" ]
	[ "$(build - <ctx.tar)" = "$digest" ]
	for form in gzip bzip2 xz zstd; do
		tar -C ctx -c --"$form" -f "ctx.$form" .
		[ "$(build "ctx.$form")" = "$digest" ]
		[ "$(build - <"ctx.$form")" = "$digest" ]
	done
	[ -z "$(ls store/tmp)" ]
}

@test "an archive for an ordinary user" {
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
	mkdir -m 777 away
	chmod 755 . "$BATS_TEST_TMPDIR"/.. "$BATS_TEST_TMPDIR"/../..
	cp "$top_builddir/mab-build" away
	tar -C ctx -cf ctx.tar --owner=77 .
	tar -C ctx -rf ctx.tar --mode=000 sub/inner
	printf 'FROM scratch\nCOPY sub/inner /\n' >Dockerfile
	tar -rf ctx.tar Dockerfile
	run setpriv --reuid 4321 --regid 4321 --clear-groups \
		env MAB_BUILD_ROOT="$PWD/away/store" away/mab-build build - <ctx.tar
	[ "$status" -eq 0 ]
	[ -z "$(ls away/store/tmp)" ]
}

@test "stdin is a Dockerfile or a context, not both" {
	[ -n "$(echo 'FROM scratch' | build -)" ]
	echo 'FROM scratch
COPY hello /' >other
	[ "$(build -f - ctx <other)" = "$digest" ]
	tar -C ctx -cf ctx.tar .
	[ "$(build -f - ctx.tar <other)" = "$digest" ]
	fails_with "stdin cannot be both" -f - -
	fails_with "stdin is a Dockerfile, and --file names another" -f x - <other
	fails_with "stdin is empty" - </dev/null
	fails_with "hello in the context: No such file" - <other
	head -c 2000000 /dev/zero >zeros
	fails_with "too large for a Dockerfile" - <zeros
}

@test "the Dockerfile and the ignore file are those in the archive" {
	echo hello >ctx/.dockerignore
	cp ctx/Dockerfile ctx/sub/inner.dockerfile
	tar -C ctx -cf ctx.tar .
	fails_with "hello is left out by the ignore file" - <ctx.tar
	fails_with "hello is left out by the ignore file" -f sub/inner.dockerfile ctx.tar
	: >ctx/sub/inner.dockerfile.dockerignore
	tar -C ctx -cf ctx.tar .
	[ "$(build -f sub/inner.dockerfile ctx.tar)" = "$digest" ]
	fails_with "there is no none in the context" -f none ctx.tar
}

@test "nothing outside of an archive is read" {
	ln -sf /etc/passwd ctx/Dockerfile
	tar -C ctx -cf ctx.tar .
	fails_with "there is no Containerfile and no Dockerfile in the context" ctx.tar
	echo "outside" >outside
	printf 'FROM scratch\nCOPY hello /\n' >Dockerfile
	tar -cPf up.tar Dockerfile ../"$(basename "$PWD")"/outside
	fails_with ".." up.tar
	mkdir links
	ln -s "$PWD" links/away
	tar -cf links.tar -C links away
	tar -rf links.tar --transform 's,^,away/,' Dockerfile
	fails_with "away" links.tar
	fails_with "neither a folder nor an archive" outside
	fails_with "cannot use the build context none" none
	head -c 300 ctx.tar | gzip >torn.gz
	fails_with "cannot unpack torn.gz" torn.gz
	[ -z "$(ls store/tmp)" ]
}

@test "a repository, its branches, tags, commits and folders" {
	repository
	[ "$(build "file://$PWD/repo.git#v1")" = "$digest" ]
	[ "$(build "file://$PWD/repo.git#$first")" = "$digest" ]
	[ "$(build "file://$PWD/repo.git#${first:0:8}")" = "$digest" ]
	[ "$(build "file://$PWD/repo.git")" != "$digest" ]
	[ "$(build "file://$PWD/repo.git")" = "$(build "file://$PWD/repo.git#main")" ]
	[ "$(build "file://$PWD/repo.git#:sub")" = "$(build ctx/sub)" ]
	for query in ref=v1 branch=v1 "tag=v%31" "ref=main&checksum=$(git -C repo.git rev-parse main)&subdir=sub"; do
		[ "$(build "file://$PWD/repo.git?$query")" = "$(case $query in *sub) build ctx/sub ;; *) echo "$digest" ;; esac)" ]
	done
	fails_with "as --checksum says" "file://$PWD/repo.git?ref=main&checksum=$first"
	fails_with "names a branch, tag or commit twice" "file://$PWD/repo.git?ref=main#v1"
	fails_with "has no 'depth' after ? (it has ref=" "file://$PWD/repo.git?depth=1"
	fails_with "couldn't find remote ref none" "file://$PWD/repo.git#none"
	fails_with "the folder none of file://" "file://$PWD/repo.git#:none"
	fails_with "is not the name of a branch" "file://$PWD/repo.git#--upload-pack=touch hit"
	[ ! -e hit ]
	printf 'FROM scratch\nCOPY . /\n' >repo.git/Dockerfile
	git -C repo.git commit -qam all
	[[ $(tree "file://$PWD/repo.git") != *.git/* ]]
	[ -z "$(ls store/tmp)" ]
}

@test "what a repository may make git do" {
	repository
	git init -q inner
	git -C inner commit -q --allow-empty -m one
	cat >repo.git/.gitmodules <<-EOF
		[submodule "x"]
		path = x
		url = ext::sh -c touch% hit
	EOF
	git -C repo.git update-index --add --cacheinfo "160000,$(git -C inner rev-parse HEAD),x"
	git -C repo.git add .gitmodules
	git -C repo.git commit -qm module
	fails_with "transport 'ext' not allowed" "file://$PWD/repo.git"
	[ ! -e hit ]
	# Somebody's configuration and hooks play no part.
	mkdir -p hooks
	printf '#!/bin/sh\ntouch %s/hit\n' "$PWD" >hooks/post-checkout
	chmod +x hooks/post-checkout
	git config --file "$HOME/.gitconfig" core.hooksPath "$PWD/hooks"
	export GIT_DIR=/nonexistent
	build "file://$PWD/repo.git#v1"
	[ ! -e hit ]
}

@test "without git" {
	mkdir bin
	run env PATH="$PWD/bin" "$top_builddir/mab-build" build "file://$PWD/none"
	[ "$status" -eq 1 ]
	[[ $output == *"the program git is needed for file://"* ]]
}

@test "addresses of archives, Dockerfiles and repositories" {
	serve
	tar -C ctx -czf www/ctx.tar.gz .
	cp ctx/Dockerfile www/plain
	echo 'FROM scratch' >www/alone
	[ "$(build "http://$server/ctx.tar.gz")" = "$digest" ]
	[ "$(build "http://$server/to/ctx.tar.gz")" = "$digest" ]
	[ "$(build -f "http://$server/plain" ctx)" = "$digest" ]
	export SOURCE_DATE_EPOCH=1 # nothing else tells when such an image was made
	[ "$(build "http://$server/alone")" = "$(echo 'FROM scratch' | build -)" ]
	unset SOURCE_DATE_EPOCH
	# What the server has not changed is not sent again.
	touch -d 2020-01-01 www/ctx.tar.gz
	build "http://$server/ctx.tar.gz"
	build "http://$server/ctx.tar.gz"
	[ "$(tail -n 1 requests.log)" = "304 /ctx.tar.gz" ]
	fails_with "the server answered 404" "http://$server/none"
	fails_with "redirects more than 10 times" "http://$server/loop"
	# A login is used, and told to nobody.
	[ "$(build "http://user:secret@$server/private/ctx.tar.gz")" = "$digest" ]
	fails_with "cannot fetch http://$server/private/none: the server answered 404" \
		"http://user:secret@$server/private/none?token=hidden"
	[[ $output != *secret* && $output != *hidden* ]]
	repository
	git clone -q --bare repo.git www/served.git
	git -C www/served.git update-server-info
	[ "$(build "http://$server/served.git#v1")" = "$digest" ]
	[ "$(build "http://user:secret@$server/private/served.git#v1")" = "$digest" ]
	fails_with "cannot fetch http://$server/private/none.git" \
		"http://user:secret@$server/private/none.git"
	[[ $output != *secret* ]]
}

@test "ADD of an address" {
	serve
	echo data >www/file.txt
	touch -d '2020-02-02 02:02:02 UTC' www/file.txt
	sum=$(sha256sum <www/file.txt)
	cat >ctx/Dockerfile <<-EOF
		FROM scratch
		ADD http://$server/file.txt?query /dir/
		ADD --chmod=644 --chown=3:4 http://$server/etag/file.txt /name
		ADD --checksum=sha256:${sum%% *} http://$server/to/file.txt /checked
	EOF
	run tree ctx
	[[ $output == *"-rw------- 0/0"*"2020-02-02 02:02:02 dir/file.txt"* ]]
	[[ $output == *"-rw-r--r-- 3/4"*"1970-01-01 00:00:00 name"* ]]
	[ "$(content checked)" = data ]
	: >requests.log
	run build ctx
	[ "$status" -eq 0 ]
	[ "$(grep -c CACHED <<<"$output")" = 3 ]
	# With a checksum, nobody has to be asked.
	[ "$(sort requests.log)" = "$(printf '304 /etag/file.txt\n304 /file.txt?query')" ]
	echo other >www/file.txt
	run build ctx
	[ "$(grep -c CACHED <<<"$output")" = 1 ]
	sed -i 's/checksum=sha256:./checksum=sha256:0/' ctx/Dockerfile
	fails_with "as --checksum says" ctx
	[[ $output == *"ctx/Dockerfile:4:1:"* ]]
	printf 'FROM scratch\nADD http://%s/ /dir/\n' "$server" >ctx/Dockerfile
	fails_with "the address names no file" ctx
}

@test "ADD unpacks what it fetched only when it is told to" {
	serve
	tar -C ctx -czf www/x.tgz --owner=7 sub
	printf 'FROM scratch\nADD http://%s/x.tgz /a/\nADD --unpack=true http://%s/x.tgz /b/\n' \
		"$server" "$server" >ctx/Dockerfile
	run tree ctx
	[[ $output == *" a/x.tgz"*" 7/"*"b/sub/inner"* ]]
}

@test "ADD of a repository" {
	serve
	repository
	git clone -q --bare repo.git www/served.git
	git -C www/served.git update-server-info
	cat >ctx/Dockerfile <<-EOF
		FROM scratch
		ADD http://$server/served.git#v1:sub /1/
		ADD --keep-git-dir=true http://$server/served.git /2/
		ADD --checksum=$first http://$server/served.git#v1 /3/
	EOF
	run tree ctx
	[ "$status" -eq 0 ]
	[[ $output == *"1/inner"*"2/.git/HEAD"*"2/hello"*"3/hello"* ]]
	[[ $output == *"2009-02-13 23:31:30 2/hello"* ]]
	[[ $output != *"3/.git"* ]]
	sed -i "s/$first/${first//[0-8]/9}/" ctx/Dockerfile
	fails_with "as --checksum says" ctx
	# What is on this machine is no business of a Dockerfile.
	printf 'FROM scratch\nADD file://%s/repo.git /\n' "$PWD" >ctx/Dockerfile
	fails_with "No such file" ctx
}

@test "a repository is fetched once for all platforms" {
	serve
	repository
	git clone -q --bare repo.git www/served.git
	git -C www/served.git update-server-info
	mkdir bin
	printf '#!/bin/sh\necho "$*" >>"%s"\nexec "%s" "$@"\n' "$PWD/log" "$(command -v git)" >bin/git
	chmod +x bin/git
	cat >ctx/Dockerfile <<-EOF
		FROM scratch
		ARG TARGETARCH
		ADD http://$server/served.git /\$TARGETARCH/
		ADD http://$server/served.git#v1 /one/
		ADD --keep-git-dir=true http://$server/served.git /git/
	EOF
	PATH=$PWD/bin:$PATH build --platform linux/amd64,linux/arm64,linux/s390x -o out ctx
	[ "$(grep -c ' init ' log)" -eq 3 ]
	for arch in amd64 arm64 s390x; do
		[ "$(cat out/linux_$arch/$arch/hello)" = changed ]
		diff -r --exclude=.git out/linux_$arch/$arch out/linux_$arch/git
		[ -e out/linux_$arch/git/.git/HEAD ]
		cmp out/linux_$arch/one/hello ctx/hello
	done
	[ -z "$(ls -A store/tmp)" ]
}

# How many objects of repositories were asked for.
fetches() {
	grep -c /objects/ requests.log || true
}

publish() {
	git -C repo.git push -q -f "$PWD/www/served.git" HEAD:main v1
	git -C www/served.git update-server-info
}

@test "a repository is fetched again only when it has another commit" {
	serve
	repository
	git clone -q --bare repo.git www/served.git
	publish
	cat >ctx/Dockerfile <<-EOF
		FROM scratch
		ARG TARGETARCH
		ADD http://$server/served.git http://$server/served.git#:sub /\$TARGETARCH/
	EOF
	build --platform linux/amd64,linux/arm64 ctx
	[ "$(fetches)" -gt 0 ]
	: >requests.log
	run build --platform linux/amd64,linux/arm64 ctx
	[ "$(grep -c CACHED <<<"$output")" = 2 ]
	[ "$(fetches)" -eq 0 ]
	echo newer >repo.git/hello
	git -C repo.git commit -qam three
	publish
	build -o out ctx
	[ "$(cat out/amd64/hello)" = newer ]
	[ "$(cat out/amd64/inner)" = inner ]
	git -C repo.git reset -q --hard HEAD^
	publish
	: >requests.log
	build -o out ctx
	[ "$(cat out/amd64/hello)" = changed ]
	[ "$(fetches)" -eq 0 ]
	: >requests.log
	build --no-cache ctx
	[ "$(fetches)" -gt 0 ]
}

@test "a repository's commit by its hash needs no server in a later build" {
	serve
	repository
	git clone -q --bare repo.git www/served.git
	publish
	printf 'FROM scratch\nADD http://%s/served.git#%s /\n' "$server" "$first" >ctx/Dockerfile
	build ctx
	: >requests.log
	run build ctx
	[[ $output == *CACHED* ]]
	[ ! -s requests.log ]
	# A part of it may become another's too.
	sed -i "s/$first/${first:0:8}/" ctx/Dockerfile
	build ctx
	: >requests.log
	run build ctx
	[[ $output == *CACHED* ]]
	[ "$(fetches)" -gt 0 ]
}

# The branch gets a commit after the server was asked for it.
@test "a branch that moves before it is fetched is not taken for what it was" {
	serve
	repository
	git clone -q --bare repo.git www/served.git
	git -C repo.git reset -q --hard v1
	publish
	printf 'FROM scratch\nADD http://%s/served.git /\n' "$server" >ctx/Dockerfile
	mkdir bin
	cat >bin/git <<-EOF
		#!/bin/sh
		case \$* in *ls-remote*)
			"$(command -v git)" "\$@" || exit
			cd "$PWD" && [ ! -e moved ] || exit 0
			touch moved
			GIT_DIR=www/served.git "$(command -v git)" update-ref refs/heads/main later
			GIT_DIR=www/served.git exec "$(command -v git)" update-server-info ;;
		esac
		exec "$(command -v git)" "\$@"
	EOF
	chmod +x bin/git
	git -C repo.git push -q "$PWD/www/served.git" 'HEAD@{1}:refs/tags/later'
	PATH=$PWD/bin:$PATH build -o out ctx
	[ -e moved ]
	[ "$(cat out/hello)" = changed ]
	publish # and goes back
	build -o out ctx
	[ "$(cat out/hello)" = hello ]
}

@test "a folder as --build-context" {
	mkdir -p data/not
	echo n >data/n
	echo x >data/not/here
	echo not >data/.dockerignore
	cat >ctx/Dockerfile <<-'EOF'
		FROM data AS stage
		FROM scratch
		COPY --from=data n /1/
		COPY --from=stage . /2/
		COPY --from=other hello /3
	EOF
	tar -C ctx -cf other.tar hello
	run tree --build-context data=data --build-context other=other.tar ctx
	[[ $output == *" 1/n"*" 2/n"*" 3"* ]]
	[[ $output != *here* ]]
	run build --build-context data=data --build-context other=other.tar ctx
	[ "$(grep -c CACHED <<<"$output")" = 4 ]
	echo changed >data/n
	tree --build-context data=data --build-context other=other.tar ctx
	fails_with "--build-context data: cannot use none: No such file" \
		--build-context data=none ctx
	run build --build-context data ctx
	[ "$status" -eq 2 ]
}

@test "a folder for RUN, and other names for images" {
	base linux/amd64
	mkdir data
	echo n >data/n
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch AS stage
		FROM debian
		RUN --mount=from=data,target=/m cat /m/n >/got
		RUN --mount=from=stage,target=/m cat /m/n >>/got
	EOF
	run tree --build-context data=data --build-context stage=data \
		--build-context docker.io/library/debian:latest="docker-image://$registry/base:1" ctx
	[ "$status" -eq 0 ]
	[ "$(content got)" = "n
n" ]
	echo m >data/n
	tree --build-context data=data --build-context stage=data \
		--build-context debian="docker-image://$registry/base:1" ctx
	[ "$(content got)" = "m
m" ]
}

@test "an image layout as --build-context" {
	build -t some/name:1 -o type=oci,dest=base ctx
	manifest=$(jq -r '.manifests[0].digest' base/index.json)
	printf 'FROM base\nCOPY sub /sub\n' >ctx/Dockerfile
	for where in base base:some/name:1 "base@$manifest"; do
		rm -rf store
		[[ $(tree --build-context base="oci-layout://$where" ctx) == *hello*sub/inner* ]]
	done
	fails_with "no image" --build-context base=oci-layout://base:none ctx
	fails_with "has no image" --build-context base="oci-layout://base@sha256:$(printf %064d 0)" ctx
	rm base/blobs/sha256/*
	fails_with "image oci-layout://base" --build-context base=oci-layout://base ctx
	# Only the command line may name one.
	printf 'FROM oci-layout://base\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
}
