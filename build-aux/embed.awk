# SPDX-License-Identifier: MIT
# Turns text files into a C table of { name, text } rows.
# usage: awk -v table=NAME -f embed.awk FILE.conf…
BEGIN {
	print "/* Generated from the .conf files of the source tree. */"
	print "#include \"binfmt/arch.h\"\n"
	printf "const struct conf_text %s[] = {\n", table
}
FNR == 1 {
	if (rows++)
		print "\t},"
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.conf$/, "", name)
	printf "\t{\n\t\t\"%s\",\n", name
}
{
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	gsub(/\t/, "\\t")
	printf "\t\t\"%s\\n\"\n", $0
}
END {
	print "\t},\n};\n"
	printf "const size_t %s_count = sizeof %s / sizeof %s[0];\n", table, table, table
}
