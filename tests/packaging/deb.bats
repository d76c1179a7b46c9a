#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# The packages in a fresh root of the machine's own release: installed, used, removed.

load ../kernel/helpers

# All tests share the packages and the root, which the first of them makes.
setup()
{
	need dpkg-deb dpkg-shlibdeps strip mmdebstrap systemd-analyze man
	need_other_users
	need_qemu s390x
	[ "$(dpkg --print-architecture)" = amd64 ] || skip "is written for an amd64 machine"
	[ -e "$top_builddir/mab-build" ] || skip "mab-build is not built here"
	! grep -q '^SANITIZE_CFLAGS = .' "$top_builddir/Makefile" ||
		skip "the root has no runtime for sanitizers"
	export root=$BATS_FILE_TMPDIR/root debs=$BATS_FILE_TMPDIR/debs
	# Later than all files are: of what is later, dpkg takes care itself.
	export SOURCE_DATE_EPOCH=2000000000
	[ ! -e "$root" ] || return 0
	fresh_root
	with_record
	mount_private_table
	make_debs "$debs"
}

# make install of another folder has no use for this make's jobs.
make_debs() # FOLDER
{
	env -u MAKEFLAGS -u MFLAGS make -s -C "$top_builddir" deb \
		DEB_DIR="$1" PACKAGE_TREE="$1.tree" >"$1.log" 2>&1 ||
		{ cat "$1.log"; return 1; }
}

# Nobody can make device files here. The compiler in that root is not needed.
fresh_root()
{
	local tar
	tar=$("$top_srcdir/tests/debian" "$top_builddir/binfmtctl" amd64 3>&-) || {
		"$top_srcdir/build-aux/apt-private" - amd64 true ||
			skip "the archive of this machine cannot be reached"
		return 1
	}
	mkdir "$root"
	tar -x -C "$root" --exclude='./dev/*' --exclude='./usr/*aarch64-linux-gnu*' -f "$tar"
	# This would leave out the manual pages.
	rm "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
	apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/99zmachine"
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	mkdir "$root/debs"
}

# In the table of a user namespace binfmtctl keeps a record only if it is told where. Here
# that is where it is elsewhere. And there is a qemu to install.
with_record()
{
	install -D "$qemu" "$root/usr/local/bin/qemu-s390x-static"
	cat >"$root/usr/local/sbin/binfmtctl" <<-'END'
		#!/bin/sh
		mkdir -p /run/binfmtctl
		exec /usr/sbin/binfmtctl --state-dir /run/binfmtctl "$@"
	END
	chmod 755 "$root/usr/local/sbin/binfmtctl"
}

# in_root COMMAND...: with /proc, the table of handlers and the packages, which are nowhere
# else.
in_root()
{
	# shellcheck disable=SC2016 # for the shell in there
	unshare --mount sh -ec 'cd "$0"
		mount --rbind /proc proc
		mount -t tmpfs tmpfs dev
		touch dev/null && mount --bind /dev/null dev/null
		touch dev/urandom && mount --bind /dev/urandom dev/urandom
		mount --bind "$debs" debs
		exec chroot . "$@"' "$root" env DEBIAN_FRONTEND=noninteractive \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" 3>&-
}

# All files that there are, but for what dpkg and apt write for themselves: from the lists
# of other packages it drops folders that are gone, as those for manual pages are here.
files()
{
	(cd "$root" && find . \( -path ./var/log -o -path ./var/cache \
		-o -path './var/lib/dpkg/*-old' -o -path './var/lib/dpkg/triggers' \) -prune \
		-o -path './var/lib/dpkg/info/*.list' -printf '%p\n' \
		-o -type f -printf '%p %m %U:%G %s\n' -o -printf '%p %y %m %U:%G %l\n' |
		LC_ALL=C sort)
}

@test "equal trees make equal packages" {
	cd "$BATS_TEST_TMPDIR"
	(umask 077 && make_debs "$PWD/again")
	[ "$(find "$debs" -name '*.deb' | wc -l)" = 2 ]
	diff -r "$debs" again
}

