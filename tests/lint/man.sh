#!/bin/sh
# SPDX-License-Identifier: MIT
# Every option of --help is in the man page, and the page has no other; the page of
# mab-build has every rule of --check.
. "${top_srcdir:-.}/tests/lint/lib.sh"

# compare PAGE COMMAND…: holds a page against what the command prints with --help.
compare() {
	page=$1
	shift
	options=$("$@" --help |
		sed -n 's/^  \(-., \)\{0,1\}--\([a-z0-9-]*\).*/\2/p' | sort -u)
	documented=$(sed -n 's/^\*\(-[a-zA-Z]\*, \*\)\{0,1\}--\([a-z0-9-]*\)\*.*/\2/p' \
		"man/$page.scd" | sort -u)
	check "$* --help has options" test -n "$options"
	for option in $options; do
		check "--$option is in $page" sh -c \
			"echo '$documented' | grep -qx -- '$option'"
	done
	for option in $documented; do
		check "--$option of $page is an option" sh -c \
			"echo '$options' | grep -qx -- '$option'"
	done
}

build=${top_builddir:-build}
compare binfmtctl.8 "$build/binfmtctl"
compare mab-build.1 "$build/mab-build" build
rules=$(sed -n 's/^\t\[RULE_.*{"\([A-Za-z]*\)".*/\1/p' src/dockerfile/lint.c)
check "there are rules" test -n "$rules"
for rule in $rules; do
	check "the rule $rule is in mab-build.1" grep -q "\*$rule\*" man/mab-build.1.scd
done
done_testing
