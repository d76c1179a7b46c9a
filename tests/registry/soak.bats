#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# 200 pushes to a registry of which a fifth of all requests fails.

load helpers

setup()
{
	registry_setup
}

teardown()
{
	registry_teardown
}

mab_copy()
{
	timeout 60 "$top_builddir/mab-build" copy --creds=user:secret --retry-delay=2 "$@" >/dev/null
}

# Every tenth has all platforms.
options() # N
{
	(($1 % 10)) && echo --platform=arm64 || echo --all
}

# read_back N: what is there then, "whole", "none" or else.
read_back()
{
	for _ in 1 2 3; do
		if mab_copy "$(options "$1")" --retry=20 "$registry/app$1:1" "oci:back$1" 2>"$1.back"; then
			mab_copy "$(options "$1")" "oci:src$(($1 % 4)):app" "oci:wanted$1"
			diff -r "wanted$1/blobs" "back$1/blobs" && echo whole
			rm -r "back$1" "wanted$1"
			return
		fi
		tail -n 1 "$1.back" | grep -q "answered 404: manifest unknown" && echo none && return
	done
	tail -n 1 "$1.back"
}

# one N: a push into a repository of its own, how it ended and what came of it.
one()
{
	local status=0
	mab_copy "$(options "$1")" --retry=6 "oci:src$(($1 % 4)):app" "$registry/app$1:1" \
		2>"$1.errors" || status=$?
	echo "$1: $status $(read_back "$1") $(tail -n 1 "$1.errors" | grep "$registry")" >"$1.result"
}

@test "every push ends right, or says why not and publishes nothing" {
	seed=${MAB_TEST_SEED:-$RANDOM}
	echo "MAB_TEST_SEED=$seed"
	for i in 0 1 2 3; do
		"$here/make-image" "src$i" $((i ? i * 1000 : 300000))
	done
	fake_registry random=20 --token=100 --seed="$seed"
	export registry top_builddir
	export -f mab_copy options read_back one
	seq 200 | xargs -P 2 -I N bash -c 'one N'
	cat ./*.result >results
	[ "$(wc -l <results)" -eq 200 ]
	# Right; or told and not there; or only the answer to the last request was lost.
	if grep -vE '^[0-9]+: (0 whole|1 (none|whole) .*mab-build: .)' results; then
		return 1
	fi
	# With so many repetitions hardly one should fail.
	[ "$(grep -c ': 0 whole' results)" -ge 190 ]
}

@test "the same to a real registry, where connections break" {
	seed=${MAB_TEST_SEED:-$RANDOM}
	echo "MAB_TEST_SEED=$seed"
	"$here/make-image" src 2000000
	docker_registry
	real=$registry
	python3 "$here/breaking-relay" "$real" 3000000 "$seed" >relay.port 2>relay.err 3>&- &
	pids+=($!)
	wait_for test -s relay.port
	registry=127.0.0.1:$(cat relay.port)
	for n in {1..10}; do
		status=0
		mab_copy --all --retry=12 oci:src:app "$registry/app$n:1" 2>errors || status=$?
		case $status in
		0)
			mab_copy --all --retry=30 "$registry/app$n:1" "oci:back$n"
			same_blobs src "back$n"
			rm -r "back$n"
			;;
		1)
			has "$(tail -n 1 errors)" "$registry"
			expect 1 mab inspect "$real/app$n:1"
			;;
		*) return 1 ;;
		esac
		echo "$status" >>results
	done
	[ "$(grep -c 0 results)" -ge 8 ]
}
