#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The same Dockerfiles built by buildah and by mab-build: what comes of them is the same,
# but for what is listed, with the reason.
#
# A case is a folder of differential/: a Dockerfile, and as needed
#   prepare    makes the files of the context
#   options    for both builders
#   base/      a context of its own, for the image that is built upon
#   expected   differences: patterns for what compare-images prints; # why

load helpers

setup() {
	[ "$(id -u)" = 0 ] || cannot "buildah's chroot isolation needs root"
	need buildah
	build_setup
	cases=$top_srcdir/tests/build/differential
	compare=$top_srcdir/tests/build/compare-images
}

teardown() {
	registry_teardown
	# buildah leaves some of its own.
	umount --recursive "$PWD/buildah/overlay" 2>/dev/null || true
}

by_buildah()
{
	buildah --root "$PWD/buildah" --runroot "$PWD/buildah-run" --storage-driver overlay "$@"
}

# A busybox with users, and a folder that copies can go to.
common_base()
{
	docker_registry
	mkdir base
	cp "$(busybox_of linux/amd64)" base/busybox
	cat >base/Dockerfile <<-'EOF'
		FROM scratch
		COPY busybox /bin/
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		RUN mkdir -m 1777 /tmp && mkdir -p /etc /existing-dir && echo old >/existing-dir/file && \
		    printf '%s\n' root:x:0:0::/root:/bin/sh joe:x:1000:1001::/home/joe:/bin/sh >/etc/passwd && \
		    printf '%s\n' root:x:0: games:x:60:joe joe:x:1001: >/etc/group && \
		    mkdir -p /home/joe && chown 1000:1001 /home/joe && chmod 750 /existing-dir
		CMD ["/bin/sh"]
	EOF
	build -t "$registry/base:1" --push base
}

# Context and base of a case.
prepare() # NAME
{
	base=$registry/base:1
	rm -rf ctx
	mkdir ctx
	if [ -e "$cases/$1/prepare" ]; then
		(cd ctx && umask 022 && sh "$cases/$1/prepare")
		find ctx -newermt @1600000000 -exec touch -h -d @1600000000 {} +
	fi
	[ -d "$cases/$1/base" ] || return 0
	build --build-arg "BASE=$base" -t "$registry/$1:base" --push "$cases/$1/base"
	base=$registry/$1:base
}

# Builds a case with both, and leaves what is different in `found`.
build_both() # NAME
{
	local options=()
	[ ! -e "$cases/$1/options" ] || read -ra options <"$cases/$1/options"
	options+=(-f "$cases/$1/Dockerfile" --build-arg "BASE=$base")
	since=$(date +%s)
	rm -rf one two
	by_buildah bud --quiet --tls-verify=false --isolation chroot --format docker \
		--identity-label=false \
		"${options[@]}" -t case ctx &&
		by_buildah push --quiet case dir:one &&
		build "${options[@]}" -o type=oci,dest=two ctx &&
		{ "$compare" one two "$since" >found || [ $? = 1 ]; }
}

# Whether the differences are those expected, and all of the case's own are there.
judge() # NAME
{
	local line pattern common own=() missing=() good=0
	mapfile -t common < <(patterns "$cases/expected")
	mapfile -t own < <(patterns "$cases/$1/expected")
	missing=("${own[@]}")
	while read -r line; do
		for pattern in "${common[@]}"; do
			# shellcheck disable=SC2053 # a pattern
			[[ $line != $pattern ]] || continue 2
		done
		for n in "${!own[@]}"; do
			# shellcheck disable=SC2053 # a pattern
			[[ $line != ${own[n]} ]] || { unset "missing[n]"; continue 2; }
		done
		echo "$1: $line"
		good=1
	done <found
	for pattern in "${missing[@]}"; do
		echo "$1: is no more: $pattern"
		good=1
	done
	return $good
}

patterns() # FILE
{
	[ ! -e "$1" ] || grep -v -e '^#' -e '^$' "$1"
}

@test "what buildah builds" {
	common_base
	bad=0
	for name in "$cases"/*/; do
		name=$(basename "$name")
		prepare "$name" >log 2>&1 && build_both "$name" >>log 2>&1 ||
			{ bad=1; echo "$name: is not built"; cat log; continue; }
		judge "$name" || bad=1
	done
	[ $bad = 0 ]
}

# layout FOLDER <<EOF: the Dockerfile's image.
layout()
{
	cat >Dockerfile
	build --no-cache -f Dockerfile --build-arg "BASE=$registry/base:1" -o "type=oci,dest=$1" ctx
}

@test "every kind of difference is seen" {
	common_base
	since=$(date +%s)
	mkdir ctx
	layout one <<-'EOF'
		ARG BASE
		FROM $BASE
		RUN mkdir /d && cd /d && for i in 1 2 3 4 5 6 7; do echo "$i" >f$i; done && ln f1 h && ln -s f1 l
		ENV A=1
	EOF
	layout two <<-'EOF'
		ARG BASE
		FROM $BASE
		RUN mkdir /d && cd /d && for i in 1 2 3 4 5 6; do echo "$i" >f$i; done && cp f1 h && ln -s f2 l
		RUN cd /d && echo 3x >f3 && chmod 600 f4 && chown 9:9 f5 && rm f6 && mkdir f6 && touch -d @1500000000 f2 && touch new
		ENV A=2
	EOF
	layout three <<-'EOF'
		ARG BASE
		FROM $BASE
		RUN mkdir /d && cd /d && touch f7 && for i in 1 2 3 4 5 6; do echo "$i" >f$i; done && ln f1 h && ln -s f1 l
		RUN rm -r /d && mkdir /d && cd /d && for i in 1 2 3 4 5 6 7; do echo "$i" >f$i; done && ln f1 h && ln -s f1 l
		ENV A=1
	EOF
	"$compare" one three "$since"
	run "$compare" one two "$since"
	[ "$status" -eq 1 ]
	for seen in 'config Env: *A=1*, *A=2*' '"d/f1" names: *' '"d/f2" mtime: *' \
		'"d/f3" content: *' '"d/f4" mode: "0644", "0600"' '"d/f5" owner: "0:0", "9:9"' \
		'"d/f6" type: "file", "folder"' '"d/f7" exists: true, false' \
		'"d/l" target: "f1", "f2"' '"d/new" exists: false, true'; do
		# shellcheck disable=SC2053 # patterns
		[[ $output == *$seen* ]] || { echo "not seen: $seen"; return 1; }
	done
}
