#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces

# What --explain says is held against what the kernel does: every file is also run.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	need jq mountpoint python3
	empty_private_table
	cd "$BATS_TEST_TMPDIR" || return
	local name
	for name in a b c; do
		interpreter "$name"
	done
	printf 'MAGIC and more' >file.ext
	printf '#!/bin/sh\necho kernel\n' >script
	cp "$(type -P echo)" program
	chmod +x file.ext script program
}

teardown()
{
	cd /
	if mountpoint -q /mnt; then
		umount /mnt
	fi
}

# A program that says its name when it is used as interpreter.
interpreter() # NAME
{
	printf '#!/bin/sh\necho %s\n' "$1" >"$1"
	chmod +x "$1"
}

magic() # NAME MAGIC [OFFSET [MASK [FLAGS]]]
{
	printf ':%s:M:%s:%s:%s:%s:%s' "$1" "${3:-}" "$2" "${4:-}" "$PWD/$1" "${5:-}" \
		>"$table/register"
}

extension() # NAME EXTENSION
{
	printf ':%s:E::%s::%s:' "$1" "$2" "$PWD/$1" >"$table/register"
}

# What the kernel does: who answered, or how execve(2) fails.
truth() # FILE
{
	# The word is what a program that the kernel runs itself prints.
	python3 - "$1" <<-'EOF'
		import errno, os, sys
		try:
		    os.execv(sys.argv[1], [sys.argv[1], "kernel"])
		except OSError as e:
		    print(errno.errorcode[e.errno])
	EOF
}

