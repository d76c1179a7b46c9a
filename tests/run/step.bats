#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Steps, for each way of being root. What is left on the machine afterwards is compared
# around all of them.

load helpers

setup_file()
{
	mounts_before=$(cat /proc/self/mountinfo)
	export mounts_before
	prepare_steps
}

teardown_file()
{
	same "$(cat /proc/self/mountinfo)" "$mounts_before"
}

@test "exit status" {
	every_status()
	{
		new_root
		for status in 0 1 2 77 125 126 128 254 255; do
			run_step "$status" -- sh -c "exit $status"
		done
	}
	in_every_mode every_status
	mode=single
	new_root
	for wanted in $(seq 0 255); do
		status=0
		step --root "$lower" -- sh -c "exit $wanted" || status=$?
		same "$status" "$wanted"
	done
}

@test "signals that kill a command do so, though pid namespaces protect their first process" {
	signals()
	{
		new_root
		run_step 143 -- sh -c 'kill -TERM $$'
		run_step 137 -- sh -c 'kill -KILL $$'
		run_step 130 -- sh -c 'kill -INT $$'
		run_step 134 -- probe abort
		run_step 0 -- probe signals
		same "$output" "signals 0"
	}
	in_every_mode signals
	trap '' USR1 PIPE
	mode=single
	new_root
	run_step 0 -- probe signals
	same "$output" "signals 0"
}

@test "arguments, environment, HOME, working folder, mask, descriptors" {
	facts()
	{
		new_root
		run_step 0 --env 'A=b c' --env EMPTY= -- sh -c 'printf "<%s>" "$@"; env | sort' \
			sh -x '' 'a b'
		has "$output" "<-x><><a b>"
		has "$output" "A=b c"
		has "$output" "EMPTY="
		has "$output" "HOME=/"
		[[ $output != *BATS* ]]
		mkdir -p "$lower/etc" "$lower/srv/app"
		echo 'root:x:0:0::/home/of/root:/bin/sh' >"$lower/etc/passwd"
		run_step 0 --cwd /srv/app -- sh -c 'pwd; echo $HOME; umask; ls /proc/self/fd | xargs'
		same "$output" $'/srv/app\n/home/of/root\n0022\n0 1 2 3' # 3 is ls's own
		run_step 0 --env HOME=/mine -- sh -c 'echo $HOME'
		same "$output" /mine
		run_step 0 --cwd /missing/too -- pwd
		same "$output" /missing/too
		run_step 125 --cwd /etc/passwd -- true
		has "$stderr" "cannot enter the working folder /etc/passwd: Not a directory"
	}
	exec 7</dev/null 250</dev/null # a caller's own
	in_every_mode facts
}

@test "what cannot be run is told apart" {
	failures()
	{
		new_root
		run_step 125 -- no-such-program
		has "$stderr" "cannot run no-such-program: No such file or directory"
		run_step 125 -- /bin
		has "$stderr" "cannot run /bin: Permission denied"
		printf '#!/no/interpreter\n' >"$lower/bin/script"
		printf 'nonsense' >"$lower/bin/nonsense"
		chmod 755 "$lower/bin/script" "$lower/bin/nonsense"
		run_step 125 -- /bin/script
		has "$stderr" "is not in the image"
		run_step 125 -- nonsense
		has "$stderr" "no handler for, or no program at all"
		same "$(names "$upper")" ""
	}
	in_every_mode failures
}

@test "users and groups of the image's own files" {
	users()
	{
		new_root
		mkdir -p "$lower/etc"
		printf '%s\n' root:x:0:0::/root:/bin/sh app:x:33:44::/home/app:/bin/sh \
			>"$lower/etc/passwd"
		printf '%s\n' app:x:44: more:x:55:app,root >"$lower/etc/group"
		if [ "$mode" = single ]; then
			run_step 0 -- id -u
			run_step 125 --user app -- id
			has "$stderr" "has not all users and groups (subordinate ids"
			return
		fi
		run_step 0 --user app -- sh -c 'id; grep -e Groups -e CapEff /proc/self/status'
		has "$output" "uid=33(app) gid=44(app) groups=44(app),55(more)"
		has "$output" $'CapEff:\t0000000000000000'
		run_step 0 --user 1000:55 -- id
		has "$output" "uid=1000 gid=55(more)"
		run_step 0 -- id
		has "$output" "groups=0,55(more)"
		run_step 125 --user nobody-here -- id
		has "$stderr" "there is no user 'nobody-here' in /etc/passwd"
		run_step 0 --user app -- sh -c 'echo out >/dev/stdout; echo err >/dev/stderr'
		same "$output/$stderr" out/err
	}
	in_every_mode users
}

