# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the tests that load this
# SPDX-License-Identifier: MIT
#
# What the tests of this folder share. The program under test is that of $top_builddir;
# the binfmt_misc it works on is the kernel's own.

bats_require_minimum_version 1.5.0

: "${top_builddir:?is not set (it is the folder of the build)}"
table=/proc/sys/fs/binfmt_misc
cache=${MAB_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mab-tests}

binfmtctl()
{
	"$top_builddir/binfmtctl" "$@"
}

# run, with stderr apart and the exit status that is expected. On a difference everything
# is shown.
expect() # STATUS COMMAND...
{
	local wanted=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -eq "$wanted" ] && return
	printf '%s\n' "$* ends with $status, not $wanted" "$output" "$stderr"
	return 1
}

# Whether a text has this in it, and what it is when not.
has() # TEXT PART
{
	[[ $1 == *"$2"* ]] && return
	printf 'no "%s" in:\n%s\n' "$2" "$1"
	return 1
}

# A machine that checks every change must have all that the tests need.
cannot() # WHY
{
	[ "${CI:-}" = true ] || skip "$1"
	echo "$1"
	return 1
}

need() # PROGRAM...
{
	local program
	for program; do
		command -v "$program" >/dev/null || cannot "there is no $program" || return
	done
}

# For setup_file, where skip is a failure to bats 1.8: whether the command skips
# nothing. If it does, setup_file is to return 0, and skip_if_unable in setup skips.
able() # COMMAND...
{
	local status=0
	(
		# shellcheck disable=SC2317 # the command calls it
		skip() { echo "$1" >"$BATS_FILE_TMPDIR/unable" && exit 1; }
		"$@"
	) || status=$?
	[ "$status" -eq 0 ] || [ -e "$BATS_FILE_TMPDIR/unable" ] || exit "$status"
	return "$status"
}

skip_if_unable()
{
	[ ! -e "$BATS_FILE_TMPDIR/unable" ] || skip "$(cat "$BATS_FILE_TMPDIR/unable")"
}

# Ids besides root's, in this user namespace.
need_other_users()
{
	[ "$(awk '{ n += $3 } END { print n }' /proc/self/uid_map)" -gt 65534 ] ||
		cannot "only root is mapped here (run the tests as root)"
}

# Runs binfmtctl as an ordinary user, who may not be able to look into the build's folder.
as_user() # COMMAND...
{
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	cp "$top_builddir/binfmtctl" "$BATS_FILE_TMPDIR"
	chmod 755 "$BATS_FILE_TMPDIR/binfmtctl"
	PATH=$BATS_FILE_TMPDIR:$PATH setpriv --reuid 1234 --regid 1234 --clear-groups "$@"
}

# need_no_handler COMMAND...: skips where this machine's own table runs the program, as it
# does after `setup run`.
need_no_handler()
{
	! "$@" || skip "this machine's own handlers run $1"
}

# Sets $busybox to a static one for an architecture, as Debian calls it.
need_busybox() # ARCH
{
	busybox=$cache/$1/busybox
	[ -x "$busybox" ] || cannot "there is no $busybox (tests/foreign fetches it)"
}

# Sets $qemu to the program for an architecture, as qemu calls it.
need_qemu() # ARCH
{
	qemu=$(binfmtctl --list --json | jq -r --arg arch "$1" \
		'.[] | select(.architecture == $arch) | .qemu // empty')
	[ -n "$qemu" ] || cannot "no qemu for $1 is installed"
}

in_user_namespace()
{
	local first outside count
	read -r first outside count </proc/self/uid_map
	[ "$first $outside $count" != "0 0 4294967295" ]
}

# For setup_file: mounts this namespace's own table. In a user namespace that is what a
# new mount always shows (Linux 6.7); elsewhere it would be the machine's.
mount_private_table()
{
	in_user_namespace
	mount -t binfmt_misc binfmt_misc "$table"
	private_table=$(stat -c %d "$table")
	export private_table
}

# For setup: removes every entry, whoever made it.
empty_private_table()
{
	[ "$(stat -c %d "$table")" = "${private_table:?}" ]
	echo -1 >"$table/status"
}

# Names of all entries, sorted.
entries()
{
	ls -I register -I status "$table"
}

# All entries as the kernel shows them.
contents()
{
	(cd "$table" && grep -r --exclude=register . | sort)
}

# A value of an entry as the kernel shows it: interpreter, flags:, offset, magic, mask.
shown() # ENTRY KEY
{
	awk -v key="$2" '$1 == key { print $2 }' "$table/$1"
}
