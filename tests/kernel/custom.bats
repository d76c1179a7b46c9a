#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces

load helpers

setup_file()
{
	mount_private_table
}

setup()
{
	empty_private_table
	cd "$BATS_TEST_TMPDIR" || return
	printf 'BEAM one\n' >sample
	printf '#!/bin/sh\necho "ran:$*"\n' >"$BATS_FILE_TMPDIR/runner"
	chmod 755 sample "$BATS_FILE_TMPDIR/runner"
	runner=$BATS_FILE_TMPDIR/runner
}

@test "an extension of one's own runs with python, and with every flag" {
	need python3
	printf 'import sys\nprint("ran", sys.argv[-1])\n' >x.mypy
	chmod 755 x.mypy
	expect 0 binfmtctl --add frankming-py --extension mypy \
		--interpreter /usr/bin/python3 --flags POCF
	has "$stderr" "adding: frankming-py OK"
	has "$stderr" "warning: /usr/bin/python3 is held by flag F, but its loader"
	[ "$(shown frankming-py flags:)" = POCF ]
	jq -e '.entries[] | select(.name == "frankming-py").extension == "mypy"' <<<"$output"
	# With P, python takes argv[0] for the script.
	expect 0 ./x.mypy hello
	[ "$output" = "ran hello" ]
}

@test "bytes can be hexadecimal, text, and text with bytes in it" {
	for magic in 4245414d 0x4245414d 'BE\x41M' 'BEAM'; do
		expect 0 binfmtctl --add bead --magic "$magic" --interpreter "$runner"
		[ "$(shown bead magic)" = 4245414d ]
		expect 0 ./sample a b
		[ "$output" = "ran:./sample a b" ]
		expect 0 binfmtctl --remove bead
	done
}

@test "mask and offset count" {
	expect 0 binfmtctl --add bead --magic 6f4e --mask ffdf --offset 5 \
		--interpreter "$runner"
	has "$(contents)" "bead:mask ffdf"
	has "$(contents)" "bead:offset 5"
	expect 0 ./sample
	printf 'BEAM two\n' >other
	chmod 755 other
	run -127 sh -c ./other
}

@test "a sample stands for its kind" {
	printf '\177DATA\1\2\3' >sample
	expect 0 binfmtctl --add kind --like sample --interpreter "$runner"
	[ "$(shown kind magic)" = 7f444154 ]
	expect 0 ./sample
}

@test "a sample of a foreign architecture gets the magic of the table" {
	need_busybox s390x
	expect 0 binfmtctl --add foreign --like "$busybox" --interpreter "$runner"
	expect 0 "$busybox" applet
	has "$output" "applet"
	[ "$(shown foreign mask)" = fffffffffffffffcfffffffffffffffffffeffff ]
}

@test "what the machine runs itself is not taken over" {
	cp "$runner" script
	for how in "--like /bin/true" "--magic 7f454c46" "--magic 00 --mask 00" "--like script" \
		"--magic #!" "--magic #!/bin/sh" "--magic bi --offset 3" "--magic 0200 --offset 16" \
		"--magic 0300 --offset 16"; do
		# shellcheck disable=SC2086 # words
		expect 1 binfmtctl --add mine $how --interpreter "$runner"
		[ -z "$(entries)" ]
	done
	has "$stderr" "adding: mine failed: it would take over the programs of this machine itself"
}

@test "an interpreter does not run itself" {
	expect 1 binfmtctl --add loop --magic 'echo "ran' --offset 10 --interpreter "$runner"
	has "$stderr" "would take its own interpreter $runner, without end"
	cp "$runner" run.loop
	expect 1 binfmtctl --add loop --extension loop --interpreter "$PWD/run.loop"
}

@test "an interpreter that cannot run is refused, with the reason" {
	expect 1 binfmtctl --add x --extension x --interpreter python3
	has "$stderr" "the interpreter's path 'python3' is not absolute"
	expect 1 binfmtctl --add x --extension x --interpreter /usr/bin/no-such-program
	has "$stderr" "cannot open /usr/bin/no-such-program: No such file"
	chmod 644 sample
	expect 1 binfmtctl --add x --extension x --interpreter "$PWD/sample"
	has "$stderr" "is not executable (chmod +x)"
	expect 1 binfmtctl --add x --extension x --interpreter "$PWD"
	has "$stderr" "is not a regular file"
	[ -z "$(entries)" ]
}

# --add that fails with a text: WORDS... TEXT
refused()
{
	local text=${*: -1}
	expect 1 binfmtctl --add "${@:1:$#-1}" --interpreter "$runner"
	has "$stderr" "$text"
	[ -z "$(entries)" ]
}

@test "every field is checked before the kernel sees it" {
	long=$(printf '%0600d' 0 | tr 0 x)
	refused a/b --extension x "'a/b' cannot name an entry"
	refused status --extension x "'status' cannot name an entry"
	refused "$long" --extension x "the name is longer than 255 bytes"
	refused $'a\nb' --extension x "the name has a control character (0x0a)"
	refused x --extension .jar "the extension '.jar' has a '.'"
	refused x --extension a/b "the extension has a '/'"
	refused x --magic 7f4 "'7f4' has an odd number of hexadecimal digits"
	refused x --magic cafe "'cafe' could be bytes or text (write 0xcafe for the bytes, \\x63afe for"
	refused x --magic 0xyz "'0xyz' is not hexadecimal"
	refused x --magic 'a\x4' "lacks two hexadecimal digits after \\x"
	refused x --magic 01020304 --mask ff "the mask has 1 bytes, the magic 4"
	refused x --magic 01020304 --offset 253 "offset 253 and magic of 4 bytes reach beyond the 256"
	refused x --magic "$long" "more than the 256 bytes that the kernel looks at"
	magic=$(printf '%0480d' 1)
	refused x --magic "$magic" --mask "${magic//0/e}" "bytes, the kernel takes 1920"
}

