#!/bin/sh
# SPDX-License-Identifier: MIT
# cppcheck finds nothing in the sources.
. "${top_srcdir:-.}/tests/lint/lib.sh"
need cppcheck

for folder in src/*/; do
	check "$folder" cppcheck --quiet --error-exitcode=1 --std=c11 -Isrc \
		--enable=warning,portability --inline-suppr --suppress=unknownMacro \
		-D__x86_64__ -D'__attribute__(x)=' "$folder"
done
done_testing
