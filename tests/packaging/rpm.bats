#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The RPM spec as rpm reads it, beside what `make install` makes.

load ../kernel/helpers

spec=$top_srcdir/packaging/rpm/mab-build.spec

setup()
{
	need rpmspec rpmbuild
	cd "$BATS_TEST_TMPDIR" || return
}

@test "it makes two packages of this version" {
	version=$(sed -n 's/^PACKAGE_VERSION = //p' "$top_builddir/Makefile")
	rpmspec -q --qf '%{NAME} %{VERSION}\n' "$spec" >packages
	diff packages - <<-END
		mab-build $version
		binfmtctl $version
	END
	has "$(rpmspec -q --qf '[%{RECOMMENDS}\n]' "$spec")" '(qemu-user-static or qemu-user)'
	[ -z "$(rpmspec -q --qf '[%{CONFLICTS}\n][%{OBSOLETES}\n]' "$spec")" ]
}

@test "without ISA-L it asks for none" {
	has "$(rpmspec -q --buildrequires "$spec")" 'pkgconfig(libisal)'
	[[ $(rpmspec -q --buildrequires --without=isal "$spec") != *libisal* ]]
	has "$(rpmspec -P --without=isal "$spec")" --without-isal
}

# rpmbuild, with macros as there are where systemd is an RPM, and of what was built before.
rpmbuild_of() # TREE
{
	rpmbuild -bb --nodeps --build-in-place -D "_topdir $PWD/top" \
		-D '_unitdir /usr/lib/systemd/system' \
		-D '_presetdir /usr/lib/systemd/system-preset' \
		-D 'systemd_post() :' -D 'systemd_preun() :' -D 'systemd_postun() :' \
		-D 'debug_package %{nil}' -D 'autosetup() :' -D 'configure :' -D 'make_build :' \
		-D "make_install cp -a $1/. %{buildroot}" "$spec"
}

# It complains of lists with files that are not there, and of files in no list.
@test "rpm makes them, and each file is in one" {
	[ -e "$top_builddir/mab-build" ] || skip "mab-build is not built here"
	env -u MAKEFLAGS -u MFLAGS make -s -C "$top_builddir" package-tree \
		PACKAGE_TREE="$PWD/tree" >log 2>&1 || { cat log; return 1; }
	cp "$top_srcdir/LICENSE" "$top_srcdir/README.md" .
	rpmbuild_of "$PWD/tree" >log 2>&1 || { cat log; return 1; }
	(cd tree && find . ! -type d -printf '/%P\n' | sort) >expected
	for package in top/RPMS/*/*.rpm; do
		rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$package"
	done | sed -n '/\/share\/doc\/\|\/share\/licenses\//d; s/\.gz$//; s/^-[^ ]* //p' | sort |
		diff expected -
}
