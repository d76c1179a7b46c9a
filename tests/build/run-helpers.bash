# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Builds that need no registry: a busybox in each, by root and by an ordinary user.

. "${BASH_SOURCE[0]%/*}/helpers.bash"

run_setup_file() {
	able busybox_of linux/amd64 >/dev/null || return 0
	busybox=$(busybox_of linux/amd64)
	mkdir "$BATS_FILE_TMPDIR/ctx"
	cp "$busybox" "$BATS_FILE_TMPDIR/ctx/busybox"
	cp "$top_builddir/tests/run/probe" "$top_builddir/mab-build" "$BATS_FILE_TMPDIR"
	mv "$BATS_FILE_TMPDIR/probe" "$BATS_FILE_TMPDIR/ctx"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR"/ctx/*
}

setup_file() {
	run_setup_file
}

setup() {
	build_setup
	unset SSH_AUTH_SOCK
	chmod 755 "$BATS_TEST_TMPDIR"
	cp -r "$BATS_FILE_TMPDIR/ctx" .
}

teardown() {
	registry_teardown
}

# Who builds: root, and where there is a root, an ordinary user.
each_user() # FUNCTION [ARGUMENT...]
{
	for who in root user; do
		[ "$who" = root ] || [ "$(id -u)" = 0 ] || continue
		echo "# $who"
		[ -d "$who" ] || cp -r ctx "$who"
		# shellcheck disable=SC2034
		MAB_BUILD_ROOT=$PWD/$who/store
		[ "$who" = root ] || chown -R 4321:4321 "$who"
		(cd "$who" && "$@")
	done
}

as() # COMMAND...
{
	if [ "$who" = user ]; then
		set -- setpriv --reuid 4321 --regid 4321 --clear-groups "$@"
	fi
	timeout --signal=KILL 60 "$@"
}

b() # OPTION...
{
	as "$BATS_FILE_TMPDIR/mab-build" build "$@" .
}

# ran STATUS OPTION...: $output has what it said.
ran() # STATUS OPTION...
{
	local wanted=$1
	shift
	run b "$@"
	[ "$status" -eq "$wanted" ] && return
	printf '%s\n' "$* ends with $status, not $wanted:" "$output"
	return 1
}

# start LOG OPTION...: the same in the background; $pid is the program itself.
start() # LOG OPTION...
{
	"$BATS_FILE_TMPDIR/mab-build" build "${@:2}" . >"$1" 2>&1 3>&- &
	pid=$!
}

# file <<EOF: instructions on top of a busybox.
file() {
	{
		cat <<-'EOF'
			FROM scratch AS base
			COPY busybox probe /bin/
			RUN ["/bin/busybox", "--install", "-s", "/bin"]
		EOF
		cat
	} >Dockerfile
}

nothing_left() {
	[ -z "$(find store/tmp -mindepth 1)" ]
}
