#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# COPY, ADD and WORKDIR: where things go, and as what.

load helpers

setup() {
	build_setup
	mkdir -p ctx/folder/sub
	echo a >ctx/a
	echo b >ctx/b
	echo inner >ctx/folder/sub/inner
	ln -s sub ctx/folder/link
	chmod 4750 ctx/a
}

# files: builds the Dockerfile on stdin; lists the layers of the image, one after the
# other, as "mode owner path".
files()
{
	cat >ctx/Dockerfile
	rm -rf layout
	build -o type=oci,dest=layout ctx
	manifest=$(jq -r '.manifests[0].digest' layout/index.json)
	for layer in $(jq -r '.layers[].digest' "layout/blobs/${manifest/://}"); do
		tar --numeric-owner -tvzf "layout/blobs/${layer/://}" |
			sed -E 's/ +[0-9]+ [-0-9]+ [:0-9]+ / /'
	done
}

@test "a file, to a name and to a folder" {
	run files <<-'EOF'
		FROM scratch
		COPY a /x/name
		COPY a b /x
		COPY b ./rel/
	EOF
	[[ $output == *"drwxr-xr-x 0/0 x/"*"-rwsr-x--- 0/0 x/name"* ]]
	[[ $output == *"x/a"*"x/b"*"rel/b"* ]]
}

@test "a folder is its contents" {
	chmod 700 ctx/folder
	run files <<-'EOF'
		FROM scratch
		COPY folder /to
	EOF
	[[ $output == *"drwxr-xr-x 0/0 to/"*"0/0 to/link -> sub"*"to/sub/"*"to/sub/inner"* ]]
	[[ $output != *"0/0 folder"* ]]
}

@test "patterns, excludes, parents" {
	chmod 750 ctx/folder
	run files <<-'EOF'
		FROM scratch
		COPY [ab] /1/
		COPY --exclude=sub/in* folder /2/
		COPY --parents folder/sub/inner /3/
		COPY --parents --chown=5:6 ./folder/./sub /4/
	EOF
	[[ $output == *"1/a"*"1/b"* ]]
	[[ $output == *"2/sub/"* && $output != *"2/sub/inner"* ]]
	[[ $output == *"drwxr-xr-x 0/0 2/"*"drwxr-xr-x 0/0 3/"* ]]
	[[ $output == *"drwxr-x--- 0/0 3/folder/"*"drwxr-xr-x 0/0 3/folder/sub/"*"3/folder/sub/inner"* ]]
	[[ $output == *"drwxr-xr-x 5/6 4/sub/"*"5/6 4/sub/inner"* && $output != *4/folder* ]]
}

@test "owners and modes" {
	run files <<-'EOF'
		FROM scratch
		COPY --chown=3:4 --chmod=u=rwX,go=rX folder /o/
		COPY --chown=5 b /p
	EOF
	[[ $output == *"drwxr-xr-x 3/4 o/sub/"*"-rw-r--r-- 3/4 o/sub/inner"* ]]
	[[ $output == *"5/5 p"* ]]
}

@test "root needs no entry in the image" {
	run files <<-'EOF'
		FROM scratch
		COPY --chown=root:root b /1
		COPY --chown=root b /2
		COPY --chown=7:root b /3
		COPY --chown=root:8 b /4
		USER root
		WORKDIR /5
		USER root:9
		WORKDIR /6
	EOF
	[ "$status" -eq 0 ]
	[[ $output == *" 0/0 1"*" 0/0 2"*" 7/0 3"*" 0/8 4"*" 0/0 5/"*" 0/9 6/"* ]]
	printf 'FROM scratch\nCOPY --chown=root:toor b /\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"there is no group 'toor' in /etc/group"* ]]
}

@test "the ignore file" {
	printf 'b\nfolder/sub\n!folder/sub/inner\n' >ctx/.dockerignore
	run files <<-'EOF'
		FROM scratch
		COPY . /
	EOF
	[[ $output == *"0/0 a"*"folder/sub/inner"* ]]
	[[ $output != *"0/0 b"* ]]
	echo 'FROM scratch
COPY b /' >ctx/Dockerfile
	echo b >ctx/.dockerignore
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"b is left out by the ignore file"* ]]
}

@test "nothing outside of the context is reached" {
	ln -s /etc/passwd ctx/out
	ln -s ../../../../etc ctx/up
	printf 'FROM scratch\nCOPY out /\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
	printf 'FROM scratch\nCOPY up/passwd /\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
	printf 'FROM scratch\nCOPY ../a /\n' >ctx/Dockerfile
	build ctx
}

@test "a link below is followed to where it leads" {
	mkdir -p ctx/root/usr/bin
	ln -s usr/bin ctx/root/bin
	run files <<-'EOF'
		FROM scratch
		COPY root /
		COPY b /bin/
	EOF
	[[ $output == *"usr/bin/b"* ]]
	[[ $output != *" bin/b"* ]]
	mkdir -p ctx/over/bin
	echo 1 >ctx/over/bin/x
	printf 'FROM scratch\nCOPY root /\nCOPY over /\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"cannot copy a folder over /bin, which is a link"* ]]
}

