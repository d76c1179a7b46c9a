#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The threads that make a layer: no data races, whatever ThreadSanitizer thinks of libraries
# that it does not see into, and the same bytes from any number of them.

setup() {
	tool="${top_builddir:?}/tests/layer/layer-tool"
	command -v valgrind >"$BATS_TEST_TMPDIR/valgrind" || skip "no valgrind"
	cd "$BATS_TEST_TMPDIR" || return
	mkdir src
	# Seven blocks: more than the ring has with two compressors, so all come round again.
	seq 1 400000 >src/text
	head -c 1000000 /dev/urandom >src/noise
	# ISA-L finds out at the first call which of its functions the CPU can run. Threads
	# that do so at once all write the same pointer, which is one aligned word.
	cat >isal.supp <<-END
		{
		   function pointers of ISA-L
		   Helgrind:Race
		   obj:*/libisal.so*
		}
	END
}

watched() # OPTION...
{
	valgrind --quiet --tool=helgrind --error-exitcode=9 --suppressions=isal.supp \
		"$tool" --threads 2 "$@"
}

@test "no race while a layer is made, in any form" {
	for form in gzip zstd plain; do
		watched --form $form pack src >layer 2>log
	done
}

@test "no race when the layer cannot be written" {
	status=0
	watched --form gzip pack src >/dev/full 2>log || status=$?
	cat log
	[ "$status" -eq 1 ] # helgrind's would be 9
}

@test "the bytes do not depend on the number of threads" {
	for form in gzip zstd; do
		for threads in 1 2 5; do
			"$tool" --form $form --threads $threads pack src >$form-$threads 2>log
		done
		cmp $form-1 $form-2
		cmp $form-1 $form-5
	done
}
