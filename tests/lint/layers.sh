#!/bin/sh
# SPDX-License-Identifier: MIT
# The include rule of src/README: its table is read from there, and every include held
# against it. Third-party headers stay in their home folder.
. "${top_srcdir:-.}/tests/lint/lib.sh"

# "folder: those it may include" from the table in src/README.
allowed() {
	sed -n '/^-- folders --$/,/^-- end --$/p' src/README |
		awk -v folder="$1" '$1 == folder { for (i = 2; i <= NF; i++) print $i }'
}

# Includes of our own headers that the table does not allow.
layering() {
	folder=$1
	bad=$(grep -nHoE '^#include "[^"]+"' "src/$folder"/*.[ch] |
		sed 's/:#include "/ /; s/"$//' |
		while read -r place header; do
			target=${header%/*}
			test "$target" = "$folder" && continue
			allowed "$folder" | grep -qx "$target" && continue
			echo "$place includes $header"
		done)
	test -z "$bad" || { echo "$bad"; return 1; }
}

# third_party HEADER-PATTERN FOLDERS: only files of these folders include it.
third_party() {
	pattern=$1
	shift
	bad=$(grep -rnE "^#include <($pattern)>" src | grep -vE "^src/($(echo "$*" | tr ' ' '|'))/")
	test -z "$bad" || { echo "$bad"; return 1; }
}

for folder in src/*/; do
	folder=$(basename "$folder")
	check "$folder is in the table" test -n "$(sed -n '/^-- folders --$/,/^-- end --$/p' src/README |
		awk -v folder="$folder" '$1 == folder')"
	check "$folder includes what it may" layering "$folder"
done
check "capabilities have a home" third_party 'cap-ng\.h|sys/capability\.h' priv
check "libmount has a home" third_party 'libmount.*' priv
check "libkmod has a home" third_party 'libkmod\.h' priv
check "jansson has a home" third_party 'jansson\.h' cli oci registry run
check "libcurl has a home" third_party 'curl/.*' registry
check "libarchive has a home" third_party 'archive.*\.h' layer
done_testing