@test "the longest magic that fits is taken, and shown as it is" {
	magic=$(printf '%0512d' 1)
	expect 0 binfmtctl --add x --magic "$magic" --interpreter "$runner"
	[ "$(shown x magic)" = "$magic" ]
}

@test "a separator in a name or path is no harm" {
	cp "$runner" 'a:b|c'
	expect 0 binfmtctl --add 'x:,y z' --extension x --interpreter "$PWD/a:b|c"
	[ "$(entries)" = 'x:,y z' ]
	expect 0 binfmtctl --remove 'x:,y z'
	[ -z "$(entries)" ]
}

@test "a different entry of the name is replaced only on request" {
	expect 0 binfmtctl --add x --extension x --interpreter "$runner"
	expect 0 binfmtctl --add x --extension x --interpreter "$runner"
	has "$stderr" "adding: x OK (already installed)"
	expect 1 binfmtctl --add x --extension y --interpreter "$runner"
	has "$stderr" "installed: :x:E::x::$runner:"
	expect 0 binfmtctl --add x --extension y --interpreter "$runner" --replace
	has "$stderr" "adding: x OK (replaced)"
	[ "$(shown x extension)" = .y ]
}

@test "--dry-run prints the string and changes nothing" {
	expect 0 binfmtctl --add x --magic BEAM --interpreter "$runner" --dry-run
	[ "$output" = ":x:M::\\x42\\x45\\x41\\x4d::$runner:" ]
	[ -z "$(entries)" ]
}

@test "entries are disabled, enabled and removed by their names" {
	expect 0 binfmtctl --add a --magic BEAM --interpreter "$runner"
	expect 0 binfmtctl --add bcd --extension b --interpreter "$runner"
	expect 0 binfmtctl --disable a,bcd
	has "$stderr" "disabling: a OK"
	run -127 sh -c ./sample
	expect 0 binfmtctl --disable a
	has "$stderr" "disabling: a OK (already disabled)"
	expect 0 binfmtctl --enable a
	expect 0 ./sample
	expect 0 binfmtctl --remove a --dry-run
	[ "$output" = a ]
	expect 1 binfmtctl --remove bcx,a
	has "$stderr" "removing: bcx failed: no entry has this name (did you mean 'bcd'?)"
	has "$stderr" "removing: a OK"
	[ "$(entries)" = bcd ]
	jq -e '.entries[0].enabled == false' <<<"$output"
}

@test "a wrong command line changes nothing and ends with 2" {
	expect 2 binfmtctl --add x --interpreter "$runner"
	expect 2 binfmtctl --add x --extension x
	expect 2 binfmtctl --add x --extension x --magic 00 --interpreter "$runner"
	expect 2 binfmtctl --add x --extension x --mask ff --interpreter "$runner"
	expect 2 binfmtctl --add x --add y --extension x --interpreter "$runner"
	expect 2 binfmtctl --add x --magic BEAM --offset 256 --interpreter "$runner"
	expect 2 binfmtctl --add x --magic BEAM --flags Q --interpreter "$runner"
	expect 2 binfmtctl --install arm64 --interpreter "$runner"
	expect 2 binfmtctl --export xml
	expect 2 binfmtctl --export debian
	expect 2 binfmtctl --export register --qemu-dir /usr/bin
	[ -z "$(entries)" ]
}

@test "--persist keeps an entry for every boot, until it is taken out" {
	expect 0 binfmtctl --add mine --magic 'BEAM one' --mask ffffffff00000000 --persist \
		--interpreter "$runner" --flags P --config-dir "$PWD/etc"
	has "$stderr" "persisting: mine OK"
	before=$(contents)
	empty_private_table
	expect 0 binfmtctl --boot --config-dir "$PWD/etc"
	[ "$(contents)" = "$before" ]
	expect 0 binfmtctl --disable mine --persist --config-dir "$PWD/etc"
	empty_private_table
	expect 0 binfmtctl --boot --config-dir "$PWD/etc"
	[ "$(head -n 1 "$table/mine")" = disabled ]
	expect 0 binfmtctl --enable mine --persist --config-dir "$PWD/etc"
	empty_private_table
	expect 0 binfmtctl --boot --config-dir "$PWD/etc"
	[ "$(contents)" = "$before" ]
	empty_private_table
	expect 0 binfmtctl --remove mine --persist --config-dir "$PWD/etc"
	expect 0 binfmtctl --boot --config-dir "$PWD/etc"
	[ -z "$(entries)" ]
}

@test "a disabled handler of an architecture stays disabled at boot" {
	need_qemu s390x
	expect 0 binfmtctl --install s390x --persist --config-dir "$PWD/etc"
	expect 0 binfmtctl --disable qemu-s390x --persist --config-dir "$PWD/etc"
	empty_private_table
	expect 0 binfmtctl --boot --config-dir "$PWD/etc"
	[ "$(head -n 1 "$table/qemu-s390x")" = disabled ]
}

@test "the configuration cannot take over the machine either" {
	mkdir -p etc/handlers.d
	printf 'interpreter = /bin/cat\nmagic = 7f454c46\n' >etc/handlers.d/all.conf
	expect 1 binfmtctl --boot --config-dir "$PWD/etc"
	[ -z "$(entries)" ]
}
