#!/bin/sh
# SPDX-License-Identifier: MIT
# Every option of --help is in the man page, and the page has no other; the page of
# mab-build has every rule of --check. What README.md and the pages of section 7
# tell to type is there.
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

# typed FILE: the command lines that it has as examples or in bold, and single options. What
# begins with another program's name is that program's.
typed() {
	awk '/^```/ { code = !code; next }
		code { if (/^(mab-build|binfmtctl)( |$)/) print; next }
		!/^\*(docker|buildah) / { text = text " " $0 }
		END {
			gsub(/\\\*/, "", text)
			n = split(text, bold, "*")
			for (i = 2; i <= n; i += 2)
				if (bold[i] ~ /^(--[a-z]|(mab-build|binfmtctl) )/)
					print bold[i]
		}' "$1" | sort -u
}

# has_options HELP WORD…: each option among the words of a command is in the help.
has_options() {
	help=$1
	shift
	for word; do
		case $word in
		-- | '|' | '#' | [\<\>]*) break ;;
		-?*) echo "$help" | grep -q -e "^  \(-., \)\{0,1\}${word%%=*}\>" || return ;;
		esac
	done
}

# usable FILE: the options of what is typed are those of the command.
usable() {
	page=$1
	set -f
	while read -r line; do
		# shellcheck disable=SC2086 # the words of a command
		set -- $line
		case $line in
		binfmtctl*) help=$("$build/binfmtctl" --help) ;;
		'mab-build manifest'*) help=$("$build/mab-build" "$2" "$3" --help) ;;
		mab-build*) help=$("$build/mab-build" "$2" --help) ;;
		*) help=$everything ;;
		esac
		check "$line, in $page" has_options "$help" "$@"
	done <<-EOF
		$(typed "$page")
	EOF
	set +f
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
everything=$({
	"$build/binfmtctl" --help
	# shellcheck disable=SC2086 # a command may be of two words
	for command; do "$build/mab-build" $command --help; done
})
for page in README.md man/mab-build-migration.7.scd man/mab-build-troubleshooting.7.scd; do
	check "$page has commands" test -n "$(typed "$page")"
	usable "$page"
done
rules=$(sed -n 's/^\t\[RULE_.*{"\([A-Za-z]*\)".*/\1/p' src/dockerfile/lint.c)
check "there are rules" test -n "$rules"
for rule in $rules; do
	check "the rule $rule is in mab-build.1" grep -q "\*$rule\*" man/mab-build.1.scd
done
done_testing
