# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the tests that load this
# SPDX-License-Identifier: MIT
#
# Steps in roots made of a static busybox. Each test runs once per way of being root:
#
#   root      the machine's
#   userns    the same, in a user namespace with every id
#   subids    an ordinary user with subordinate ids
#   single    an ordinary user with one id

# shellcheck source=tests/kernel/helpers.bash
source "${BASH_SOURCE[0]%/*}/../kernel/helpers.bash"

applets="sh awk cat chgrp chmod chown cp dd df dmesg echo env false find grep head hostname id
	ifconfig kill ln ls md5sum mkdir mkfifo mknod mv ps pwd readlink rm rmdir sed seq
	sleep sort stat su sync tail test touch tr true umount uname unshare wc whoami xargs"

is_machine_root()
{
	[ "$EUID" -eq 0 ] && ! in_user_namespace
}

# Those that can be tried here.
modes()
{
	if is_machine_root; then
		echo root userns subids single
	else
		echo single
	fi
}

# Runs the test's function of this name in every mode.
in_every_mode() # FUNCTION
{
	for mode in $(modes); do
		echo "# $mode"
		"$1"
	done
}

setup()
{
	skip_if_unable
}

# All that every test needs; a folder that everybody can reach.
prepare_steps()
{
	is_machine_root || [ "${CI:-}" != true ]
	able need_busybox "$(dpkg --print-architecture)" || return 0
	need_busybox "$(dpkg --print-architecture)"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	cp "$top_builddir/tests/run/step" "$top_builddir/tests/run/probe" \
		"$BATS_FILE_TMPDIR"
	cp "$busybox" "$BATS_FILE_TMPDIR/busybox"
	chmod 755 "$BATS_FILE_TMPDIR"/*
	make_image "$BATS_FILE_TMPDIR/image" "$busybox"
	cp "$BATS_FILE_TMPDIR/probe" "$BATS_FILE_TMPDIR/image/bin"
	cp -a "$BATS_FILE_TMPDIR/image" "$BATS_FILE_TMPDIR/image-1234"
	[ "$EUID" -ne 0 ] || chown -R 1234:1234 "$BATS_FILE_TMPDIR/image-1234"
	fake_etc
}

make_image() # FOLDER BUSYBOX
{
	mkdir -p "$1/bin"
	cp "$2" "$1/bin/busybox"
	for applet in $applets; do
		ln -s busybox "$1/bin/$applet"
	done
	chmod -R go+rX "$1"
}

# /etc with subordinate ids for the user 1234.
fake_etc()
{
	etc=$BATS_FILE_TMPDIR/etc
	cp -a /etc "$etc"
	echo 'tester:x:1234:1234::/:/bin/sh' >>"$etc/passwd"
	echo 'tester:200000:65536' >"$etc/subuid"
	cp "$etc/subuid" "$etc/subgid"
}

# Sets $lower, $upper and $work for this mode. What a test changes in $lower is its own.
new_root()
{
	local top=$BATS_TEST_TMPDIR/$mode
	chmod 755 "$BATS_TEST_TMPDIR"
	rm -rf "$top"
	mkdir -p "$top/upper" "$top/work"
	image=$BATS_FILE_TMPDIR/image
	case $mode in
	subids | single)
		image=$image-1234
		[ "$EUID" -ne 0 ] || chown -R 1234:1234 "$top"
		;;
	esac
	lower=$top/lower
	upper=$top/upper
	work=$top/work
	cp -a "$image" "$lower"
	cd "$top" || return
}

as_tester() # COMMAND...
{
	if [ "$EUID" -eq 0 ]; then
		setpriv --reuid 1234 --regid 1234 --clear-groups "$@"
	else
		"$@"
	fi
}

# The program with these arguments, as this mode has it.
step() # OPTION... -- COMMAND...
{
	case $mode in
	root) "$BATS_FILE_TMPDIR/step" "$@" ;;
	userns) "$BATS_FILE_TMPDIR/step" --user-namespace "$@" ;;
	single) as_tester "$BATS_FILE_TMPDIR/step" --single-id "$@" ;;
	subids)
		export -f as_tester
		# shellcheck disable=SC2016 # for the inner shell
		unshare --mount bash -c 'mount --bind "$0" /etc && as_tester "$@"' \
			"$BATS_FILE_TMPDIR/etc" "$BATS_FILE_TMPDIR/step" --user-namespace "$@"
		;;
	esac
}

# What a test has put into the roots is the user's.
give()
{
	if [ "$EUID" -eq 0 ] && { [ "$mode" = subids ] || [ "$mode" = single ]; }; then
		chown -R 1234:1234 "$lower"
	fi
}

# A step on the overlay of new_root. The work folder is good for one.
run_step() # STATUS OPTION... -- COMMAND...
{
	local wanted=$1
	shift
	rm -rf "$work/work"
	give
	expect "$wanted" step --lower "$lower" --upper "$upper" --work "$work" "$@"
}

# The same on a plain folder.
run_in_folder() # STATUS OPTION... -- COMMAND...
{
	local wanted=$1
	shift
	give
	expect "$wanted" step --root "$lower" "$@"
}

# Starts a step that runs until it is killed, and waits until it does: $pid, $mark.
start_endless() # OPTION...
{
	mark=1000.$RANDOM$RANDOM
	step --lower "$lower" --upper "$upper" --work "$work" "$@" -- \
		sh -c "sleep $mark & trap '' TERM INT HUP; sleep $mark; sleep $mark" &
	pid=$!
	for _ in $(seq 250); do
		[ "$(pgrep -fc "^sleep $mark")" -lt 2 ] || return 0
		sleep 0.02
	done
	return 1
}

until_gone()
{
	for _ in $(seq 250); do
		pgrep -f "^sleep $mark" >/dev/null || return 0
		sleep 0.02
	done
	return 1
}

# Every name in a folder.
names() # FOLDER
{
	(cd "$1" && find . -mindepth 1 | sort | xargs)
}

same() # GOT WANTED
{
	[ "$1" = "$2" ] && return
	printf 'got:    %s\nwanted: %s\n' "$1" "$2"
	return 1
}
