#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# Layers and the kernel's overlay: what a step removes and replaces stays removed.

setup() {
	tool="${top_builddir:?}/tests/layer/layer-tool"
	mount -t tmpfs tmpfs /mnt
	cd /mnt || return
	mkdir base upper work merged again
}

teardown() {
	cd /
	umount -R /mnt
}

# Options of an overlay of these folders, the lowest last.
overlay() { # TARGET LOWER [UPPER]
	local options="userxattr,lowerdir=$2"
	[ $# -lt 3 ] || options="$options,upperdir=$3,workdir=work"
	mount -t overlay overlay -o "$options" "$1" || skip "no overlay in a user namespace"
}

describe() { # FOLDER
	(
		cd "$1" || return
		find . -mindepth 1 -printf '%P %y %#m %U:%G %l\n' | sort
		find . -type f -print0 | sort -z | xargs -0 -r sha256sum
	)
}

# Does something to the base in an overlay, and holds that the layer of it does the same.
check() { # COMMANDS
	overlay merged base upper
	(cd merged && eval "$1")
	describe merged >want
	umount merged
	"$tool" --form plain pack upper >layer
	mkdir snapshot
	"$tool" --user unpack snapshot <layer
	overlay again snapshot:base
	describe again | diff want -
	umount again
}

fill_base() {
	mkdir -p base/dir/sub base/other
	echo 1 >base/dir/file
	echo 2 >base/dir/sub/file
	echo 3 >base/other/file
	ln -s dir base/link
}

@test "removing a file, a folder and a link" {
	fill_base
	check 'rm dir/file; rm -r other; rm link'
	tar -tf layer >list
	diff - list <<-END
		dir/
		dir/.wh.file
		.wh.link
		.wh.other
	END
}

@test "replacing a folder by another" {
	fill_base
	check 'rm -r dir; mkdir dir; echo new >dir/new'
	tar -tf layer >list
	diff - list <<-END
		dir/
		dir/.wh..wh..opq
		dir/new
	END
}

@test "replacing a file by a folder, a folder by a link, and back" {
	fill_base
	check 'rm dir/file; mkdir dir/file; touch dir/file/x; rm -r other; ln -s dir other
		rm link; echo x >link'
}

@test "changing modes, adding and linking" {
	fill_base
	check 'chmod 4700 dir/file; chmod 1777 other; ln dir/sub/file hard; mkfifo fifo'
}

@test "a folder that is only implied looks as below" {
	fill_base
	chmod 1777 base/dir
	chmod 700 base/dir/sub
	"$tool" pack base >below 2>/dev/null
	mkdir snapshot new
	mkdir -p new/dir/sub
	echo x >new/dir/sub/added
	tar -cf layer -C new dir/sub/added
	"$tool" --user --below below unpack snapshot <layer
	overlay again snapshot:base
	test "$(stat -c %a again/dir again/dir/sub | tr '\n' ' ')" = '1777 700 '
	test -e again/dir/sub/file
	umount again
}

@test "markers count whatever order they come in" {
	fill_base
	mkdir -p new/dir
	echo new >new/dir/file
	touch new/dir/.wh..wh..opq new/.wh.dir new/.wh.other new/dir/.wh.file
	for order in 'dir/file dir/.wh..wh..opq .wh.other' '.wh.other dir/.wh..wh..opq dir/file' \
		'.wh.dir .wh.other dir/file' 'dir/file .wh.dir .wh.other dir/.wh.file'; do
		# shellcheck disable=SC2086 # several names
		tar -cf layer -C new $order
		mkdir snapshot
		"$tool" --user unpack snapshot <layer
		overlay again snapshot:base
		test "$(cd again && find . -type f -o -type l | sort | tr '\n' ' ')" = \
			'./dir/file ./link '
		test "$(cat again/dir/file)" = new
		umount again
		rm -r snapshot
		"$tool" list <layer >names
		grep -q '^do .* dir$' names
		grep -q '^w .* other$' names
		test "$(grep -c '^w .* dir$' names)" = 0
	done
}

@test "whiteouts in a folder that is over no other do not show" {
	fill_base
	mkdir -p new/alone new/dir
	touch new/alone/file new/alone/.wh.x new/dir/.wh..wh..opq new/dir/.wh.file new/dir/new
	tar -cf layer -C new alone dir
	mkdir snapshot
	"$tool" --user unpack snapshot <layer
	overlay again snapshot:base upper
	test "$(cd again && find alone dir | sort | tr '\n' ' ')" = \
		'alone alone/file dir dir/new '
	rm -r again/alone
	mv again/dir/new again
	rmdir again/dir
	umount again
}
