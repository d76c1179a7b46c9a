#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
#
# What systemd-binfmt(8) registers from the distribution's own files, and what binfmtctl
# does, differ nowhere but where they are meant to.

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	systemd_binfmt=/usr/lib/systemd/systemd-binfmt
	[ -x "$systemd_binfmt" ] || systemd_binfmt=/lib/systemd/systemd-binfmt
	files=(/usr/lib/binfmt.d/qemu-*.conf)
	[ -x "$systemd_binfmt" ] || cannot "there is no systemd-binfmt"
	[ -e "${files[0]}" ] || cannot "the distribution has no /usr/lib/binfmt.d/qemu-*.conf"
}

# An entry in lines of "FIELD VALUE": magic and mask cut as an ELF header is.
fields() # ENTRY
{
	local kind hex at field value
	for kind in magic mask; do
		hex=$(shown "$1" "$kind")
		at=0
		for field in elf:4 class:1 data:1 version:1 os-abi:1 abi-version:1 padding:7 \
			type:2 machine:2 between:16 e-flags:4 more:1000; do
			value=${hex:at:2*${field#*:}}
			echo "$kind.${field%:*} ${value:--}"
			at=$((at + 2 * ${field#*:}))
		done
	done
	echo "offset $(shown "$1" offset)"
	echo "flags $(shown "$1" flags:)"
	echo "program $(readlink -f "$(shown "$1" interpreter)")"
}

all_fields() # FOLDER
{
	local entry
	mkdir "$1"
	for entry in $(entries); do
		fields "$entry" >"$1/$entry"
	done
}

# Whether a difference is meant: entry, field, our value, theirs.
is_meant()
{
	case $* in
	"qemu-"*" mask.os-abi fc 00") ;; # not those of FreeBSD and others
	"qemu-"*" mask.os-abi fc ff") ;; # those that say GNU too
	"qemu-mips"*" mask.abi-version 00 fe") ;; # mips counts it up for new relocations
	"qemu-mips"*" mask.abi-version 00 ff") ;;
	"qemu-loongarch64 mask.abi-version 00 ff") ;;
	"qemu-ppc64le mask.machine ffff ff00") ;; # or others' 0x0115, 0x0215, … would match
	"qemu-mipsel magic.e-flags 00000000 00") ;; # all four bytes, of which one counts
	"qemu-mipsn32el magic.e-flags 20000000 20") ;;
	"qemu-mips"*"el mask.e-flags 20000000 20") ;;
	"qemu-microblaze magic.type 0002 0200") ;; # theirs never matches
	"qemu-microblaze mask.type fffe feff") ;;
	"qemu-"*" flags POCF "*) ;;
	*) return 1 ;;
	esac
}

@test "systemd-binfmt's entries are ours, but for what is meant" {
	"$systemd_binfmt" "${files[@]}"
	[ "$(entries | wc -l)" -eq "${#files[@]}" ]
	theirs=$BATS_TEST_TMPDIR/theirs
	all_fields "$theirs"
	empty_private_table
	binfmtctl --install all >/dev/null
	ours=$BATS_TEST_TMPDIR/ours
	all_fields "$ours"

	unexpected=0
	for file in "$theirs"/*; do
		entry=${file##*/}
		[ -e "$ours/$entry" ]
		while read -r field our _ their; do
			[ "$our" != "$their" ] || continue
			is_meant "$entry" "$field" "$our" "$their" && continue
			echo "$entry: $field is $our here, $their there"
			unexpected=1
		done < <(paste "$ours/$entry" "$file")
	done
	[ "$unexpected" -eq 0 ]
}
