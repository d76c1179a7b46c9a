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
