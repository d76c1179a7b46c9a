#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the command line says of RUN, by the sandbox here and by OCI runtimes.

load run-helpers

@test "hosts, name servers, limits, shared memory" {
	surroundings() {
		file <<-'EOF'
			RUN cat /etc/hosts /etc/resolv.conf; ulimit -n; ulimit -Hn; ulimit -c; ulimit -s; df -k /dev/shm | tail -n 1
		EOF
		ran 0 "$@" --add-host one:10.0.0.1 --add-host "two:[fd00::2]" \
			--add-host three=10.0.0.3 --add-host "four=[fd00::4]" --add-host here:host-gateway --dns 10.9.8.7 --dns ::1 \
			--ulimit nofile=100:200 --ulimit core=0 --ulimit STACK=unlimited --shm-size 3m
		has "$output" $'] 10.0.0.1\tone'
		has "$output" $'] fd00::2\ttwo'
		has "$output" $'] 10.0.0.3\tthree'
		has "$output" $'] fd00::4\tfour'
		has "$output" $'] 127.0.0.1\there'
		has "$output" $'] nameserver 10.9.8.7\n'
		has "$output" $'] nameserver ::1\n'
		has "$output" $'3/3] 100\n[linux/amd64 3/3] 200\n[linux/amd64 3/3] 0\n[linux/amd64 3/3] unlimited\n'
		[[ $output =~ shm\ +3072 || $output =~ none\ +3072 || $output =~ tmpfs\ +3072 ]]
		# What a step can see makes another step of it.
		ran 0 "$@" --add-host one:10.0.0.1
		[[ $output != *"3/3] CACHED"* ]]
		ran 0 "$@" --add-host one:10.0.0.1
		has "$output" "3/3] CACHED"
	}
	each_user surroundings
	need crun
	rm -rf root user
	each_user surroundings --isolation=oci
}

@test "a working folder that a step removed is there again" {
	again() {
		file <<-'EOF'
			WORKDIR /gone/deep
			RUN rm -r /gone
			RUN pwd; stat -c '%a %u' /gone /gone/deep
			RUN rm -r /gone
		EOF
		if [ "$who" = root ]; then
			printf 'USER 7\nRUN pwd\n' >>Dockerfile
		else
			echo 'RUN pwd' >>Dockerfile
		fi
		ran 0 "$@"
		[ "$(grep -c '\] /gone/deep$' <<<"$output")" = 2 ]
		[ "$(grep -c '\] 755 0$' <<<"$output")" = 2 ]
	}
	each_user again
	for runtime in crun runc; do
		need $runtime
		rm -rf root user
		each_user again --isolation=oci:$runtime
	done
}

# What is mounted in /sys too: cgroups, tracefs.
@test "nothing of the machine's /sys can be written" {
	written() {
		file <<-'EOF'
			RUN awk '$5 ~ "^/sys" && $6 !~ /^ro/' /proc/self/mountinfo | sed 's/^/open: /'
		EOF
		ran 0 "$@"
		[[ $output != *"] open: "* ]]
	}
	for isolation in namespaces oci:crun oci:runc; do
		rm -rf root user
		each_user written --isolation=$isolation
	done
}

@test "options that are wrong, or refused" {
	who=root
	cd ctx
	file </dev/null
	wrong() # OPTION TEXT
	{
		ran 2 "$1"
		has "$output" "$2"
	}
	wrong --add-host=one "--add-host=one is neither NAME:ADDRESS nor NAME=ADDRESS"
	wrong --add-host=one:two "--add-host=one:two is neither NAME:ADDRESS nor NAME=ADDRESS"
	wrong --dns=one "--dns=one is no address"
	wrong --ulimit=nofiles=1 "there is no limit 'nofiles'"
	wrong --ulimit=nofile=x "is not NAME=SOFT[:HARD]"
	wrong --ulimit=nofile=2:1 "soft is more than hard"
	wrong --shm-size=1x "is not a size like 64m"
	wrong --sync=yes "--sync=yes is none of: off on"
	wrong --cap-add=NONE "there is no capability 'NONE'"
	wrong --allow=everything "--allow=everything is none of"
	wrong --allow=device "this version has no --allow=device"
	wrong --device=/dev/fuse "RUN sees no devices of the machine"
	wrong --memory=5m "--memory=5m is less than 6m"
	wrong --memory=much "--memory=much is not a size like 64m or 1g"
	wrong --cgroup-parent= "--cgroup-parent has no path"
	wrong --security-opt=label=disable "this version has no --security-opt=label=disable"
	file <<<'RUN true'
	if [ "$(id -u)" = 0 ]; then
		who=user
		chown -R 4321:4321 .
		export MAB_BUILD_ROOT=$PWD/store
		ran 1 --ulimit nice=40
		has "$output" "cannot set the limit NICE to 40:40"
	fi
}

