#!/bin/sh
# SPDX-License-Identifier: MIT
# Every option of --help is in the man page, and the page has no other; the page of
# mab-build has every rule of --check.
. "${top_srcdir:-.}/tests/lint/lib.sh"

# compare PAGE PROGRAM [COMMAND…]: holds a page against what these print with --help.
compare() {
	page=$1
	program=$2
	shift 2
	options=$(for command in "${@:-}"; do
		# shellcheck disable=SC2086 # a command may be of two words
		"$program" $command --help
	done | sed -n 's/^  \(-., \)\{0,1\}--\([a-z0-9-]*\).*/\2/p' | sort -u)
	documented=$(sed -n 's/^\*\(-[a-zA-Z]\*, \*\)\{0,1\}--\([a-z0-9-]*\)\*.*/\2/p' \
		"man/$page.scd" | sort -u)
	check "$program has options" test -n "$options"
	for option in $options; do
		check "--$option is in $page" sh -c \
			"echo '$documented' | grep -qx -- '$option'"
	done
	for option in $documented; do
		check "--$option of $page is an option" sh -c \
			"echo '$options' | grep -qx -- '$option'"
	done
}

# commands PROGRAM [GROUP]: those that it lists, those of groups as two words.
commands() {
	"$@" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\)  .*/\1/p' |
		while read -r command; do
			if [ $# -eq 1 ] && "$1" "$command" --help | grep -q '^Commands:'; then
				commands "$1" "$command"
			else
				echo "${2:+$2 }$command"
			fi
		done
}

build=${top_builddir:-build}
compare binfmtctl.8 "$build/binfmtctl"
list=$(commands "$build/mab-build")
check "there are commands" test -n "$list"
IFS='
'
# shellcheck disable=SC2086 # a line is a word
set -- $list
unset IFS
compare mab-build.1 "$build/mab-build" "$@"
rules=$(sed -n 's/^\t\[RULE_.*{"\([A-Za-z]*\)".*/\1/p' src/dockerfile/lint.c)
check "there are rules" test -n "$rules"
for rule in $rules; do
	check "the rule $rule is in mab-build.1" grep -q "\*$rule\*" man/mab-build.1.scd
done
done_testing
