#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	cd "$BATS_TEST_TMPDIR" || return
}

# Sets $update_binfmts to Debian's, without its package being installed: that would act on
# the machine's own table.
need_update_binfmts()
{
	local dir=$cache/binfmt-support apt=$top_srcdir/build-aux/apt-private
	update_binfmts=$(command -v update-binfmts) && return
	update_binfmts=$dir/usr/sbin/update-binfmts
	[ -x "$update_binfmts" ] && return
	mkdir -p "$dir"
	(cd "$dir" && "$apt" - "$(dpkg --print-architecture)" apt-get download binfmt-support &&
		dpkg-deb -x binfmt-support_*.deb .) ||
		cannot "there is no update-binfmts (package binfmt-support)"
}

# Entries of several kinds, with what is hard to say in some form.
add_some()
{
	binfmtctl --add by-magic --magic 4245414400 --mask ffffffdf00 --offset 3 \
		--interpreter /bin/cat --flags C >/dev/null
	binfmtctl --add by-name --extension cat --interpreter /bin/cat --flags PF >/dev/null
	binfmtctl --add whole --magic 'PK\x03\x04 z' --interpreter /bin/cat >/dev/null
}

# All entries but their state, as the kernel shows them.
same_as() # CONTENTS
{
	[ "$(contents)" = "$1" ] && return
	diff <(echo "$1") <(contents)
}

@test "binfmt.d: comments, any separator, every entry" {
	cat >a.conf <<-'END'
		# comment
		; another

		:one:M::BC::/bin/cat:
		  ,two,E,,two,,/bin/cat,PF
		|three|M|4|\x7fX\x00|\xff\xff\x00|/bin/cat|O
	END
	printf ':four:E::four::/bin/cat:' >b.conf
	expect 0 binfmtctl --add-from a.conf b.conf
	has "$(entries | tr '\n' ' ')" "four one three two"
	[ "$(shown two flags:)" = PF ]
	[ "$(shown three magic)" = 7f5800 ]
}

@test "what is wrong is named with its place, and the rest is installed" {
	cat >a.conf <<-'END'
		:one:M::BC::/bin/cat:
		:bad:M::B\xg0::/bin/cat:
		:bad:X::BC::/bin/cat:
		:bad:M:300:BC::/bin/cat:
		:bad:M::BC:\xff:/bin/cat:
		:bad:M::BC::/bin/cat
		:bad:M::BC::/bin/cat:F?
		:bad:M::BC::cat:
		:two:E::two::/bin/cat:
	END
	expect 1 binfmtctl --add-from missing.conf a.conf
	[ "$(entries | tr '\n' ' ')" = "one two " ]
	has "$stderr" "adding: missing.conf failed: "
	has "$stderr" "a.conf:2:10: two hexadecimal digits are missing after \\x"
	has "$stderr" "a.conf:3:6: the type is M (by magic) or E (by extension), not 'X'"
	has "$stderr" "a.conf:4:1: offset 300"
	has "$stderr" "a.conf:5:12: the mask has 1 bytes, the magic 2"
	has "$stderr" "a.conf:6:21: the interpreter does not end with the separator ':'"
	has "$stderr" "a.conf:7:23: '?' is not a flag"
	has "$stderr" "a.conf:8:1: the interpreter's path 'cat' is not absolute"
}

@test "a file cannot take over the machine either" {
	printf ':all:M::\\x7fELF::/bin/cat:\n' >a.conf
	expect 1 binfmtctl --add-from a.conf
	[ -z "$(entries)" ]
}

@test "Debian's form: what update-binfmts would make of it" {
	cat >three <<-'END'
		package some-package
		interpreter /bin/cat
		magic \x7fX Y\x00
		offset 4
		mask \xff\xff\xff\xff\x00
		credentials yes
		preserve no
		fix_binary yes
	END
	printf 'package p\ninterpreter /bin/cat\nextension foo\n' >by-name
	expect 0 binfmtctl --add-from three by-name
	[ "$(entries | tr '\n' ' ')" = "by-name three " ]
	[ "$(shown three flags:)" = OCF ]
	[ "$(shown three magic)" = 7f58205900 ]
	[ "$(shown by-name extension)" = .foo ]
}

@test "Debian's form: what the kernel alone cannot do is refused" {
	printf 'package p\ninterpreter /bin/cat\nmagic MZ\ndetector /usr/bin/d\n' >mono
	printf 'package p\ninterpreter /bin/cat\nmagic MZ\nextension x\n' >both
	printf 'package p\ninterpreter /bin/cat\nmagic MZ\ncolour red\n' >unknown
	expect 1 binfmtctl --add-from mono both unknown
	[ -z "$(entries)" ]
	has "$stderr" "mono:4:10: the detector /usr/bin/d has a say"
	has "$stderr" "both: it needs either magic or extension"
	has "$stderr" "unknown:4:1: unknown key 'colour'"
}

