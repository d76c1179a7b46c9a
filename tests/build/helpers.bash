# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Builds on real input: bases of several platforms made from static busyboxes by mab-build
# itself, in a registry of the test's own.

. "${BASH_SOURCE[0]%/*}/../registry/helpers.bash"

export MAB_BUILD_ROOT

# busybox_of PLATFORM: where its busybox is; skips when the machine has none.
busybox_of()
{
	local arch=${1#linux/} path
	case $arch in
	arm/v7) arch=armhf ;;
	ppc64le) arch=ppc64el ;;
	mips64le) arch=mips64el ;;
	386) arch=i386 ;;
	esac
	path=${MAB_TEST_CACHE:-${XDG_CACHE_HOME:-${REAL_HOME:-/root}/.cache}/mab-tests}/$arch/busybox
	[ -e "$path" ] || skip "no busybox for $1 (tests/foreign fetches them)"
	echo "$path"
}

build_setup()
{
	REAL_HOME=$HOME
	registry_setup
	unset SOURCE_DATE_EPOCH
	MAB_BUILD_ROOT=$PWD/store
}

build()
{
	timeout --signal=KILL 120 "${top_builddir:-build}/mab-build" build --tls-verify=false "$@"
}

# base PLATFORM...: $registry/base:1 for them, and the list of them in $platforms.
base()
{
	need skopeo
	docker_registry
	platforms=$(IFS=,; echo "$*")
	for platform in "$@"; do
		mkdir -p "base/$platform"
		cp "$(busybox_of "$platform")" "base/$platform/busybox"
	done
	cat >base/Dockerfile <<-'EOF'
		FROM scratch
		ARG TARGETPLATFORM
		COPY $TARGETPLATFORM/busybox /bin/
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		CMD ["/bin/sh"]
	EOF
	build --platform "$platforms" -t "$registry/base:1" --push base
	mkdir -p ctx
}

# workspace <<EOF: ./workspace as of a CI, with Dockerfile.ci, and a busybox-ARCH of two.
workspace()
{
	mkdir workspace
	cp "$(busybox_of linux/amd64)" workspace/busybox-amd64
	cp "$(busybox_of linux/arm64)" workspace/busybox-arm64
	cat >workspace/Dockerfile.ci
}

# dockerfile <<EOF: of the context.
dockerfile()
{
	sed "s|\$BASE|$registry/base:1|" >ctx/Dockerfile
}

raw() # NAME [OPTION...]
{
	skopeo inspect --tls-verify=false --raw "${@:2}" "docker://$registry/$1"
}

# file_of NAME ARCH PATH: the content of a file that the top layer of an image has.
file_of()
{
	skopeo copy -q --src-tls-verify=false --override-arch "$2" \
		"docker://$registry/$1" "dir:image-$2"
	layer=$(jq -r '.layers[-1].digest' "image-$2/manifest.json")
	tar -xzOf "image-$2/${layer#sha256:}" "$3"
}

is_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root, to become somebody else"
}

# By root: an ordinary user, and an /etc, $etc, that gives it subordinate ids. Once for a file.
tester_setup()
{
	export etc=$BATS_FILE_TMPDIR/etc
	cp -a /etc "$etc"
	echo 'tester:x:1234:1234::/:/bin/sh' >>"$etc/passwd"
	echo 'tester:200000:65536' >"$etc/subuid"
	cp "$etc/subuid" "$etc/subgid"
}

# Its home, ./home, and ./mab-build, which it can run.
tester_home()
{
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"/.. "$BATS_TEST_TMPDIR"/../..
	cp "${top_builddir:-build}/mab-build" .
	mkdir home
	chown 1234:1234 home
}

# as_tester [VARIABLE=VALUE...] COMMAND... : with the subuid(5) of $etc.
as_tester()
{
	# shellcheck disable=SC2016 # for the shell in there
	unshare --mount bash -ec 'mount --bind "$0" /etc; exec setpriv --reuid 1234 --regid 1234 \
		--clear-groups env -u XDG_DATA_HOME -u XDG_RUNTIME_DIR "$@"' "$etc" HOME="$PWD/home" "$@"
}
