#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The service on a real Debian: installed by the first boot, and at work in the two after it.
set -eu

here=${top_srcdir:-.}/tests/vm
build=${top_builddir:-.}
# make install of another directory has no use for this make's jobs
unset MAKEFLAGS MFLAGS

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# A variable of the build.
setting()
{
	sed -n "s/^$1 = *//p" "$build/Makefile"
}

PATH=$PATH:/usr/sbin:/sbin
for tool in mmdebstrap qemu-system-x86_64 mke2fs; do
	if ! command -v "$tool" >/dev/null; then
		# A machine that checks every change must have all that the tests need.
		[ "${CI:-}" != true ] || { echo "Bail out! there is no $tool"; exit 1; }
		skip "there is no $tool"
	fi
done
[ "$(id -u)" = 0 ] || skip 'only root can make the system that is booted'
[ -z "$(setting SANITIZE_CFLAGS)" ] || skip 'the guest has no runtime for sanitizers'
case $(setting prefix) in
/usr | /usr/local) ;;
*) skip 'systemd does not look for units below this prefix' ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if ! make -C "$build" install DESTDIR="$work/tree" >"$work/log" 2>&1; then
	sed 's/^/# /' "$work/log"
	echo 'Bail out! make install failed'
	exit 1
fi

if [ -x "$build/tests/run/step" ]; then
	install -D -t "$work/tree/opt/vm" "$build/tests/run/step" "$here/memory.guest"
fi

ended=0
"$here/boot" -n 3 "$work/tree" "$here/service.guest" >"$work/tap" || ended=1
awk -v ended="$ended" '
	/^(not )?ok / { sub(/ok/, "ok " ++n) }
	{ print }
	END {
		print (ended ? "not ok " : "ok ") ++n " - every boot came to its end"
		print "1.." n
	}' "$work/tap"
exit "$ended"
