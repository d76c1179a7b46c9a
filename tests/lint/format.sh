#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C file is as clang-format would write it.
. "${top_srcdir:-.}/tests/lint/lib.sh"
need clang-format

for file in $(c_files); do
	check "$file" clang-format --dry-run -Werror --style=file "$file"
done
done_testing
