#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What RUN is lent: secrets, SSH agents, caches.

load run-helpers

@test "secrets: a file of the step's own memory, a variable, and no trace" {
	secrets() {
		printf 'from a file' >secret
		chmod 600 secret
		[ "$who" = root ] || chown 4321 secret
		file <<-'EOF'
			RUN --mount=type=secret,id=one --mount=type=secret,id=two,target=key,mode=0440,uid=0 --mount=type=secret,id=three,env=THREE \
				cat /run/secrets/one; echo; cat /key; echo; echo "$THREE"; stat -c '%a %u %g' /run/secrets/one /key; \
				grep ' /run/secrets/one ' /proc/mounts; ls /run/secrets; cp /run/secrets/one /copied; rm /copied
			RUN ls /run /key 2>&1; env
		EOF
		export TWO_OF_ENV='value two' three='value three'
		ran 0 --secret id=one,src=secret --secret id=two,env=TWO_OF_ENV --secret id=three -o type=oci-archive,dest=out.tar
		has "$output" "] from a file"
		has "$output" "] value two"
		has "$output" "] value three"
		has "$output" "] 400 0 0"
		has "$output" "] 440 0 0"
		has "$output" " /run/secrets/one tmpfs rw,nosuid,nodev,noexec"
		has "$output" "ls: /key: No such file"
		[[ $output != *"] THREE="* && $output != *"] three" ]]
		nothing_left
		# Neither the store nor the image has it.
		mkdir out && tar -xf out.tar -C out
		for blob in store/blobs/sha256/* out/blobs/sha256/*; do
			! { zcat -f "$blob" | grep -qF -e 'from a file' -e 'value two' -e 'value three'; }
		done
		run grep -rlF -e 'from a file' -e 'value two' -e 'value three' store
		[ -z "$output" ]
		# A pipe, which is who made it's, is read to its end.
		[ "$who" = user ] || ran 0 --no-cache --secret id=one,src=<(printf 'by a pipe') --secret id=two,env=TWO_OF_ENV --secret id=three
		[ "$who" = user ] || has "$output" "] by a pipe"
		ran 0 --secret id=one,src=secret --secret id=two,env=TWO_OF_ENV --secret id=three
		# Another value is the same step.
		export TWO_OF_ENV=other
		ran 0 --secret id=one,src=secret --secret id=two,env=TWO_OF_ENV --secret id=three
		has "$output" CACHED
		[[ $output != *"] other"* ]]
	}
	each_user secrets
}

@test "secrets that are not there, or cannot be" {
	who=root
	cd ctx
	file <<<'RUN --mount=type=secret,id=s,required cat /run/secrets/s'
	ran 1
	has "$output" "Dockerfile:4:1: linux/amd64 3/3: RUN: --mount=type=secret: 's' is required: give it with --secret=id=s"
	ran 1 --secret id=s,src=/none
	has "$output" "--secret=id=s: cannot open /none: No such file"
	ran 1 --secret id=s,env=NONE_SUCH
	has "$output" "the environment has no variable NONE_SUCH"
	head -c 600000 /dev/zero >large
	ran 1 --secret id=s,src=large
	has "$output" "large"
	ran 2 --secret src=x
	has "$output" "--secret=src=x has no id="
	ran 2 --secret id=s,scr=x
	has "$output" "--secret has no 'scr=x'"
	ran 2 --secret id=s,src=x,env=y
	has "$output" "has src= and env="
	file <<<'RUN --mount=type=secret,id=s,env=S true'
	head -c 6 /dev/zero >zeros
	ran 1 --secret id=s,src=zeros
	has "$output" "has a zero byte, which no variable can hold"
}

@test "an SSH agent that may be asked, and nothing more" {
	need ssh-agent ssh-add ssh-keygen
	agents() {
		ssh-keygen -qt ed25519 -N '' -f key
		[ "$who" = root ] || chown 4321 key
		as ssh-agent -D -a "$PWD/sock" >agent.log 3>&- &
		agent=$!
		wait_for test -S sock
		SSH_AUTH_SOCK=$PWD/sock as ssh-add -q key
		file <<-'EOF'
			RUN --mount=type=ssh,mode=0666 --mount=type=ssh,id=other,required=false,target=/other echo "$SSH_AUTH_SOCK"; \
				probe agent-list agent-lock agent-remove agent-list; stat -c %a "$SSH_AUTH_SOCK"; ls /other || true
			RUN --mount=type=ssh,target=sock cd / && env | grep SSH && probe agent-list
			RUN ls /run 2>&1; env
		EOF
		SSH_AUTH_SOCK=$PWD/sock ran 0 --ssh default
		has "$output" "] /run/buildkit/ssh_agent.0"
		has "$output" "] agent-list 12, 1 keys"
		has "$output" "] agent-lock 5"
		has "$output" "] agent-remove 5"
		has "$output" "] 666"
		has "$output" "/other: No such file"
		has "$output" "] SSH_AUTH_SOCK=/sock"
		has "$output" "ls: /run: No such file"
		ran 0 --no-cache --ssh "default=$PWD/sock"
		has "$output" "] agent-list 12, 1 keys"
		nothing_left
		SSH_AUTH_SOCK=$PWD/sock as ssh-add -l
		kill $agent
		wait $agent || true
		# The same with a key, for which an agent is started and ended again.
		ran 0 --no-cache --ssh default=key
		has "$output" "] agent-list 12, 1 keys"
		nothing_left
		run ! pgrep -u "$(stat -c %u .)" -f '^ssh-agent -D -a agent$'
	}
	each_user agents
}

@test "a step of another user asks the agent" {
	[ "$(id -u)" = 0 ] || skip "needs more than one user"
	need ssh-agent ssh-keygen
	who=root
	cd ctx
	ssh-keygen -qt ed25519 -N '' -f key
	file <<-'EOF'
		USER 33:44
		RUN --mount=type=ssh,uid=33,gid=44,mode=0600 probe agent-list; stat -c '%u %g' "$SSH_AUTH_SOCK"
		RUN --mount=type=ssh probe agent-list || true
	EOF
	ran 0 --ssh default=key
	has "$output" "] agent-list 12, 1 keys"
	has "$output" "] 33 44"
	has "$output" "] agent-list EACCES"
}

@test "agents and keys that are not there, or cannot be" {
	need ssh-agent ssh-keygen
	who=root
	cd ctx
	file <<<'RUN --mount=type=ssh,required probe agent-list'
	ran 1
	has "$output" "--mount=type=ssh: 'default' is required: give it with --ssh=default"
	ran 1 --ssh default
	has "$output" "--ssh=default: SSH_AUTH_SOCK names no agent"
	ran 1 --ssh default=/none
	has "$output" "--ssh=default: cannot use /none: No such file"
	ran 2 --ssh =x
	has "$output" "has no id"
	echo no key >bad
	ran 1 --ssh default=bad
	has "$output" "--ssh=default: ssh-add does not take the key"
	ssh-keygen -qt ed25519 -N 'pass phrase' -f locked
	ran 1 --ssh default=locked
	has "$output" "one with a passphrase has to be in an agent"
	nothing_left
	# Without the program it says what to do.
	ssh-keygen -qt ed25519 -N '' -f key
	run as env PATH="$PWD/none" "$BATS_FILE_TMPDIR/mab-build" build --ssh default=key .
	[ "$status" -eq 1 ]
	has "$output" "a key in a file needs the program ssh-agent, which is not here"
}

@test "caches: by platform or shared by id, their owner, a part of one" {
	caches() {
		file <<-'EOF'
			RUN --mount=type=cache,target=/c,mode=0750,uid=0 stat -c '%a %u' /c; echo x >>/c/n; wc -l </c/n
			RUN --mount=type=cache,target=/c echo again; wc -l </c/n
			RUN --mount=type=cache,id=/c,target=/d echo id; ls -A /d; echo shared >/d/shared
			RUN --mount=type=cache,id=/c,target=/d,source=sub/dir --mount=type=cache,id=/c,target=/e echo part >/d/part; ls -A /e; cat /e/sub/dir/part
			RUN --mount=type=cache,id=/c,target=/d ln -s ../../.. /d/out
			RUN --mount=type=cache,id=/c,target=/d,source=out/new --mount=type=cache,id=/c,target=/e ls -d /e/new
			RUN --mount=type=cache,id=/c,target=/d,ro sh -c 'echo x >/d/y' 2>&1 || true
		EOF
		ran 0
		has "$output" "] 750 0"
		has "$output" $'again\n[linux/amd64 4/9] 1'
		[[ $output == *"5/9] id"$'\n'"[linux/amd64 5/9] DONE"* ]]
		has "$output" "6/9] shared"
		has "$output" "6/9] part"
		has "$output" "/d/y: Read-only file system"
		nothing_left
	}
	each_user caches
}

@test "a cache that begins with the files of a stage, and stays" {
	from() {
		mkdir -p data/sub
		echo first >data/sub/file
		[ "$who" = root ] || chown -R 4321:4321 data
		file <<-'EOF'
			COPY data /data
			RUN chmod 700 /data/sub && ln -s file /data/sub/link && ln /data/sub/file /data/sub/hard
			FROM base AS user
			RUN --mount=type=cache,from=base,source=/data,target=/c cat /c/sub/link && stat -c '%a' /c/sub && stat -c %h /c/sub/file && echo more >>/c/sub/file
			RUN --mount=type=cache,from=base,source=/data,target=/c cat /c/sub/file
			RUN --mount=type=bind,from=base,source=/data,target=/b,rw cat /b/sub/file; echo no >/b/sub/file
			RUN --mount=type=bind,from=base,source=/data,target=/b cat /b/sub/file
		EOF
		ran 0
		has "$output" "] 700"
		has "$output" "] 2"
		has "$output" "2/4] more"
		has "$output" "3/4] first"
		has "$output" "4/4] first"
		[[ $output != *"3/4] more"* && $output != *"4/4] no"* ]]
		nothing_left
		cat >>Dockerfile <<<'RUN --mount=type=cache,from=base,source=/none,target=/c true'
		ran 1
		has "$output" "/none"
	}
	each_user from
}

@test "sharing: a locked cache has one user, also of several processes" {
	who=root
	cd ctx
	file <<-'EOF'
		ARG N
		RUN --mount=type=cache,id=/c,target=/c,sharing=locked --mount=type=cache,id=/c,target=/again,sharing=locked \
			[ ! -e /c/inside ] && touch /c/inside && echo "in $N" && sleep 0.3 && rm /again/inside
	EOF
	ran 0 --build-arg N=0
	for n in 1 2 3; do
		start "log$n" --build-arg "N=$n"
		others[n]=$pid
	done
	for n in 1 2 3; do
		wait "${others[n]}"
	done
	# Who waits can be interrupted.
	sed -i 's/sleep 0.3/sleep 20/' Dockerfile
	start log4 --build-arg N=4
	first=$pid
	wait_for grep -q '] in 4' log4
	start log5 --build-arg N=5
	wait_for grep -q '3/3] RUN' log5
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	run ! grep -q '] in 5' log5
	kill "$first"
	wait "$first" || true
}

@test "sharing: a private cache has one user, and the next gets another" {
	who=root
	cd ctx
	file <<-'EOF'
		ARG N
		RUN --mount=type=cache,target=/c,sharing=private echo "$N has $(ls /c)"; touch /c/$N; sleep $N
	EOF
	ran 0 --build-arg N=0
	has "$output" "] 0 has"
	start log --build-arg N=20
	first=$pid
	wait_for grep -q '20 has 0' log
	ran 0 --build-arg N=0.1
	has "$output" "] 0.1 has"
	[[ $output != *"has 0"* ]]
	kill "$first"
	wait "$first" || true
	ran 0 --build-arg N=0.2
	has "$output" $'0.2 has 0\n[linux/amd64 3/3] 20'
}
