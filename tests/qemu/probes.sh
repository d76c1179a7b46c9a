#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every probe under the qemu that is installed: directly, and through a private binfmt_misc
# in an empty root. QEMU_DIR names another directory with qemu in it.
set -u

images=${top_srcdir:-$(dirname "$0")/../..}/qemu/probe/images.hex
check=10173c27
threads=00000001
status=42
tests=0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/images" "$work/root" "$work/table"

# result RC NAME: one line of TAP
result() {
	tests=$((tests + 1))
	[ "$1" -eq 0 ] && echo "ok $tests - $2" || echo "not ok $tests - $2"
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

archs() {
	sed -n 's/^\[\(.*\)\]$/\1/p' "$images"
}

# installed: the architectures of all qemu-ARCH-static there are
installed() {
	for file in ${QEMU_DIR:+"$QEMU_DIR"/qemu-*-static} /usr/bin/qemu-*-static; do
		[ -x "$file" ] && echo "$file" | sed 's|.*/qemu-\(.*\)-static$|\1|'
	done
}

# unpack ARCH: the image's bytes, as octal escapes of printf
unpack() {
	# shellcheck disable=SC2059 # the data is the format
	printf "$(awk -v arch="[$1]" '
		function digit(s) { return index("123456789abcdef", substr(s, 1, 1)) }
		/^\[/ { on = $0 == arch }
		on && /^[0-9a-f]+$/ {
			for (i = 1; i < length($0); i += 2)
				printf "\\%03o", 16 * digit(substr($0, i)) + digit(substr($0, i + 1))
		}' "$images")"
}

# find_qemu ARCH: the program that runs it
find_qemu() {
	[ "$1" != i486 ] || set -- i386
	for name in ${QEMU_DIR:+"$QEMU_DIR/qemu-$1-static" "$QEMU_DIR/qemu-$1"} \
		"qemu-$1-static" "qemu-$1"; do
		command -v "$name" && return
	done
	return 1
}

# expect ARGV0 COMMAND…: runs it, and holds its output against what a good probe reports
expect() {
	want=$(printf '%s 00000001 %08x %08x %s %s' $check "$(id -ru)" "$(id -u)" $threads "$1")
	shift
	got=$("$@" 2>"$work/stderr")
	rc=$?
	[ "$rc" -eq $status ] && [ "$got" = "$want" ] && return
	echo "# wanted: $want, exit status $status"
	echo "# got:    $got, exit status $rc"
	sed 's/^/# stderr: /' "$work/stderr"
	return 1
}

# header FILE: its first 52 bytes, which no other file on the machine shares, as escapes for the
# kernel
header() {
	od -An -v -tx1 -N52 "$1" | tr -d '\n' | sed 's/ /\\x/g'
}

# through_kernel ARCH: registers qemu for this image alone, and runs it by its name
through_kernel() {
	echo ":$1:M::$(header "$work/images/$1")::$(find_qemu "$1"):OCPF" \
		>"$work/table/register" || return
	cp "$work/images/$1" "$work/root/probe"
	expect /probe chroot "$work/root" /probe
	rc=$?
	echo -1 >"$work/table/$1"
	return $rc
}

# Inside the private namespaces: this script once more, for the second half.
if [ "${1-}" = --kernel ]; then
	work=$2 tests=$3
	trap - EXIT
	mount -t binfmt_misc binfmt_misc "$work/table" 2>"$work/stderr" || exit 3
	for arch in $(archs); do
		find_qemu "$arch" >/dev/null || continue
		through_kernel "$arch"
		result $? "$arch through the kernel, in an empty root"
	done
	exit 0
fi

for arch in $( (archs && installed) | sort -u); do
	qemu=$(find_qemu "$arch") || {
		skip "$arch" "no qemu for it"
		continue
	}
	unpack "$arch" >"$work/images/$arch"
	[ -s "$work/images/$arch" ] || {
		result 1 "$arch is missing from images.hex"
		continue
	}
	chmod +x "$work/images/$arch"
	expect 'a name' "$qemu" -0 'a name' "$work/images/$arch"
	result $? "$arch under $qemu"
done

unshare --user --map-root-user --mount sh "$0" --kernel "$work" "$tests" >"$work/kernel"
case $? in
0)
	cat "$work/kernel"
	tests=$((tests + $(grep -c '^\(not \)\{0,1\}ok ' "$work/kernel")))
	;;
1 | 3)
	skip 'probes through the kernel' 'no private binfmt_misc (Linux 6.7) to be had'
	;;
*)
	result 1 'probes through the kernel'
	;;
esac
echo "1..$tests"
