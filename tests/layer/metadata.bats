#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a layer says of a file survives packing and unpacking, and other tars agree.

setup() {
	tool="${top_builddir:?}/tests/layer/layer-tool"
	cd "${BATS_TEST_TMPDIR:?}" || return
	mkdir src out
}

# Everything that is to survive, one line per name.
describe() { # FOLDER
	(
		cd "$1" || return
		find . -mindepth 1 -printf '%P %y %#m %U:%G %T@ %s %l\n' | sed 's/\.0* / /' | sort
		find . -mindepth 1 -type f -printf '%i %P\n' | sort -k2 |
			awk '{ if (seen[$1]) print $2, "is", seen[$1]; else seen[$1] = $2 }'
		find . -mindepth 1 \( -type f -o -type d \) -print0 | sort -z |
			xargs -0 getfattr -hd -m 'security.capability|^user\.' 2>/dev/null
		find . -type f -print0 | sort -z | xargs -0 sha256sum
	)
}

make_plain() {
	local long
	long=$(printf 'long-%.0s' {1..40})
	mkdir -p src/dir/empty "src/$long/$long"
	echo hello >src/dir/file
	: >src/dir/nothing
	ln src/dir/file src/dir/hard
	ln src/dir/file src/a-hard-link-before-its-file
	ln -s dir/file src/soft
	ln -s "$long/$long/$long" src/soft-long
	ln -s $'no\xffutf8' src/soft-bytes
	mkfifo src/fifo
	echo x >"src/$long/$long/$long"
	ln "src/$long/$long/$long" src/to-long
	echo x >$'src/name\nwith newline'
	echo x >$'src/bytes\xff\xfe'
	echo x >"src/${long:0:120}"$'\xff'"${long:0:120}"
	echo x >'src/ünïcödé'
	echo x >'src/ leading and trailing '
	printf '%0511d' 0 >src/511
	printf '%0512d' 0 >src/512
	printf '%0513d' 0 >src/513
	head -c 1500000 /dev/urandom >src/large
	chmod 4755 src/dir/file
	chmod 2750 src/dir
	chmod 1777 src/dir/empty
	chmod 000 src/513
	setfattr -n user.text -v 'some text' src/large
	setfattr -n user.a=b%c -v 'odd name' src/large
	setfattr -n user.bytes -v 0x00ff0a3d src/dir
	set_times
}

set_times() {
	find src -mindepth 1 -exec touch -hcd @1700000000 {} +
	touch -d @1000000000 src/dir/file src/dir
	touch -d @-1 src/511
	touch -d @9999999999 src/512
	touch -hd @5 src/soft
}

# What only root outside of a user namespace can make.
add_privileged() {
	[ "$(id -u)" = 0 ] && mknod src/char c 1 3 2>/dev/null || return 0
	mknod src/block b 7 200
	chown 1234:4321 src/large
	chown 4000000000:3000000 src/512
	chown -h 7:8 src/soft
	cp src/513 src/capable
	chmod 755 src/capable
	setcap cap_net_bind_service+ep src/capable
	chown 5:6 src/dir/empty
	set_times
}

fresh_out() {
	rm -rf out
	mkdir out
}

@test "by every compression" {
	make_plain
	describe src >want
	for form in plain gzip zstd; do
		fresh_out
		"$tool" --form $form pack src >layer
		"$tool" unpack out <layer
		describe out | diff want -
	done
}

@test "owners, devices, capabilities" {
	make_plain
	add_privileged
	test -e src/char || skip "needs root outside of a user namespace"
	describe src >want
	grep -aq capability want
	"$tool" pack src >layer
	"$tool" --devices unpack out <layer
	describe out | diff want -
	test "$(stat -c %t:%T out/char)" = 1:3
	test "$(stat -c %t:%T out/block)" = 7:c8
	fresh_out
	"$tool" unpack out <layer
	test ! -e out/char
}

@test "GNU tar reads what we write" {
	make_plain
	add_privileged
	describe src >want
	"$tool" pack src >layer
	tar --xattrs --xattrs-include='*' --same-owner -xpf layer -C out
	describe out | diff want -
}

@test "bsdtar reads what we write" {
	command -v bsdtar >/dev/null || skip "bsdtar is not installed"
	make_plain
	add_privileged
	setfattr -x user.a=b%c src/large # it does not know how GNU tar writes such a name
	describe src >want
	"$tool" pack src >layer
	bsdtar -xpf layer -C out
	describe out | diff want -
}

@test "Python's tarfile reads what we write" {
	make_plain
	"$tool" pack src >layer
	python3 -c '
import os, sys, tarfile
names = {os.fsencode(m.name) for m in tarfile.open("layer")}
want = {os.path.join(d, n)[4:] for d, ds, fs in os.walk(b"src") for n in ds + fs}
sys.exit(f"{names ^ want}" if names != want else 0)'
}

@test "we read what GNU tar and bsdtar write" {
	make_plain
	add_privileged
	describe src >want
	tar --format=pax --xattrs --xattrs-include='*' -cf layer -C src .
	"$tool" --devices unpack out <layer
	describe out | diff want -
	fresh_out
	tar --format=gnu -cf layer -C src .
	"$tool" --devices unpack out <layer
	describe out | diff <(grep -av '^security\|^user\|^# file\|^$' want) -
	command -v bsdtar >/dev/null || return 0
	fresh_out
	LC_ALL=C.UTF-8 bsdtar --format=pax -cf layer -C src .
	"$tool" --devices unpack out <layer
	describe out | diff want -
}