@test "set-user-ID programs work, for ids that there are" {
	setuid()
	{
		new_root
		run_step 0 -- sh -c '
			cp /bin/probe /bin/mine; chown 0:0 /bin/mine; chmod 4755 /bin/mine; mine ids'
		same "$output" "ids 0 0"
		[ "$mode" != single ] || return 0
		run_step 0 --user 1000 -- mine ids
		same "$output" "ids 1000 0"
		run_step 0 -- sh -c 'chown 5:6 /bin/mine; chmod 6755 /bin/mine; mine ids'
		same "$output" "ids 0 5"
	}
	in_every_mode setuid
}

@test "network: the caller's, or a loopback interface" {
	network()
	{
		new_root
		run_step 0 -- readlink /proc/self/ns/net
		same "$output" "$(readlink /proc/self/ns/net)"
		run_step 0 --no-network -- sh -c '
			ifconfig -a | grep -c ^[a-z]; ifconfig lo | grep -c UP; cat /etc/resolv.conf
			ls /sys/class/net'
		same "$output" $'1\n1\nlo'
	}
	in_every_mode network
}

@test "output comes line by line, while the step runs" {
	streaming()
	{
		new_root
		mkdir "$work/../shared"
		[ "$EUID" -ne 0 ] || chmod 777 "$work/../shared"
		step --lower "$lower" --upper "$upper" --work "$work" --prefix \
			--bind "$PWD/shared:/shared" -- sh -c '
			echo first; echo second >&2; printf third
			until [ -e /shared/go ]; do sleep 0.02; done; echo; printf last' \
			>"$BATS_TEST_TMPDIR/out" &
		pid=$!
		for _ in $(seq 250); do
			[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -lt 2 ] || break
			sleep 0.02
		done
		same "$(sort "$BATS_TEST_TMPDIR/out")" $'1:first\n2:second'
		touch shared/go
		wait "$pid"
		same "$(sort "$BATS_TEST_TMPDIR/out")" $'1:first\n1:last\n1:third\n2:second'
	}
	in_every_mode streaming
}

@test "long lines come in parts, and none of many bytes is lost" {
	mode=single
	new_root
	run_step 0 -- sh -c 'head -c 40000 /dev/zero | tr "\0" x; echo; seq 1 30000'
	same "$(head -n 1 <<<"$output" | wc -c)" 40001
	same "$(tail -n +2 <<<"$output" | md5sum)" "$(seq 1 30000 | md5sum)"
}

@test "background processes end with the command" {
	background()
	{
		new_root
		mark=1000.$RANDOM$RANDOM
		run_step 3 -- sh -c "sleep $mark & (sleep $mark &); trap '' TERM; exit 3"
		run ! pgrep -f "sleep $mark"
	}
	in_every_mode background
}

@test "/dev is small, and works" {
	dev()
	{
		new_root
		run_step 0 -- sh -c '
			ls /dev | xargs; echo x >/dev/null; head -c 3 /dev/zero | wc -c
			head -c 3 /dev/urandom | wc -c; echo x >/dev/full
			echo x >/dev/shm/file; stat -c %a /dev/shm /dev/null; probe pty terminal'
		same "$output" "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero
3
3
1777
666
pty /dev/pts/0
tty ENXIO
type refused"
		has "$stderr" "No space left"
		run_step 0 --shm-size 1048576 -- sh -c 'df -k /dev/shm | tail -n 1'
		has "$(xargs <<<"$output")" "none 1024"
		# What a step does to its devices is nothing to the machine's.
		run_step 0 -- sh -c 'chmod 600 /dev/null; chown 5 /dev/null; rm -f /dev/null; true'
		same "$(stat -c %a:%u /dev/null)" 666:0
		same "$(names "$upper")" ""
	}
	in_every_mode dev
}

