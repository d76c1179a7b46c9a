#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mab-build build --check: which files it reads, what it says, how it ends.

setup() {
	mab=${top_builddir:-build}/mab-build
	cd "$BATS_TEST_TMPDIR" || return
	mkdir ctx
}

@test "a good Dockerfile" {
	printf 'FROM scratch\nCOPY a /\n' >ctx/Dockerfile
	run "$mab" build --check ctx
	[ "$status" -eq 0 ]
	[ "$output" = "mab-build: ctx/Dockerfile: 0 warnings" ]
}

@test "warnings are shown with their lines, and fail" {
	printf 'FROM scratch\nMAINTAINER x\n' >ctx/Dockerfile
	run "$mab" build --check ctx
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == "ctx/Dockerfile:2:1: MaintainerDeprecated: "* ]]
	[ "${lines[1]}" = "    2 | MAINTAINER x" ]
	[ "${lines[2]}" = "      | ^" ]
	[ "${lines[3]}" = "mab-build: ctx/Dockerfile: 1 warning" ]
}

@test "an error is shown with its line" {
	printf 'FROM scratch\nRUNN x\n' >ctx/Dockerfile
	run "$mab" build --check ctx
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == "mab-build: ctx/Dockerfile:2:1: unknown instruction "*"RUN"* ]]
	[ "${lines[2]}" = "      | ^" ]
}

@test "Containerfile comes before Dockerfile, -f before both" {
	echo 'FROM a AS One' >ctx/Containerfile
	echo 'FROM a AS Two' >ctx/Dockerfile
	echo 'FROM a AS Three' >other
	run "$mab" build --check ctx
	[[ $output == *Containerfile*One* ]]
	run "$mab" build --check -f other ctx
	[[ $output == other*Three* ]]
	run "$mab" build --check --file=- ctx <ctx/Dockerfile
	[[ $output == stdin*Two* ]]
	cd ctx
	run "$mab" build --check
	[[ $output == Containerfile:* ]]
}

@test "the ignore files, the nearest first" {
	printf 'FROM scratch\nCOPY a b /\n' >ctx/Dockerfile
	echo a >ctx/.dockerignore
	run "$mab" build --check ctx
	[[ $output == *"2:6: CopyIgnoredFile"*"1 warning"* ]]
	echo b >ctx/.containerignore
	run "$mab" build --check ctx
	[[ $output == *"2:8: CopyIgnoredFile"*"1 warning"* ]]
	: >ctx/Dockerfile.dockerignore
	run "$mab" build --check ctx
	[ "$status" -eq 0 ]
}

@test "an ignore file with exceptions is not second-guessed" {
	printf 'FROM scratch\nCOPY d /\n' >ctx/Dockerfile
	printf 'd\n!d/a\n' >ctx/.dockerignore
	run "$mab" build --check ctx
	[ "$status" -eq 0 ]
}

@test "a wrong ignore file is named" {
	echo 'FROM scratch' >ctx/Dockerfile
	printf 'a\n[b\n' >ctx/.dockerignore
	run "$mab" build --check ctx
	[ "$status" -eq 1 ]
	[[ $output == "mab-build: ctx/.dockerignore:2:1: "* ]]
}

@test "build arguments" {
	printf 'ARG V\nFROM scratch\nARG V\nEXPOSE %sV\n' '$' >ctx/Dockerfile
	run "$mab" build --check --build-arg V=80 ctx
	[ "$status" -eq 0 ]
	run "$mab" build --check --build-arg V=x ctx
	[[ $output == *":4:8: "*"not a port"* ]]
	V=http run "$mab" build --check --build-arg V ctx
	[[ $output == *"http"* ]]
	run "$mab" build --check --build-arg =x ctx
	[ "$status" -eq 2 ]
}

@test "what is not there" {
	run "$mab" build --check ctx
	[ "$status" -eq 1 ]
	[[ $output == *"no Containerfile and no Dockerfile in ctx"* ]]
	run "$mab" build --check gone
	[[ $output == *"cannot use the build context gone: No such file"* ]]
	run "$mab" build --check -f gone ctx
	[[ $output == *"gone"*"No such file"* ]]
	: >file
	run "$mab" build --check file
	[[ $output == *"file is empty: neither an archive nor a Dockerfile"* ]]
}

@test "wrong usage" {
	run "$mab"
	[ "$status" -eq 2 ]
	run "$mab" biuld
	[ "$status" -eq 2 ]
	[[ $output == *"did you mean 'build'?"* ]]
	run "$mab" build --chekc
	[ "$status" -eq 2 ]
	[[ $output == *"did you mean '--check'?"* ]]
	run "$mab" build --check a b
	[ "$status" -eq 2 ]
}

@test "help and version" {
	run "$mab" --help
	[ "$status" -eq 0 ]
	[[ $output == *"build an image"* ]]
	run "$mab" bud --help
	[ "$status" -eq 0 ]
	[[ $output == *--build-arg* ]]
	run "$mab" --version
	[[ $output == "mab-build "[0-9]* ]]
}

@test "output that does not arrive is a failure" {
	printf 'FROM scratch\nMAINTAINER x\n' >ctx/Dockerfile
	run bash -c "'$mab' build --help >/dev/full"
	[ "$status" -eq 1 ]
}