@test "ADD unpacks archives, COPY does not" {
	tar -C ctx -czf ctx/x.tar.gz --owner=9 --group=9 folder
	run files <<-'EOF'
		FROM scratch
		ADD x.tar.gz /added/
		COPY x.tar.gz /copied/
		ADD b /plain
	EOF
	[[ $output == *"added/folder/sub/inner"* ]]
	[[ $output == *"copied/x.tar.gz"*"plain"* ]]
	[ "$(id -u)" != 0 ] || [[ $output == *"9/9 added/folder/sub/inner"* ]]
}

@test "archives: the last one counts, among others" {
	for i in 1 2 3; do
		mkdir "$i"
		echo "$i" >"$i/x"
		tar -C "$i" -cf "ctx/$i.tar" x
	done
	echo plain >ctx/x
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		ADD 1.tar x 2.tar /one/
		ADD 2.tar 3.tar x /two/
		ADD x 3.tar 1.tar /three/
	EOF
	touch -d yesterday ctx/*
	sleep 3
	for _ in unread known; do
		build --no-cache -o out ctx
		[ "$(cat out/one/x out/two/x out/three/x)" = $'2\nplain\n1' ]
		rm -r out
	done
	# Another order is another layer.
	printf '%s\n' 'FROM scratch' 'ADD 1.tar 2.tar x /one/' >ctx/Dockerfile
	build -o out ctx
	[ "$(cat out/one/x)" = plain ]
}

@test "an archive's layer that is there may not fit on another base" {
	tar -C ctx -cf ctx/x.tar folder
	printf '%s\n' 'FROM scratch' 'ADD x.tar /' >ctx/Dockerfile
	build ctx
	ln -s a ctx/link
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		COPY link /folder
		ADD x.tar /
	EOF
	for _ in 1 2; do
		run build ctx
		[ "$status" -eq 1 ]
		[[ $output == *"Dockerfile:3:1: "*"cannot copy a folder over /folder, which is "* ]]
	done
}

@test "archives are told apart by all their bytes" {
	need bzip2
	tar -C ctx -cf x folder
	for i in 1 2; do
		bzip2 -c x >ctx/$i.tar.bz2
		head -c 1M /dev/zero | tr '\0' "$i" >>ctx/$i.tar.bz2 # nobody reads that
	done
	printf '%s\n' 'FROM scratch' 'ADD 1.tar.bz2 /' 'ADD 2.tar.bz2 /2/' >ctx/Dockerfile
	build -o out ctx
	[ -e out/folder/sub/inner ]
	[ -e out/2/folder/sub/inner ]
	for i in 1 2; do
		printf '%s\n' 'FROM scratch' "COPY $i.tar.bz2 /x" >ctx/Dockerfile
		build -o out$i ctx
		cmp ctx/$i.tar.bz2 out$i/x
	done
}

# The archive is known, and opened late: see once.bats.
@test "an archive that is changed before it is unpacked ends the build" {
	need strace
	tar -C ctx -cf ctx/x.tar folder
	touch -d yesterday ctx/x.tar
	sleep 3
	printf '%s\n' 'FROM scratch' 'ADD x.tar /one/' >ctx/Dockerfile
	build ctx
	printf '%s\n' 'FROM scratch' 'ADD x.tar /two/' >ctx/Dockerfile
	(sleep 1.5 && tar -C ctx -cf ctx/x.tar a folder) &
	run strace -f -qq -o trace -P x.tar -e trace=openat2 \
		-e inject=openat2:delay_enter=1000000 \
		"${top_builddir:-build}/mab-build" build ctx
	wait
	[ "$status" -eq 1 ]
	[[ $output == *"Dockerfile:2:1: "*"x.tar was changed while it was added: run the build again"* ]]
	build -o out ctx
	[ -e out/two/a ]
}

@test "a compressed archive that is damaged further on is no plain file" {
	head -c 4M /dev/urandom >ctx/large
	tar -C ctx -czf x.tar.gz folder large
	head -c 3M x.tar.gz >ctx/x.tar.gz
	printf '%s\n' 'FROM scratch' 'ADD x.tar.gz /' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"Dockerfile:2:1: "*"cannot unpack x.tar.gz: "* ]]
	[ -z "$(ls -A store/tmp)" ]
}

@test "heredocs" {
	run files <<-'EOF'
		FROM scratch
		ARG X=value
		COPY <<one << "two" /dir/
		$X
		one
		$X
		two
	EOF
	[[ $output == *"dir/one"*"dir/two"* ]]
	layer=$(jq -r '.layers[0].digest' "layout/blobs/${manifest/://}" 2>/dev/null ||
		jq -r '.layers[0].digest' "layout/blobs/$(jq -r '.manifests[0].digest' layout/index.json | tr : /)")
	[ "$(tar -xzOf "layout/blobs/${layer/://}" dir/one)" = value ]
	[ "$(tar -xzOf "layout/blobs/${layer/://}" dir/two)" = "\$X" ]
}

@test "names of one file stay one file, attributes stay" {
	ln ctx/b ctx/folder/b2
	ln ctx/b ctx/folder/b3
	setfattr -n user.note -v text ctx/folder/b2 2>/dev/null || true
	run files <<-'EOF'
		FROM scratch
		COPY folder /f/
	EOF
	[[ $output == *"f/b3 link to f/b2"* ]]
}

@test "what is not there" {
	printf 'FROM scratch\nCOPY none /\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"ctx/Dockerfile:2:1:"*"none in the context: No such file"* ]]
	printf 'FROM scratch\nCOPY no/n* /\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"ctx/Dockerfile:2:1:"*"there is no folder no in the context"* ]]
	# A pattern is for what need not be there.
	printf 'FROM scratch\nCOPY n* /\n' >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 0 ]
	[[ $output == *"nothing is there to be copied"* ]]
	run files <<<$'FROM scratch\nCOPY a n* folder/n*/x* /x/'
	[ "$status" -eq 0 ]
	[ "$(grep -c ' x/.' <<<"$output")" = 1 ]
	[[ $output == *" x/a"* ]]
}

