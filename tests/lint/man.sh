#!/bin/sh
# SPDX-License-Identifier: MIT
# Every option of --help is in the man page, and the page has no other.
. "${top_srcdir:-.}/tests/lint/lib.sh"

help=$("${top_builddir:-build}/binfmtctl" --help)
options=$(echo "$help" | sed -n 's/^  \(-., \)\{0,1\}--\([a-z0-9-]*\).*/\2/p' | sort -u)
documented=$(sed -n 's/^\*\(-[a-zA-Z]\*, \*\)\{0,1\}--\([a-z0-9-]*\)\*.*/\2/p' \
	man/binfmtctl.8.scd | sort -u)

check "--help has options" test -n "$options"
for option in $options; do
	check "--$option is in binfmtctl.8" sh -c \
		"echo '$documented' | grep -qx -- '$option'"
done
for option in $documented; do
	check "--$option of binfmtctl.8 is an option" sh -c \
		"echo '$options' | grep -qx -- '$option'"
done
done_testing