@test "/proc and /sys: masked, read-only, and of the step's processes" {
	kernel_files()
	{
		new_root
		run_step 0 -- sh -c '
			set -- /proc/[0-9]*; echo $#
			for file in kcore keys timer_list sched_debug; do
				[ ! -e /proc/$file ] || head -c 1 /proc/$file | wc -c
			done | sort -u
			ls -A /proc/scsi /proc/acpi /sys/firmware 2>/dev/null | grep -vc -e : -e ^$
			for file in sys/kernel/hostname sys/vm/swappiness; do
				(echo x >/proc/$file) 2>&1
			done | grep -vc "Read-only file system"
			mkdir /sys/x 2>&1; cat /proc/sys/kernel/hostname'
		same "$(grep -v ^ls: <<<"$output")" "2
0
0
0
mkdir: can't create directory '/sys/x': Read-only file system
build"
	}
	in_every_mode kernel_files
}

@test "a caller whose /proc is partly hidden is told what to do" {
	is_machine_root || cannot "this needs root"
	mode=single
	new_root
	export -f as_tester step
	expect 125 unshare --mount bash -c '
		mount -t tmpfs none /proc/bus && mode=single && step --root "$0" -- true' "$lower"
	has "$stderr" "parts of it are hidden here, as in a container"
}

@test "capabilities are Docker's, and all with --insecure" {
	capabilities()
	{
		new_root
		run_step 0 -- grep -e Cap -e NoNewPrivs /proc/self/status
		same "$output" $'CapInh:\t0000000000000000
CapPrm:\t00000000a80425fb
CapEff:\t00000000a80425fb
CapBnd:\t00000000a80425fb
CapAmb:\t0000000000000000
NoNewPrivs:\t0'
		run_step 0 --insecure -- sh -c '
			grep CapEff /proc/self/status; umount /etc/hosts && echo unmounted'
		has "$output" unmounted
		[[ $output != *a80425fb* ]]
	}
	in_every_mode capabilities
}

