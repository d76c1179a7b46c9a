#!/bin/sh
# SPDX-License-Identifier: MIT
# No script has anything that shellcheck warns of.
. "${top_srcdir:-.}/tests/lint/lib.sh"
need shellcheck

for file in $(shell_files) src/binfmtctl/binfmtctl.openrc.in; do
	check "$file" shellcheck -x --source-path=SCRIPTDIR -e SC1091 "$file"
done
done_testing
