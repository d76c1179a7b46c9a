#!/bin/sh
# SPDX-License-Identifier: MIT
# codespell finds nothing in what people read.
. "${top_srcdir:-.}/tests/lint/lib.sh"
need codespell

for path in README.md setup src man magic packaging qemu tests; do
	check "$path" codespell --ignore-words-list=fo,inout,instal \
		--skip='*/test-*.c,*.hex,*/corpus/*,*/invalid/*' "$path"
done
done_testing