caps='grep Cap /proc/self/status | tail -n 4 | sed "s/.*\t/caps /"'

@test "capabilities" {
	capabilities() {
		file <<<"RUN $caps"
		ran 0 "$@"
		has "$output" "] caps 00000000a80425fb"
		ran 0 "$@" --cap-add sys_admin,CAP_SYS_PTRACE --cap-drop chown
		has "$output" "] caps 00000000a82c25fa"
		ran 0 "$@" --cap-drop all --cap-add chown
		has "$output" "] caps 0000000000000001"
		ran 0 "$@" --cap-drop all
		has "$output" "] caps 0000000000000000"
	}
	each_user capabilities
	rm -rf root user
	if [ "$(id -u)" = 0 ]; then
		# Nobody can give what he has not.
		export MAB_BUILD_ROOT=$PWD/limited
		file <<<"RUN $caps"
		mv Dockerfile ctx
		limited() # STATUS OPTION...
		{
			run setpriv --bounding-set=-mknod "$BATS_FILE_TMPDIR/mab-build" build "${@:2}" ctx
			[ "$status" -eq "$1" ]
		}
		limited 0
		has "$output" "] caps 00000000a00425fb"
		limited 0 --cap-add all --isolation oci
		limited 0 --cap-add all --no-cache
		limited 1 --cap-add mknod
		has "$output" "--cap-add: this process has not CAP_MKNOD itself"
	fi
	need crun
	each_user capabilities --isolation=oci
}

@test "a step with every privilege, if that is allowed" {
	insecure() {
		file <<-EOF
			RUN --security=insecure $caps; probe unshare-user; probe mount; cat /proc/sys/kernel/ostype >/proc/sys/kernel/ostype 2>&1 || true; probe fsync
		EOF
		ran 1
		has "$output" "--security=insecure gives it every privilege, which you have to allow: --allow security.insecure"
		ran 0 --allow security.insecure
		has "$output" "] caps 000001ff"
		has "$output" "] mount done"
		has "$output" "] unshare-user done"
		has "$output" "] fsync done"
		[[ $output != *"Read-only"* ]]
	}
	each_user insecure
}

@test "a network that was taken away stays away" {
	who=root
	cd ctx
	file <<<'RUN --network=host ls /sys/class/net'
	ran 1 --network none
	has "$output" "--network=host goes beyond the --network=none"
	ran 0 --network none --allow network.host
	ran 0
}

@test "calls that wait for a disk do nothing, unless they are to" {
	who=root
	cd ctx
	file <<<'RUN probe fsync'
	ran 0
	has "$output" "] fsync done"
	ran 0 --sync=on --no-cache
	has "$output" "] fsync EINVAL"
}

@test "an OCI runtime gives a step the same, also for other machines" {
	need crun runc ssh-keygen
	arm64=$(busybox_of linux/arm64)
	lent() {
		ssh-keygen -qt ed25519 -N '' -f key
		[ "$who" = root ] || chown 4321 key
		file <<-'EOF'
			FROM base
			RUN --mount=type=secret,id=s,mode=0440 --mount=type=secret,id=s,env=S \
				--mount=type=ssh --mount=type=cache,target=/c --mount=type=tmpfs,target=/t,size=1m \
				--mount=type=bind,from=base,source=/bin,target=/b,rw \
				cat /run/secrets/s && stat -c '%a %u' /run/secrets/s && echo "=$S" && \
				probe agent-list && touch /c/file /b/file && df -k /t
		EOF
		mkdir other
		cp "$arm64" other/busybox
		printf '%s\n' 'FROM scratch' 'COPY busybox /bin/' \
			'RUN ["/bin/busybox", "uname", "-m"]' >other/Dockerfile
		export SECRET='a secret'
		for isolation in oci:crun oci:runc; do
			ran 0 --no-cache --isolation="$isolation" --ssh default=key --secret id=s,env=SECRET
			has "$output" "] a secret440 0"
			has "$output" "] =a secret"
			has "$output" "] agent-list 12, 1 keys"
			has "$output" " 1024 "
			run as "$BATS_FILE_TMPDIR/mab-build" build --no-cache \
				--isolation="$isolation" --platform linux/arm64 other
			has "$output" "] aarch64"
			nothing_left
		done
	}
	each_user lent
}

