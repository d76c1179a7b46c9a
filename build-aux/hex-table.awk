# SPDX-License-Identifier: MIT
# Turns qemu/probe/images.hex into the C table that binfmt/probe.h declares.
# usage: awk -f hex-table.awk images.hex
BEGIN {
	print "/* Generated from images.hex of the source tree. */"
	print "#include \"binfmt/probe.h\""
}

/^\[/ {
	if (archs)
		print "};"
	arch[++archs] = substr($0, 2, length($0) - 2)
	printf "\nstatic const unsigned char image_%s[] = {\n", arch[archs]
	next
}

/^([0-9a-f][0-9a-f])+$/ {
	gsub(/../, "0x&,")
	print "\t" $0
	next
}

!/^#|^$/ {
	printf "%s:%d: neither an architecture nor bytes\n", FILENAME, FNR > "/dev/stderr"
	exit failed = 1
}

END {
	if (failed)
		exit 1
	print "};\n\nconst struct binfmt_probe binfmt_probes[] = {"
	for (i = 1; i <= archs; i++)
		printf "\t{ \"%s\", image_%s, sizeof(image_%s) },\n", arch[i], arch[i], arch[i]
	print "};\n"
	printf "const size_t binfmt_probe_count = %d;\n", archs
}