@test "with --parents, ** is any number of folders" {
	mkdir -p ctx/p/1/2/3
	touch ctx/p/{,1/,1/2/,1/2/3/}{x.txt,y}
	ln -s 1 ctx/p/link
	printf 'FROM scratch\nCOPY --parents p/**/*.txt /all/\nCOPY p/**/x.txt /one/\n' >ctx/Dockerfile
	printf 'p/1/2/3/x.txt\n' >ctx/.dockerignore
	build -o out ctx
	[ "$(cd out && find all one -type f | sort)" = "$(printf '%s\n' all/p/{1/2/x,1/x,x}.txt one/x.txt)" ]
	printf 'FROM scratch\nCOPY --parents **/y p/./1/** /\n' >ctx/Dockerfile
	rm -r out
	build -o out ctx
	[ "$(cd out && find . -type f | sort)" = "$(printf './%s\n' 1/2/3/y 1/2/x.txt 1/2/y 1/x.txt 1/y p/1/2/3/y p/1/2/y p/1/y p/y)" ]
}

@test "with --parents, --exclude is of the whole path" {
	printf '%s\n' 'FROM scratch' 'COPY --parents --exclude=folder/sub folder /p/' \
		'COPY --parents --exclude=sub/inner ./folder/./sub /q/' \
		'COPY --parents --exclude=sub folder /r/' >ctx/Dockerfile
	build -o out ctx
	[ -L out/p/folder/link ]
	[ ! -e out/p/folder/sub ]
	[ -d out/q/sub ]
	[ ! -e out/q/sub/inner ]
	[ -e out/r/folder/sub/inner ]
}

# Folders that an archive does not name are those of the image, links to folders too.
@test "an archive with names alone goes where the image has its folders" {
	mkdir -p tree/lib/x ctx/root/usr/lib ctx/root/tmp
	echo a >tree/lib/x/a
	echo b >tree/lib/b
	ln -s usr/lib ctx/root/lib
	chmod 1777 ctx/root/tmp
	mkdir tree/tmp
	echo t >tree/tmp/t
	tar -C tree -cf ctx/x.tar lib/x/a lib/b tmp/t
	tar -C tree -cf ctx/y.tar lib
	printf '%s\n' 'FROM scratch AS link' 'COPY root /' 'ADD x.tar /' \
		'FROM scratch AS plain' 'ADD x.tar /' \
		'FROM scratch AS named' 'COPY root /' 'ADD y.tar /' >ctx/Dockerfile
	for _ in new known; do
		build --target plain -o plain ctx
		build --target link -o link ctx
		run build --target named ctx
		[ "$status" -eq 1 ]
		[[ $output == *"cannot copy a folder over /lib, which is a link"* ]]
	done
	[ "$(cat plain/lib/x/a plain/lib/b)" = $'a\nb' ]
	[ -L link/lib ]
	[ "$(cat link/usr/lib/x/a link/lib/b link/tmp/t)" = $'a\nb\nt' ]
	[ "$(stat -c %a link/tmp)" = 1777 ]
}

@test "ADD unpacks the oldest form of tars" {
	tar -C ctx --format=v7 -cf ctx/x.tar folder
	run files <<<$'FROM scratch\nADD x.tar /added/'
	[[ $output == *"added/folder/sub/inner"* ]]
}

@test "WORKDIR makes its folder once" {
	run files <<-'EOF'
		FROM scratch
		WORKDIR /w/x
		WORKDIR /w/x
	EOF
	[ "$(grep -c ' w/x/$' <<<"$output")" = 1 ]
}