@test "the files of installed packages are read in both forms" {
	for file in /usr/lib/binfmt.d/*.conf /usr/share/binfmts/*; do
		[ -e "$file" ] || continue
		expect 0 binfmtctl --add-from "$file" --dry-run
	done
}

@test "each form, read again, gives the same entries" {
	add_some
	before=$(contents)
	for form in binfmt.d debian register; do
		expect 0 binfmtctl --export $form --output "$form"
		has "$stderr" "exporting: by-name OK"
		empty_private_table
		expect 0 binfmtctl --add-from "$form"/*
		same_as "$before"
	done
	expect 0 binfmtctl --export binfmt.d
	empty_private_table
	binfmtctl --add-from <(echo "$output") && return 1 # not a regular file
	echo "$output" >all.conf
	expect 0 binfmtctl --add-from all.conf
	same_as "$before"
}

@test "a register string is one write" {
	add_some
	before=$(contents)
	expect 0 binfmtctl --export register --output strings
	empty_private_table
	for file in strings/*; do
		cat "$file" >"$table/register"
	done
	same_as "$before"
}

@test "systemd-binfmt takes what --export binfmt.d writes" {
	systemd_binfmt=/lib/systemd/systemd-binfmt
	[ -x $systemd_binfmt ] || cannot "there is no $systemd_binfmt"
	add_some
	before=$(contents)
	expect 0 binfmtctl --export binfmt.d --output d
	empty_private_table
	expect 0 "$systemd_binfmt" "$PWD"/d/*.conf
	same_as "$before"
}

@test "update-binfmts takes what --export debian writes" {
	need_update_binfmts
	add_some
	before=$(contents)
	expect 0 binfmtctl --export debian --output d
	empty_private_table
	mkdir admin
	expect 0 "$update_binfmts" --admindir "$PWD/admin" --importdir "$PWD/d" --import
	same_as "$before"
}

@test "--arch exports what --install would register" {
	need_qemu s390x
	expect 0 binfmtctl --install s390x
	before=$(contents)
	expect 0 binfmtctl --export binfmt.d --arch s390x --output d
	[ "$(ls d)" = qemu-s390x.conf ]
	expect 0 binfmtctl --export register --arch linux/s390x
	expect 0 binfmtctl --remove qemu-s390x
	echo "$output" >string
	expect 0 binfmtctl --add-from d/qemu-s390x.conf
	same_as "$before"
	expect 0 binfmtctl --export register --arch s390x --no-credentials
	has "$output" ":PF"
	expect 1 binfmtctl --export register --arch no-such
}

@test "what a form cannot say, or its reader would lose, is refused" {
	cp /bin/cat 'a:b'
	binfmtctl --add colon --extension x --interpreter "$PWD/a:b" >/dev/null
	binfmtctl --add opened --extension o --interpreter /bin/cat --flags O >/dev/null
	binfmtctl --add .dot --extension d --interpreter /bin/cat >/dev/null
	binfmtctl --add off --extension f --interpreter /bin/cat >/dev/null
	binfmtctl --disable off >/dev/null
	expect 1 binfmtctl --export debian --output d
	has "$stderr" "exporting: colon failed: update-binfmts cannot register"
	has "$stderr" "exporting: opened failed: Debian's form has no word for flag O"
	has "$stderr" "exporting: off skipped: it is disabled"
	[ "$(ls -A d)" = .dot ]
	expect 1 binfmtctl --export binfmt.d --output e
	has "$stderr" "exporting: .dot failed: systemd-binfmt does not read files"
	[ "$(find e -type f -printf "%f\n" | sort | tr '\n' ' ')" = "colon.conf opened.conf " ]
}

@test "of several that take a file, the newest still does after an export" {
	for name in zz aa mm; do
		printf '#!/bin/sh\necho %s\n' $name >run-$name
		chmod 755 run-$name
		expect 0 binfmtctl --add $name --extension x --interpreter "$PWD/run-$name"
	done
	: >file.x
	chmod 755 file.x
	[ "$(./file.x)" = mm ]
	expect 0 binfmtctl --export binfmt.d
	empty_private_table
	echo "$output" >all.conf
	expect 0 binfmtctl --add-from all.conf
	[ "$(./file.x)" = mm ]
}

@test "--replace goes with --add-from" {
	printf ':a:E::x::/bin/cat:\n' >a.conf
	expect 0 binfmtctl --add-from a.conf
	printf ':a:E::y::/bin/cat:\n' >a.conf
	expect 1 binfmtctl --add-from a.conf
	expect 0 binfmtctl --add-from a.conf --replace
	[ "$(shown a extension)" = .y ]
}