@test "the first process shows nothing of the caller" {
	first_process()
	{
		new_root
		for options in '' --insecure; do
			# shellcheck disable=SC2086 # none, or one
			run_step 0 $options --env SECRET=1 -- sh -c '
				cat /proc/1/cmdline | tr -d "\0" | wc -c
				cat /proc/1/environ; ls /proc/1/root/; readlink /proc/1/exe
				head -c 1 /proc/1/mem; readlink /proc/1/fd/*; true'
			if [ "$mode$options" = root--insecure ]; then
				continue # it may do everything on the machine
			fi
			same "$output" 0
		done
	}
	in_every_mode first_process
}

@test "the program that makes steps is not to be written to" {
	mode=single
	new_root
	start_endless
	exe=/proc/$(pgrep -f "^$BATS_FILE_TMPDIR/step .*sleep $mark" | head -n 1)/exe
	has "$(readlink "$exe")" /memfd:sealed
	exec 7<"$exe"
	pkill -KILL -f "/step .*sleep $mark"
	until_gone
	wait "$pid" || true
	# While it ran, the kernel had said: Text file busy.
	run ! dd if=/dev/zero of=/proc/self/fd/7 count=1 conv=notrunc
	has "$output" "Operation not permitted"
}

@test "system calls that the filter denies" {
	filter()
	{
		new_root
		run_step 0 -- probe keyctl unshare-user clone-user clone3 bpf mount \
			io_uring_setup
		same "$(sort -k 2 <<<"$output" | awk '{ print $2 }' | uniq -c | xargs)" \
			"1 ENOSYS 6 EPERM"
		run_step 0 --no-filter -- sh -c 'probe keyctl clone-user clone3; probe unshare-user'
		has "$output" "unshare-user done"
		has "$output" "clone-user done"
		has "$output" "clone3 EINVAL"
		[[ $output != *"keyctl EPERM"* ]]
	}
	in_every_mode filter
}

@test "calls that wait for a disk do nothing, unless that is wanted" {
	sync_calls()
	{
		new_root
		run_step 0 -- probe fsync fdatasync syncfs sync_file_range
		same "$output" $'fsync done\nfdatasync done\nsyncfs done\nsync_file_range done'
		run_step 0 --no-filter -- probe fsync fdatasync syncfs sync_file_range
		same "$output" $'fsync done\nfdatasync done\nsyncfs done\nsync_file_range done'
		for options in '' --no-filter; do
			# shellcheck disable=SC2086 # none, or one
			run_step 0 --sync $options -- probe fsync fdatasync syncfs sync_file_range
			same "$output" \
				$'fsync EINVAL\nfdatasync EINVAL\nsyncfs EBADF\nsync_file_range ESPIPE'
		done
	}
	in_every_mode sync_calls
}

@test "the filter holds for i386 programs, too" {
	[ "$(uname -m)" = x86_64 ] || skip "it is about amd64"
	need_busybox i386
	mode=single
	new_root
	cp "$busybox" "$lower/bin/busybox32"
	chmod 755 "$lower/bin/busybox32"
	run_step 0 -- busybox32 dd if=/dev/null of=/dev/null conv=fsync
	run_step 1 --sync -- busybox32 dd if=/dev/null of=/dev/null conv=fsync
	has "$stderr" "Invalid argument"
	run_step 1 -- busybox32 unshare --user true
	run_step 0 --no-filter -- busybox32 unshare --user true
}

@test "/etc/hosts and its kin, of which nothing is left" {
	etc_files()
	{
		new_root
		run_step 0 --hostname box --host db:10.0.0.7 --resolv-conf 'nameserver 1.2.3.4' -- \
			sh -c 'hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf; echo x >>/etc/hosts'
		same "$output" $'box\nbox
127.0.0.1\tlocalhost box
::1\tlocalhost ip6-localhost ip6-loopback
10.0.0.7\tdb
nameserver 1.2.3.4'
		same "$(names "$upper")" ""
		run_step 0 -- cat /etc/resolv.conf
		same "$output" "$(cat /etc/resolv.conf)"
		# Those of the image stay as they are.
		mkdir "$lower/etc"
		echo theirs >"$lower/etc/hosts"
		run_step 0 -- sh -c 'grep -c theirs /etc/hosts; echo mine >>/etc/hosts; touch /etc/new'
		same "$output" 0
		same "$(names "$upper")" "./etc ./etc/new"
		same "$(cat "$lower/etc/hosts")" theirs
	}
	in_every_mode etc_files
}

@test "mount points that are missing do not get into the layer" {
	mount_points()
	{
		new_root
		mkdir -p "$lower/etc" "$lower/opt/kept" "$lower/run"
		ln -s ../run/resolve/stub.conf "$lower/etc/resolv.conf"
		chmod 751 "$lower/etc"
		touch -d @1000000 "$lower/etc" "$lower/opt"
		run_step 0 --file /run/secrets/key:600:0:0:text --tmpfs /opt/kept/a/b:4096 -- \
			sh -c 'cat /run/secrets/key; stat -c %a /etc; touch /opt/kept/a/b/x'
		same "$output" text751
		same "$(names "$upper")" ""
		# What the step does itself is in it, and that alone.
		run_step 0 --file /run/secrets/key:600:0:0:text -- sh -c '
			chmod 700 /etc; touch /run/secrets/mine'
		same "$(names "$upper")" "./etc ./run ./run/secrets ./run/secrets/mine"
		same "$(stat -c '%a %Y' "$upper/etc")" "700 1000000"
	}
	in_every_mode mount_points
}

@test "a mount point that a layer has removed" {
	is_machine_root || cannot "this needs root"
	mode=root
	new_root
	mkdir -p "$lower/etc" layer/etc
	touch "$lower/etc/hosts" "$lower/etc/other"
	mknod layer/etc/hosts c 0 0
	expect 0 step --lower layer --lower "$lower" --upper "$upper" --work "$work" -- ls /etc
	same "$(xargs <<<"$output")" "hostname hosts other resolv.conf"
	same "$(names "$upper")" ""
}

@test "a plain folder as root is as it was" {
	folder()
	{
		new_root
		mkdir "$lower/etc"
		touch -d @1000000 "$lower/etc" "$lower"
		before=$(names "$lower")
		run_in_folder 0 --tmpfs /new/mount:4096 -- sh -c 'ls /etc | xargs; touch /new/mount/x'
		same "$output" "hostname hosts resolv.conf"
		same "$(names "$lower")" "$before"
		same "$(stat -c %Y "$lower/etc" "$lower" | xargs)" "1000000 1000000"
		run_in_folder 0 -- touch /mine
		[ -e "$lower/mine" ]
	}
	in_every_mode folder
}

@test "mounts: bind, read-only, nested, tmpfs, secret" {
	mounts()
	{
		new_root
		mkdir -p source/below
		echo data >source/file
		chmod -R go+rwX source
		[ "$EUID" -ne 0 ] || chown -R "$(stat -c %u:%g "$lower")" source
		run_step 0 --cwd /bin --bind "$PWD/source:/rw" --bind "$PWD/source:/ro:ro" \
			--bind "$PWD/source/file:/one:ro" --tmpfs below:65536:1777 \
			--tmpfs /rw/below:4096 --bind "$PWD/source:/rw/below/deep" -- sh -c '
			cat /one /ro/file /rw/below/deep/file; echo new >/rw/new
			echo x >/ro/x; echo x >/one; dd if=/dev/zero of=/bin/below/x bs=100000 count=1
			stat -c %a /bin/below; touch /rw/below/y; ls -A /ro | xargs'
		same "$output" $'data\ndata\ndata\n1777\nbelow file new'
		has "$stderr" "/ro/x: Read-only file system"
		has "$stderr" "/one: Read-only file system"
		has "$stderr" "No space left"
		same "$(cat source/new)" new
		same "$(ls -A source/below)" ""
		same "$(names "$upper")" ""
		run_step 0 --file /s:400:0:0:secret -- sh -c 'stat -c "%a %u %g" /s; cat /s'
		same "$output" $'400 0 0\nsecret'
		if [ "$mode" = single ]; then
			run_step 125 --file /s:400:7:8:secret -- true
			has "$stderr" "cannot mount /s: cannot make the file: Invalid argument"
		else
			run_step 0 --file /s:440:7:8:secret -- stat -c '%a %u %g' /s
			same "$output" "440 7 8"
		fi
		run_step 125 --bind "$PWD/source/file:/bin" -- true
		has "$stderr" "cannot mount /bin"
	}
	in_every_mode mounts
}

may_raise_limits()
{
	(ulimit -Hn 524288) 2>/dev/null
}

@test "limits" {
	limits()
	{
		new_root
		run_step 0 -- sh -c 'ulimit -Sn; ulimit -Hn'
		same "$(head -n 1 <<<"$output")" 1024
		hard=$(ulimit -Hn)
		if [ "$hard" -ge 524288 ] || { [ "$mode" = root ] && may_raise_limits; }; then
			hard=524288
		fi
		same "$(tail -n 1 <<<"$output")" "$hard"
		run_step 0 --limit 7:100:200 --limit 4:0:0 -- sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
		same "$output" $'100\n200\n0'
	}
	in_every_mode limits
}

@test "many layers" {
	layers()
	{
		new_root
		options=()
		for i in $(seq 200); do
			mkdir -p "layers/$i/l"
			echo "$i" >"layers/$i/l/$i"
			options+=(--lower "$PWD/layers/$i")
		done
		expect 0 step "${options[@]}" --lower "$lower" --upper "$upper" --work "$work" -- \
			sh -c 'cat /l/* | wc -l'
		same "$output" 200
	}
	in_every_mode layers
}

@test "the layer has what the step wrote, with its owners" {
	layer()
	{
		new_root
		mkdir -p "$lower/dir/sub"
		touch "$lower/gone" "$lower/dir/sub/old"
		run_step 0 -- sh -c 'rm /gone; echo x >/new; mv /dir/sub/old /dir/new; rm -r /dir/sub
			mkdir /dir/sub; ln /new /hard; mkfifo /fifo'
		same "$(names "$upper")" "./dir ./dir/new ./dir/sub ./fifo ./gone ./hard ./new"
		same "$(stat -c %F:%h "$upper/new")" "regular file:2"
		[ "$mode" != single ] || return 0
		run_step 0 -- sh -c 'touch /file; chown 7:8 /file'
		wanted=7:8
		[ "$mode" != subids ] || wanted=200006:200007
		same "$(stat -c %u:%g "$upper/file")" "$wanted"
	}
	in_every_mode layer
}

@test "cancelled: all is killed at once" {
	cancel()
	{
		new_root
		mkfifo pipe
		[ "$EUID" -ne 0 ] || chmod 666 pipe
		exec 8<>pipe
		start_endless --cancel 8
		echo >&8
		status=0
		wait "$pid" || status=$?
		same "$status" 124
		run ! pgrep -f "^sleep $mark"
		exec 8>&-
	}
	in_every_mode cancel
}

@test "killed: the step ends with its caller" {
	killed()
	{
		new_root
		start_endless
		pkill -KILL -f "/step .*sleep $mark"
		until_gone
		wait "$pid" || true
	}
	in_every_mode killed
}