@test "variables of the image alone" {
	who=root
	cd ctx
	file <<<$'ENV A=1 B=2\nRUN env'
	export FROM_OUTSIDE=here NOT_SET
	ran 0 --env C=3 --env FROM_OUTSIDE --env NOT_SET --env A=4 --unsetenv B --unsetenv Z -o type=oci,dest=out
	has "$output" "] A=1"
	[[ $output != *"] C=3"* ]]
	manifest=$(jq -r '.manifests[0].digest' out/index.json)
	config=$(jq -r .config.digest "out/blobs/sha256/${manifest#sha256:}")
	run jq -r '.config.Env[1:] | join(" ")' "out/blobs/sha256/${config#sha256:}"
	[ "$output" = "A=4 C=3 FROM_OUTSIDE=here" ]
	ran 2 --env =x
	has "$output" "has no name"
}

@test "the profile of this machine holds, and makes no other step" {
	[ "$(id -u)" = 0 ] || skip "needs root, to put one there"
	# shellcheck disable=SC2034 # for the helpers
	who=root
	cd ctx
	file <<<'RUN ln -s x /link && echo linked'
	mkdir containers
	cat >containers/seccomp.json <<-'EOF2'
		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["symlink", "symlinkat"],
			"action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
	EOF2
	with_profile() # STATUS OPTION...
	{
		run unshare --mount sh -c 'mount --bind "$1" /etc/containers && shift && exec "$@"' \
			sh "$PWD/containers" "$BATS_FILE_TMPDIR/mab-build" build "${@:2}" .
		[ "$status" -eq "$1" ]
	}
	# Its base is made without.
	ran 0 --security-opt seccomp=builtin
	with_profile 1 --no-cache
	has "$output" "No space left on device"
	with_profile 0 --no-cache --security-opt seccomp=unconfined
	with_profile 0 --no-cache --security-opt seccomp=builtin
	with_profile 0
	has "$output" "3/3] CACHED"
	ran 1 --no-cache --security-opt "seccomp=$PWD/containers/seccomp.json"
	has "$output" "No space left on device"
	ran 1 --security-opt seccomp=/none
	has "$output" "/none: No such file"
}

# The record that is there for one profile gets what that for another has: where no call is
# denied then, the kept code was taken.
@test "code for system calls is kept; damage, and stores that others can write to, do not count" {
	kept()
	{
		file <<<'RUN ln -s x /link && echo linked'
		echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["symlink", "symlinkat"],
			"action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}' >profile.json
		strict=(--no-cache --security-opt "seccomp=$PWD/profile.json")
		ran 0 --security-opt seccomp=unconfined
		lax=$(echo store/records/filter/*)
		ran 1 "${strict[@]}"
		has "$output" "No space left on device"
		record=$(find store/records/filter -type f ! -path "$lax")
		[ "$(wc -w <<<"$record")" -eq 1 ]
		cp "$record" good
		swap()
		{
			as cp "$lax" "$record"
		}
		# refused: the code was compiled anew, and kept.
		refused()
		{
			ran 1 "${strict[@]}"
			has "$output" "No space left on device"
			cmp "$record" good
		}
		refused
		swap
		ran 0 "${strict[@]}"
		truncate -s -8 "$record"
		refused
		swap
		printf '\377' | dd of="$record" bs=1 seek=40 conv=notrunc status=none
		refused
		# Whole, but no code: a digest of itself, and a byte.
		python3 -c 'if True:
			import hashlib, sys
			sys.stdout.buffer.write(hashlib.sha256(b"x").digest() + b"x")' >"$record"
		refused
		swap
		chmod o+w .
		refused
		chmod o-w .
		if [ "$(id -u)" = 0 ]; then
			swap
			owner=$(stat -c %u .)
			chown 1234 .
			refused
			chown "$owner" .
		fi
		swap
		ran 0 "${strict[@]}"
		nothing_left
		as "$BATS_FILE_TMPDIR/mab-build" prune --all >/dev/null
		[ -z "$(find store/records/filter -type f)" ]
	}
	each_user kept
}