@test "the packages need libraries, and recommend an emulator" {
	for deb in "$debs"/*.deb; do
		has "$(dpkg-deb -f "$deb" Depends)" 'libc6 (>='
		has "$(dpkg-deb -f "$deb" Recommends)" 'qemu-user-static | qemu-user'
		[ -z "$(dpkg-deb -f "$deb" Conflicts Breaks Replaces Provides)" ]
		dpkg-deb -c "$deb" | awk '$2 != "root/root"' >>"$BATS_TEST_TMPDIR/others"
	done
	[ ! -s "$BATS_TEST_TMPDIR/others" ]
}

@test "installed on a fresh system they work" {
	in_root apt-get -qq update || skip "the archive of this machine cannot be reached"
	for deb in "$debs"/*.deb; do
		in_root apt-get -qq --no-install-recommends satisfy "$(dpkg-deb -f "$deb" Depends)"
	done
	files >"$BATS_FILE_TMPDIR/before"
	in_root sh -c 'dpkg -i /debs/*.deb'
	in_root dpkg -V binfmtctl mab-build
	version=$(dpkg-deb -f "$debs"/mab-build_*.deb Version)
	has "$(in_root binfmtctl --version)" "$version"
	has "$(in_root mab-build --version)" "$version"
	has "$(in_root binfmtctl --list)" aarch64
}

# Of a package that was installed, its files that match a pattern.
installed() # PACKAGE PATTERN
{
	[ -e "$BATS_FILE_TMPDIR/before" ] || skip "the packages are not installed"
	in_root dpkg -L "$1" | grep -E "$2"
}

@test "manual pages can be read" {
	pages="$(installed binfmtctl '/man/.*gz$') $(installed mab-build '/man/.*gz$')"
	[ "$(wc -w <<<"$pages")" -ge 4 ]
	for page in $pages; do
		run --separate-stderr man --warnings -l "$root$page"
		[ "$status" -eq 0 ] && [ -z "$stderr" ]
		has "$output" NAME
	done
}

@test "the service has no mistakes, and is on" {
	unit=$(installed binfmtctl 'binfmtctl.service$')
	has "$(cat "$root$unit")" 'ExecStart=/usr/sbin/binfmtctl --boot'
	systemd-analyze verify --man=no --root="$root" "$unit"
	[ "$(systemctl --root="$root" is-enabled binfmtctl)" = enabled ]
	# Where presets decide it, too.
	systemctl --root="$root" disable binfmtctl
	systemctl --root="$root" preset binfmtctl
	[ "$(systemctl --root="$root" is-enabled binfmtctl)" = enabled ]
}

@test "an upgrade keeps handlers, and what the administrator has decided" {
	installed binfmtctl sbin/binfmtctl
	in_root binfmtctl --install s390x
	systemctl --root="$root" disable binfmtctl
	in_root sh -c 'dpkg -i /debs/*.deb'
	[ "$(entries)" = qemu-s390x ]
	[ "$(systemctl --root="$root" is-enabled binfmtctl || true)" = disabled ]
	systemctl --root="$root" enable binfmtctl
}

# As apparmor 4 brings it, later than mab-build.
@test "a profile for AppArmor, once that knows the rule" {
	installed mab-build apparmor/mab-build$
	cd "$BATS_TEST_TMPDIR"
	mkdir -p new/DEBIAN new/etc/apparmor.d/abi
	printf '%s\n' 'Package: apparmor' 'Version: 4.0' 'Architecture: all' \
		'Maintainer: nobody <nobody@localhost>' 'Description: its folder' >new/DEBIAN/control
	touch new/etc/apparmor.d/abi/4.0
	[ ! -e "$root/etc/apparmor.d" ]
	dpkg-deb --build --root-owner-group new "$debs/new-apparmor" >/dev/null
	in_root dpkg -i /debs/new-apparmor
	rm "$debs/new-apparmor"
	profile=$root/etc/apparmor.d/mab-build
	[ "$(readlink "$profile")" = /usr/share/mab-build/apparmor/mab-build ]
	grep -q '^  userns,$' "$root/$(readlink "$profile")"
	in_root dpkg -r mab-build
	[ ! -L "$profile" ]
	in_root dpkg -P apparmor
}

@test "removed, they leave nothing" {
	[ "$(entries)" = qemu-s390x ] || skip "the handler of the test before is not there"
	in_root binfmtctl --install s390x --persist
	in_root dpkg -r binfmtctl
	[ -z "$(entries)" ]
	[ ! -e "$root/run/binfmtctl" ]
	# What was set up is gone when all is to go.
	[ -n "$(find "$root/etc/binfmtctl" -type f)" ]
	in_root dpkg -P binfmtctl mab-build
	files | diff "$BATS_FILE_TMPDIR/before" -
}
