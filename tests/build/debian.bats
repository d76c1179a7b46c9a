#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Builds on Debian, for this machine and for arm64: packages, sudo, file capabilities, a
# cross compiler, many files and odd names.

load helpers

needs()
{
	need docker-registry jq mmdebstrap arch-test qemu-aarch64-static skopeo || return
	[ "$(id -u)" = 0 ] || skip "needs root, for roots with all their owners"
	[ "$(dpkg --print-architecture)" = amd64 ] || skip "is written for an amd64 machine"
}

# All tests share roots, registry and store.
setup_file()
{
	able needs || return 0
	cd "$BATS_FILE_TMPDIR" || return
	able roots || return 0
	roots=$(dirname "$(cat made)")
	build_setup
	cd "$BATS_FILE_TMPDIR" || return
	export MAB_BUILD_ROOT=$PWD/store
	docker_registry
	echo "${pids[0]}" >pid
	export registry roots
	push_roots
}

teardown_file()
{
	[ ! -e "$BATS_FILE_TMPDIR/pid" ] || kill "$(cat "$BATS_FILE_TMPDIR/pid")"
}

setup()
{
	local store=$MAB_BUILD_ROOT
	build_setup
	MAB_BUILD_ROOT=$store
	mkdir ctx
}

# ./made gets the name of an archive. The first time they are fetched and made.
roots()
{
	local ok=true make=("$top_srcdir/tests/debian" "$top_builddir/binfmtctl")
	"${make[@]}" arm64 >made 2>arm64.err 3>&- &
	"${make[@]}" amd64 >/dev/null 2>amd64.err 3>&- || ok=false
	wait $! || ok=false
	$ok || { cat ./*.err; skip_if_offline; return 1; }
}

skip_if_offline()
{
	"$top_srcdir/build-aux/apt-private" - arm64 true ||
		skip "the archive that this machine is installed from cannot be reached"
}

push_roots()
{
	mkdir roots
	ln "$roots"/*.tar roots || cp "$roots"/*.tar roots
	printf 'FROM scratch\nARG TARGETARCH\nADD $TARGETARCH.tar /\n' >roots/Dockerfile
	build --platform linux/amd64,linux/arm64 -t "$registry/base:1" --push roots
	rm -r roots
}

@test "packages, sudo and a capability, in a layer and out of the registry" {
	skip_if_offline
	apt-config dump | grep '^Acquire::' >ctx/apt.conf
	dockerfile <<-'EOF'
		FROM $BASE
		RUN --mount=type=bind,source=apt.conf,target=/etc/apt/apt.conf.d/99zmachine \
		    --mount=type=cache,target=/var/cache/apt --mount=type=cache,target=/var/lib/apt/lists \
		    apt-get -qq update && \
		    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends libcap2-bin sudo
		RUN useradd -m joe && echo 'joe ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/joe && \
		    cp /bin/cat /usr/local/bin/see && setcap cap_dac_override=ep /usr/local/bin/see && \
		    echo hidden >/root/file && chmod 600 /root/file
		USER joe
		RUN echo "sudo: $(sudo -n id -u)"
		RUN echo "see: $(see /root/file)"
	EOF
	for name in http_proxy https_proxy no_proxy; do
		proxies+=(--build-arg "$name")
	done
	build --platform linux/amd64,linux/arm64 "${proxies[@]}" -t "$registry/caps:1" --push ctx 2>&1 |
		tee log
	[ "$(grep -c '\] sudo: 0$' log)" = 2 ]
	[ "$(grep -c '\] see: hidden$' log)" = 2 ]

	# Another store has it from the registry alone.
	cat >ctx/Dockerfile <<-EOF
		FROM $registry/caps:1
		RUN id -un; sudo -n id -un; see /root/file; uname -m; find /var/lib/apt/lists -name '*Packages*' | wc -l
		RUN ls -l /usr/bin/sudo; getcap /usr/local/bin/see
	EOF
	run build --root "$PWD/other" --platform linux/arm64 ctx
	[ "$status" -eq 0 ]
	[[ $output == *"] joe"*"] root"*"] hidden"*"] aarch64"*"] 0"* ]]
	[[ $output == *"] -rwsr-xr-x 1 root root"*"/see cap_dac_override=ep"* ]]
}

@test "file capabilities in the layers of an ordinary user" {
	[ -e "$MAB_BUILD_ROOT" ] && raw caps:1 >/dev/null || skip "the image of the test before is not there"
	dockerfile <<-EOF
		FROM $registry/caps:1
		USER root
		RUN getcap /usr/local/bin/see && cp /bin/cat /mine && setcap cap_net_raw=ep /mine && chmod u+s /mine
	EOF
	mkdir home
	chown 4321:4321 home
	chmod 755 . "$BATS_TEST_TMPDIR"/.. "$BATS_TEST_TMPDIR"/../..
	cp "$top_builddir/mab-build" .
	unset MAB_BUILD_ROOT
	run timeout --signal=KILL 120 setpriv --reuid 4321 --regid 4321 --clear-groups \
		env HOME="$PWD/home" ./mab-build build --tls-verify=false \
		-t "$registry/mine:1" --push ctx
	[ "$status" -eq 0 ]
	[[ $output == *"/see cap_dac_override=ep"* ]]
	# For every machine: without the user's number in it, as setcap(8) of root makes it.
	printf 'FROM %s\nRUN getcap -n /mine; ls -ln /mine\n' "$registry/mine:1" >ctx/Dockerfile
	MAB_BUILD_ROOT=$PWD/again run build ctx
	[[ $output == *"] /mine cap_net_raw=ep"$'\n'*"] -rwsr-xr-x 1 0 0 "* ]]
}

@test "a cross compiler on this machine, its program on the other" {
	cat >ctx/hello.c <<-'EOF'
		#include <stdio.h>
		int main(void) { printf("%zu bytes, %s\n", sizeof(void *), MACHINE); return 0; }
	EOF
	dockerfile <<-'EOF'
		FROM --platform=$BUILDPLATFORM $BASE AS compiler
		WORKDIR /src
		COPY hello.c .
		RUN echo "compiled on $(uname -m)" && \
		    aarch64-linux-gnu-gcc -O2 -DMACHINE='"arm64"' -o /hello hello.c
		FROM $BASE
		COPY --from=compiler /hello /usr/bin/
		RUN echo "$(uname -m): $(hello)"
		CMD ["hello"]
	EOF
	run build --platform linux/arm64 -t "$registry/hello:1" --push ctx
	[ "$status" -eq 0 ]
	[[ $output == *"] compiled on x86_64"*"] aarch64: 8 bytes, arm64"* ]]
	file_of hello:1 arm64 usr/bin/hello >hello
	[[ $(readelf -h hello) == *"Machine:"*AArch64* ]]
}

@test "20,000 files, seen by both machines" {
	mkdir ctx/files
	for ((n = 0; n < 200; n++)); do
		mkdir "ctx/files/$n"
		(cd "ctx/files/$n" && for i in {1..100}; do echo "$n $i" >"$i"; done)
	done
	sums=$(cd ctx/files && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum)
	dockerfile <<-'EOF'
		FROM $BASE
		COPY files /files/
		RUN find /files -type f | wc -l; \
		    cd /files && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum
	EOF
	run build --platform linux/amd64,linux/arm64 -t "$registry/many:1" --push ctx
	[ "$status" -eq 0 ]
	[ "$(grep -c '\] 20000$' <<<"$output")" = 2 ]
	[ "$(grep -c -F "] $sums" <<<"$output")" = 2 ]
	[ "$(raw many:1 | jq '.manifests | length')" = 2 ]
}

@test "names, links and modes, made and copied, out of the registry" {
	# Of the name in $1: made, and looked at.
	cat >ctx/make <<-'EOF'
		mkdir "$1" && cd "$1" || exit
		touch 'new
		line' ' leading' 'tab	tab' 'back\slash' "$(printf 'latin\351')" "$(printf '%0255d' 0)" '*' é .wh
		mkdir -p "$(printf '%0200d/%0200d/%0200d' 1 2 3)"
		echo text >hard1 && ln hard1 hard2 && mkdir sub && ln hard1 sub/hard3
		touch setuid && chmod 4711 setuid && mkdir -m 3777 sticky
		ln -s 'dangling link' soft
		truncate -s 5M sparse && echo end >>sparse
		touch -d @1234567890.5 old
	EOF
	cat >ctx/look <<-'EOF'
		cd "$1" && find . -print0 | LC_ALL=C sort -z | sha256sum
		find . -name hard1 -links 3 -size -2 && cat sub/hard3
		stat -c '%n %a' setuid sticky && readlink soft && stat -c '%s' sparse && tail -n 1 sparse
		stat -c %Y old
	EOF
	(cd ctx && umask 022 && sh make files && sh look "$PWD/files" >../expected)
	dockerfile <<-'EOF'
		FROM $BASE
		COPY files /copied/
		COPY make look /
		RUN sh /make /made
	EOF
	build --platform linux/arm64 -t "$registry/names:1" --push ctx
	cat >ctx/Dockerfile <<-EOF
		FROM $registry/names:1
		RUN sh /look /copied >/seen-copied; sh /look /made >/seen-made
		FROM scratch
		COPY --from=0 /seen-* /
	EOF
	build --root "$PWD/other" --platform linux/arm64 -t "$registry/seen:1" --push ctx
	file_of seen:1 arm64 seen-copied | diff expected -
	file_of seen:1 arm64 seen-made | diff expected -
}