# The same, as --explain says it: the first entry of the chain.
said() # FILE
{
	binfmtctl --explain "$1" --json | jq -r '.[] | if .runs
		then [.steps[].entry // empty] | first // "kernel" else .error end'
}

# The kernel and --explain agree, and on this.
agree() # FILE WANTED
{
	local truth said
	truth=$(truth "$1")
	said=$(said "$1") || true
	[ "$truth $said" = "$2 $2" ] && return
	echo "$1: wanted $2, the kernel does $truth, --explain says $said"
	return 1
}

@test "of entries that match, the newest enabled one" {
	magic a MAGIC
	agree file.ext a
	magic c MAGIC
	magic b MAGIC
	agree file.ext b
	echo 0 >"$table/b"
	agree file.ext c
	echo 1 >"$table/b"
	agree file.ext b
	echo -1 >"$table/a"
	magic a MAGIC
	agree file.ext a
	echo -1 >"$table/a"
	agree file.ext b
	expect 0 binfmtctl --explain file.ext
	has "$output" "taken by the entry b: 5 bytes from offset 0 match"
	has "$output" "shadows the entry c, which is older ($PWD/c)"
}

@test "names that were looked up before they were made" {
	[ ! -e "$table/b" ]
	[ ! -e "$table/a" ]
	magic a MAGIC
	[ ! -e "$table/c" ]
	magic b MAGIC
	agree file.ext b
	magic c MAGIC
	[ -e "$table/a" ]
	agree file.ext c
}

@test "extension and magic, in the order of their age" {
	extension a ext
	magic b MAGIC
	agree file.ext b
	echo -1 >"$table/a"
	extension a ext
	agree file.ext a
	cp file.ext file.EXT
	agree file.EXT b
	ln -s script link.ext
	agree link.ext a
	mkdir dir.ext
	cp script dir.ext/script
	agree dir.ext/script kernel
}

@test "offset, mask, and a file that ends early" {
	magic a AG 1
	agree file.ext a
	magic b '\x0d' 0 '\x0f'
	agree file.ext b
	magic c 'more\x00' 10
	agree file.ext c
	echo -1 >"$table/status"
	magic a 'more!' 10
	agree file.ext ENOEXEC
	magic b magic
	agree file.ext ENOEXEC
	expect 1 binfmtctl --explain file.ext
	has "$output" "not a: byte 14 is after the file's end, wanted 21"
	run ! grep -q 'not b:' <<<"$output" # all of it differs
}

@test "nothing takes it, for a reason that is said" {
	printf 'hello\n' >text
	: >empty
	printf '#!   \n' >unnamed
	printf '#!/%0300d\n' 0 >long
	head -c 100 program >short
	chmod +x text empty unnamed long short
	agree text ENOEXEC
	agree empty ENOEXEC
	agree unnamed ENOEXEC
	agree long ENOEXEC
	agree short ENOEXEC
	expect 1 binfmtctl --explain text empty unnamed long
	has "$output" "many shells then read it as a script"
	has "$output" "Nothing runs it: it is empty (ENOEXEC)."
	has "$output" "its first line names no interpreter"
	has "$output" "its first line is longer than the 256 bytes"
}

@test "what may not be run" {
	agree . EACCES
	chmod -x script
	agree script EACCES
	printf '#!%s/script\n' "$PWD" >user
	printf '#!%s\n' "$PWD" >of-folder
	chmod +x user of-folder
	agree user EACCES
	agree of-folder EACCES
	mount -t tmpfs -o noexec none /mnt
	cp program /mnt
	agree /mnt/program EACCES
	expect 1 binfmtctl --explain script /mnt/program
	has "$output" "script: a script for /bin/sh"
	has "$output" "script is not executable (chmod +x)"
	has "$output" "/mnt/program lies on a file system that is mounted with noexec"
}

@test "the kernel's own loaders come last" {
	agree script kernel
	agree program kernel
	magic a '#!/bin/sh\x0aecho kernel'
	agree script a
	expect 0 binfmtctl --explain script
	has "$output" "shadows the kernel's own loader of scripts"
	cp program program.ext
	extension b ext
	agree program.ext b
	expect 0 binfmtctl --explain program.ext
	has "$output" "shadows the kernel itself, which can run such programs"
}

@test "the kernel's ELF loader does not look at the OS of a program" {
	printf '\x09' | dd of=program bs=1 seek=7 conv=notrunc status=none
	agree program kernel
}

@test "scripts are followed, five deep" {
	printf '#!%s\n' "$PWD/script" >s2
	printf '#!%s\n' "$PWD/s2" >s3
	printf '#!%s -x  y \n' "$PWD/s3" >s4
	printf '#!%s\n' "$PWD/s4" >s5
	printf '#!%s\n' "$PWD/s5" >s6
	chmod +x s?
	agree s5 kernel
	agree s6 ELOOP
	printf '#!%s\n' "$PWD/file.ext" >foreign
	chmod +x foreign
	agree foreign ENOEXEC
	magic a MAGIC
	agree foreign a
	expect 0 binfmtctl --explain foreign
	has "$output" "foreign: a script for $PWD/file.ext"
	has "$output" "needs there: $PWD/file.ext, $PWD/a, /bin/sh"
}

@test "an interpreter that is not there" {
	printf '#!/bin/sh\r\n' >dos
	printf '#!%s/none/x\n' "$PWD" >gone
	chmod +x dos gone
	agree dos ENOENT
	agree gone ENOENT
	magic a MAGIC
	rm a
	agree file.ext ENOENT
	expect 1 binfmtctl --explain dos
	has "$output" "carriage return"
	has "$output" "dos: a script for /bin/sh?"
}

@test "an interpreter that flag F holds, and that is not there any more" {
	rm a
	cp program a
	magic a MAGIC "" "" F
	rm a
	[ "$(truth ./file.ext)" = "./file.ext kernel" ]
	[ "$(said ./file.ext)" = a ]
	expect 0 binfmtctl --explain file.ext
	has "$output" "$PWD/a: gone from there since the kernel opened it"
}

@test "a program whose loader is not there" {
	loader=$(binfmtctl --explain program --json | jq -r '.[].steps[].loader // empty')
	[ -n "$loader" ] || cannot "echo is statically linked"
	sed -i "s#$loader#${loader%???}non#" program
	agree program ENOENT
	expect 1 binfmtctl --explain program
	has "$output" "its dynamic loader ${loader%???}non is not there (ENOENT)"
}

@test "disabled as a whole" {
	magic a MAGIC
	echo 0 >"$table/status"
	agree file.ext ENOEXEC
	expect 1 binfmtctl --explain file.ext
	has "$output" "disabled as a whole: \`echo 1 >$table/status\`"
	echo 1 >"$table/status"
	agree file.ext a
	echo 0 >"$table/a"
	expect 1 binfmtctl --explain file.ext
	has "$output" "not a, which is disabled (\`binfmtctl --enable a\` enables it)"
}

@test "every difference of the nearest miss" {
	magic a 'MIGUC' 0 '\xff\xff\xff\x0f\xff'
	expect 1 binfmtctl --explain file.ext
	has "$output" "not a: byte 1 is 41, wanted 49, byte 3 is 49, wanted 55 under mask 0f"
	expect 1 binfmtctl --explain file.ext --json
	[ "$(jq -c '.[].steps[0].misses[0].differences[0]' <<<"$output")" = \
		'{"offset":1,"wanted":73,"mask":255,"found":65}' ]
}

@test "flags in words" {
	magic a MAGIC
	expect 0 binfmtctl --explain file.ext
	has "$output" "looked up in the caller's root at every run (no F)"
	has "$output" "    set-user-ID and set-group-ID have no effect (no C)"
	has "$output" "argv[0] is replaced by the path of the file (no P)"
	cp program b
	magic b MAGIC "" "" PCF
	chmod u+s file.ext
	expect 0 binfmtctl --explain file.ext
	has "$output" "the kernel holds the interpreter open"
	has "$output" "are honoured (C)"
	has "$output" "argv[0] reaches the program"
	echo -1 >"$table/b"
	expect 0 binfmtctl --explain file.ext
	has "$output" "attention: set-user-ID and set-group-ID have no effect (no C)"
}

@test "flag O leaves no room for a second interpreter" {
	cp "$(type -P echo)" native
	ln -s native answer
	printf '#!%s/none\n' "$PWD" >c
	magic a MAGIC
	agree file.ext a
	magic b MAGIC "" "" O
	agree file.ext ENOEXEC
	expect 1 binfmtctl --explain file.ext
	has "$output" "the interpreter of b has an interpreter itself"
	magic c MAGIC "" "" C
	agree file.ext ENOENT
	magic answer MAGIC "" "" O
	[ "$(truth ./file.ext)" = "./file.ext kernel" ]
	[ "$(said ./file.ext)" = answer ]
	printf '#!%s/file.ext\n' "$PWD" >user
	chmod +x user
	[ "$(truth ./user)" = "$PWD/file.ext ./user kernel" ]
	[ "$(said ./user)" = answer ]
}

@test "set-user-ID, as flag C says" {
	need_other_users
	mount -t tmpfs -o mode=755 none /mnt # where other users reach the files too
	cd /mnt
	python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
	ln -s "$python" a
	ln -s "$python" b
	printf 'MAGIC = 1\nimport os\nprint(os.geteuid())\n' >file.ext
	chmod 755 file.ext
	chown 1 file.ext
	chmod u+s file.ext
	magic a MAGIC
	[ "$(truth file.ext)" = 0 ]
	expect 0 binfmtctl --explain file.ext
	has "$output" "attention: set-user-ID and set-group-ID have no effect (no C)"
	magic b MAGIC "" "" C
	[ "$(truth file.ext)" = 1 ]
	expect 0 binfmtctl --explain file.ext
	has "$output" "set-user-ID and set-group-ID are honoured (C)"
	mount -o remount,nosuid /mnt
	[ "$(truth file.ext)" = 0 ]
	expect 0 binfmtctl --explain file.ext
	has "$output" "attention: set-user-ID has no effect on its file system (nosuid)"
}

@test "in another root, without flag F and with it" {
	need_busybox "$(dpkg --print-architecture)"
	cp "$busybox" echo
	mkdir -p "root$PWD"
	cp file.ext root
	needs() { binfmtctl --explain file.ext --json | jq -r '.[].needs_inside[]'; }
	magic echo MAGIC
	[ "$(needs)" = "$PWD/echo" ]
	run -127 chroot root /file.ext
	cp echo "root$PWD"
	[ "$(chroot root /file.ext)" = /file.ext ]
	rm "root$PWD/echo"
	echo -1 >"$table/echo"
	magic echo MAGIC "" "" F
	[ -z "$(needs)" ]
	[ "$(chroot root /file.ext)" = /file.ext ]
}

@test "a foreign program, and its architecture by name" {
	need_qemu s390x
	need_busybox s390x
	expect 1 binfmtctl --explain "$busybox"
	has "$output" "a program for s390x (linux/s390x), statically linked"
	has "$output" "\`binfmtctl --install s390x\` installs a handler"
	expect 1 binfmtctl --explain linux/s390x
	binfmtctl --install s390x >/dev/null
	[ "$("$busybox" echo runs)" = runs ]
	expect 0 binfmtctl --explain "$busybox" linux/s390x s390x qemu-s390x
	[ "$(grep -c 'taken by the entry qemu-s390x' <<<"$output")" -eq 4 ]
	[ "$(grep -c 'In another root (chroot, container) it runs too' <<<"$output")" -eq 4 ]
	version=$(binfmtctl --list --json |
		jq -r '.[] | select(.architecture == "s390x") | .version')
	has "$output" "interpreter $qemu, at that path qemu $version"
	mkdir root
	cp "$busybox" root/busybox
	[ "$(chroot root /busybox echo runs)" = runs ]
}

@test "a file that exists wins over an architecture" {
	cp script s390x
	agree s390x kernel
	expect 0 binfmtctl --explain s390x
	has "$output" "s390x: a script for /bin/sh"
	expect 1 binfmtctl --explain ./arm64
	has "$stderr" "there is no file './arm64'"
	expect 1 binfmtctl --explain amr64
	has "$stderr" "did you mean 'arm64'?"
}

@test "a name with commas and blanks, and several at once" {
	cp script 'a, b'
	expect 1 binfmtctl --explain 'a, b' file.ext
	[ "$(grep -c '^It runs' <<<"$output")" -eq 1 ]
	has "$output" "a, b: a script for /bin/sh"
	expect 2 binfmtctl --explain
}
