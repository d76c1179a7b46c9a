#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Shell completion as the shells take it.

# Completes the last of the words as bash would.
complete_bash() {
	# shellcheck disable=SC2016 # the inner shell expands it
	bash -c '
		eval "$("${top_builddir:?}/binfmtctl" --completion bash)"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_binfmtctl 2>/dev/null
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

@test "bash completes options" {
	[ "$(complete_bash binfmtctl --unin)" = --uninstall ]
}

@test "bash completes architectures, also behind a comma" {
	[ "$(complete_bash binfmtctl --install s3)" = s390x ]
	[ "$(complete_bash binfmtctl --uninstall arm64,s3)" = arm64,s390x ]
}

@test "bash completes folders" {
	[ "$(complete_bash binfmtctl --qemu-dir /us)" = /usr ]
}

@test "zsh can read its completion" {
	command -v zsh || skip "zsh is not installed"
	"${top_builddir:?}/binfmtctl" --completion zsh >"$BATS_TEST_TMPDIR/_binfmtctl"
	zsh -n "$BATS_TEST_TMPDIR/_binfmtctl"
}

@test "fish completes architectures" {
	command -v fish || skip "fish is not installed"
	"${top_builddir:?}/binfmtctl" --completion fish >"$BATS_TEST_TMPDIR/b.fish"
	run fish -c "source $BATS_TEST_TMPDIR/b.fish; complete -C 'binfmtctl --install s3'"
	[[ $output == s390x* ]]
}

@test "another shell is refused" {
	run "${top_builddir:?}/binfmtctl" --completion tcsh
	[ "$status" -eq 2 ]
	[[ $output == *"no completion for the shell 'tcsh'"* ]]
}