@test "holes, as GNU tar writes them in four ways" {
	truncate -s 3M src/holes
	printf start | dd of=src/holes conv=notrunc status=none
	for i in {1..60}; do
		printf middle | dd of=src/holes bs=32K seek="$i" conv=notrunc status=none
	done
	truncate -s 2M src/only-hole
	touch -d @1600000000 src/*
	describe src >want
	for format in gnu 'posix --sparse-version=0.0' 'posix --sparse-version=0.1' \
		'posix --sparse-version=1.0'; do
		fresh_out
		# shellcheck disable=SC2086 # two words
		tar --format=$format --sparse -cf layer -C src holes only-hole
		test "$(stat -c %s layer)" -lt 2000000
		"$tool" unpack out <layer
		describe out | diff want -
		test "$(stat -c %b out/only-hole)" -lt 64
	done
}

@test "a file that says to be a terabyte" {
	truncate -s 1T src/lastlog
	printf end | dd of=src/lastlog bs=1M seek=900000 conv=notrunc status=none
	echo x >src/next
	"$tool" --form plain pack src >layer
	test "$(stat -c %s layer)" -lt 100000
	"$tool" unpack out <layer
	test "$(stat -c %s out/lastlog)" = 1099511627776
	test "$(dd if=out/lastlog bs=1M skip=900000 count=1 status=none | head -c 3)" = end
	test "$(cat out/next)" = x
	tar -tvf layer >list
	grep -q '1099511627776 .* lastlog' list
}

@test "the same bytes for any number of threads" {
	make_plain
	head -c 6000000 /dev/urandom | base64 >src/text
	for form in gzip zstd; do
		for threads in 1 2 5; do
			"$tool" --form $form --threads $threads pack src 2>said >layer
			sha256sum <layer
		done | sort -u >digests
		test "$(wc -l <digests)" = 1
		test "$(cut -d ' ' -f 2 said)" = "sha256:$(sha256sum <layer | cut -d ' ' -f 1)"
	done
}

@test "gzip of each level is one member that gzip reads" {
	head -c 1200000 /dev/urandom | base64 >src/text
	: >src/empty
	for level in 1 2 3 9; do
		"$tool" --level $level pack src >layer
		gzip -dc layer | tar -xO text | cmp - src/text
		python3 -c '
import sys, zlib
d = zlib.decompressobj(31)
d.decompress(open("layer", "rb").read())
sys.exit(not d.eof or len(d.unused_data))'
	done
	run "$tool" --level 10 pack src
	[ "$status" = 1 ]
}

@test "times are not later than the epoch" {
	touch -d @100 src/old
	touch -d @300 src/new
	"$tool" --epoch 200 --form plain pack src >layer
	tar --utc --full-time -tvf layer >list
	grep -q '1970-01-01 00:01:40 old' list
	grep -q '1970-01-01 00:03:20 new' list
}

@test "owners are kept aside where all files are the user's" {
	echo x >src/file
	mkdir src/dir
	[ "$(id -u)" != 0 ] || chown 12:34 src/file src/dir
	chmod 4711 src/file
	chmod 2000 src/dir
	"$tool" --form plain pack src >layer
	"$tool" --owner unpack out <layer
	test "$(stat -c %u:%a out/file)" = "$(id -u):711"
	"$tool" --owner --form plain pack out >again
	cmp layer again
}

@test "gzip, zstd, bzip2, xz and what comes in several parts" {
	make_plain
	describe src >want
	tar --format=posix --xattrs -cf layer -C src .
	gzip -k layer
	head -c 1000000 layer | gzip >two
	tail -c +1000001 layer | gzip >>two
	bzip2 -k layer
	xz -k layer
	zstd -q layer
	for file in layer.gz two layer.bz2 layer.xz layer.zst; do
		fresh_out
		"$tool" --archive unpack out <$file
		describe out | diff want -
	done
}

@test "both digests are held" {
	echo x >src/file
	read -r diff_id digest _ < <("$tool" pack src 2>&1 >layer)
	"$tool" --digest "$digest" --diff-id "$diff_id" unpack out <layer
	run "$tool" --digest "$diff_id" unpack out <layer
	[ "$status" = 1 ]
	[[ $output == *"the layer's digest is $digest, not $diff_id"* ]]
	run "$tool" --diff-id "$digest" list <layer
	[ "$status" = 1 ]
	[[ $output == *"the digest of the layer's tar is $diff_id, not $digest"* ]]
}

@test "an owner that there is not here" {
	echo x >src/file
	for owner in 70000:0 0:70000; do
		tar -cf layer --numeric-owner --owner "${owner%:*}" --group "${owner#*:}" -C src file
		run unshare --user --map-root-user "$tool" unpack out <layer
		[ "$status" = 1 ]
		kind=user
		[ "$owner" = 70000:0 ] || kind=group
		[[ $output == *"cannot give file to the user ${owner%:*} and the group ${owner#*:}: 70000 is \
none of the 1 $kind ids that there are here (an ordinary user gets more by lines in /etc/subuid"* ]]
		rm -f out/file
	done
}
