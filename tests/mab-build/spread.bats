#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# Pipelines of --print-pipeline, run as the CI would (ci-system reads them, docker starts
# containers) on three machines: network namespaces that see one another over a bridge.
# One has a registry with a password; the machine "for arm64" is one by name only, so that
# what it builds is emulated all the same.

load ../build/helpers

setup()
{
	build_setup
	need docker-registry htpasswd ip jq nsenter python3 setpriv
	python3 -c 'import yaml' || cannot "there is no python3-yaml"
	export top_builddir DOCKER_LOG=$PWD/docker.log
	top_builddir=$(readlink -f "${top_builddir:-build}")
	here=$(readlink -f "${top_srcdir:-.}/tests/mab-build")
	export PATH="$here:$PATH"
	mkdir project jobs
	cp "$(busybox_of linux/amd64)" project/busybox-amd64
	cp "$(busybox_of linux/arm64)" project/busybox-arm64
	cp "$(busybox_of linux/arm/v7)" project/busybox-arm
	cat >project/Dockerfile.ci <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		ARG NASTY
		COPY busybox-$TARGETARCH /bin/busybox
		RUN --mount=type=secret,id=npm,required ["/bin/busybox", "sh", "-c", \
			"/bin/busybox uname -m >/arch; /bin/busybox wc -c </run/secrets/npm >/length"]
		LABEL nasty="$NASTY"
	EOF
	machines
	registry_on_hub
}

teardown()
{
	registry_teardown
}

# --- Machines ---

# Sets machine_NAME to a process in a network of its own.
machine() # NAME
{
	unshare --net sleep 300 3>&- &
	pids+=($!)
	declare -g "machine_$1=$!"
	# It is in the new network once it is the other program.
	wait_for grep -qx sleep "/proc/$!/comm"
	nsenter --net="/proc/$!/ns/net" ip link set lo up
}

on() # MACHINE COMMAND...
{
	local pid=machine_$1
	nsenter --net="/proc/${!pid}/ns/net" -- "${@:2}"
}

# eth0 of a machine on the bridge of the hub.
cable() # MACHINE ADDRESS
{
	local pid=machine_$1
	on hub ip link add "to-$1" type veth peer name eth0 netns "${!pid}"
	on hub ip link set "to-$1" master bridge up
	on "$1" ip address add "$2/24" dev eth0
	on "$1" ip link set eth0 up
}

machines()
{
	machine hub
	machine amd64
	machine arm64
	on hub ip link add bridge type bridge
	on hub ip address add 10.77.0.1/24 dev bridge
	on hub ip link set bridge up
	cable amd64 10.77.0.2
	cable arm64 10.77.0.3
	registry=10.77.0.1:5000
}

registry_on_hub()
{
	htpasswd -Bbn robot 'pa$$word ${x}' >users
	cat >registry.yml <<-EOF
		version: 0.1
		storage: {filesystem: {rootdirectory: $PWD/storage}}
		auth: {htpasswd: {realm: test, path: $PWD/users}}
		http: {addr: "$registry"}
	EOF
	# Not by the function: what ends would be a shell that waits for it.
	nsenter --net="/proc/$machine_hub/ns/net" docker-registry serve registry.yml \
		>registry.log 2>&1 3>&- &
	pids+=($!)
	wait_for grep -q 'listening on' registry.log
}

# --- The CI ---

# Writes and reads the pipeline of a CI: jobs.json.
pipeline() # CI
{
	env PLUGIN_REPO=team/app PLUGIN_REGISTRY="$registry" PLUGIN_INSECURE=true \
		PLUGIN_PLATFORM=linux/amd64,linux/arm64,linux/arm/v7 PLUGIN_AUTO_TAG=true \
		PLUGIN_DOCKERFILE=Dockerfile.ci PLUGIN_BUILD_ARGS="$(jq -nc --arg value "NASTY=$nasty" '[$value]')" \
		PLUGIN_SECRETS_FROM_ENV=npm=NPM_TOKEN \
		"$top_builddir/mab-build" plugin --print-pipeline "$1" \
		--image registry.example/mab-build:1 --secret username=REGISTRY_USERNAME \
		--secret password=REGISTRY_PASSWORD --output project
	ci-system "$1" project --tag v1.2.3 REGISTRY_USERNAME=robot \
		REGISTRY_PASSWORD='pa$$word ${x}' NPM_TOKEN=token-of-npm >jobs.json
}

# field JOB PATH: of a job's JSON.
field()
{
	jq -r --arg name "$1" ".[] | select(.name == \$name) | $2" jobs.json
}

# Fills jobs/NAME: the repository, if it wants it, and what other jobs have kept.
workspace() # JOB
{
	mkdir "jobs/$1"
	[ "$(field "$1" .clone)" = false ] || cp -a project/. "jobs/$1/"
	for other in $(field "$1" '.gets[]'); do
		cp "kept/$other"/* "jobs/$1/"
	done
}

# What starts the job's step, with its environment, on the machine it selects.
step() # JOB
{
	local words=() environment name
	mapfile -d '' environment < <(field "$1" \
		'.environment | to_entries[] | "\(.key)=\(.value)\u0000"' | tr -d '\n')
	if [ "$(field "$1" .docker)" = true ]; then
		words=(bash -ec "$(field "$1" .script)")
	else
		words=(docker run --rm --workdir "$(field "$1" .workspace)"
			--volume "$PWD/jobs/$1:$(field "$1" .workspace)")
		for name in $(field "$1" '.volumes[]'); do
			words+=(--volume "$name")
		done
		for name in $(field "$1" '.environment | keys[]'); do
			words+=(--env "$name")
		done
		[ "$(field "$1" .privileged)" = false ] || words+=(--privileged)
		if [ "$(field "$1" .script)" = null ]; then
			words+=(image)
		else
			words+=(--entrypoint sh image -c "$(field "$1" .script)")
		fi
	fi
	case $(field "$1" .machine) in
	*arm*) name=arm64 ;;
	*) name=amd64 ;;
	esac
	cd "jobs/$1" || return
	on $name timeout --signal=KILL 60 env -i PATH="$PATH" HOME="$HOME" TMPDIR="$TMPDIR" \
		top_builddir="$top_builddir" DOCKER_LOG="$DOCKER_LOG" "${environment[@]}" "${words[@]}"
}

run_jobs()
{
	rm -rf jobs kept
	mkdir jobs
	for job in $(jq -r '.[].name' jobs.json); do
		workspace "$job"
		(step "$job") >"$job.log" 2>&1 || {
			echo "$job:" && cat "$job.log"
			return 1
		}
		mkdir -p "kept/$job"
		for path in $(field "$job" '.keeps[]'); do
			cp "jobs/$job/$path" "kept/$job/"
		done
	done
}

as_robot() # COMMAND OPTION...
{
	on hub "$top_builddir/mab-build" "$1" --tls-verify=false \
		--creds 'robot:pa$$word ${x}' "${@:2}"
}

# The index has all platforms; each runs, on this machine, and says what it was given.
check_image() # TAG
{
	as_robot inspect "docker://$registry/team/app:$1" >index.json
	[ "$(jq -r '[.images[].platform] | join(" ")' index.json)" = \
		"linux/amd64 linux/arm64 linux/arm/v7" ]
	as_robot inspect --platform linux/arm/v7 "docker://$registry/team/app:$1" >image.json
	[ "$(jq -r .labels.nasty image.json)" = "$nasty" ]
	mkdir -p run
	printf 'FROM %s/team/app:%s\nRUN ["/bin/busybox", "sh", "-c", "%s"]\n' "$registry" "$1" \
		'/bin/busybox cat /arch /length >/out; /bin/busybox uname -m >>/out' >run/Dockerfile
	as_robot build --platform linux/amd64,linux/arm64,linux/arm/v7 -o out run
	[ "$(tr '\n' ' ' <out/linux_amd64/out)" = "x86_64 12 x86_64 " ]
	[ "$(tr '\n' ' ' <out/linux_arm64/out)" = "aarch64 12 aarch64 " ]
	[ "$(tr '\n' ' ' <out/linux_arm_v7/out)" = "armv7l 12 armv7l " ]
}

# No secret is on a command line, in what is shown or in a file of the jobs.
check_secrets()
{
	run grep -rlF -e 'pa$$word' -e token-of-npm "$DOCKER_LOG" ./*.log jobs kept project
	[ "$status" = 1 ]
}

whole() # CI
{
	nasty="a: \"b\" 'c' #d \${e} \$\$f \${{ g }} \\h"
	pipeline "$1"
	run_jobs
	check_image 1.2.3
	check_secrets
	[ "$(as_robot tags "$registry/team/app" | grep -c '^1')" = 3 ]
	requests '^10.77.0.2 .*"PUT .*/manifests/' registry.log
	requests '^10.77.0.3 .*"PUT .*/manifests/' registry.log
}

@test "drone" {
	whole drone
}

@test "woodpecker" {
	whole woodpecker
}

@test "github" {
	whole github
}

@test "gitlab" {
	whole gitlab
}

# A commit in project, of a branch that origin has, too.
commit()
{
	cd project || return
	git init -q -b main .
	git remote add origin git@git.example:team/app.git
	git add .
	git -c user.name=a -c user.email=a@git.example commit -q -m a
	git update-ref refs/remotes/origin/main HEAD
	git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main
}

# In what it is given, `$$` is `$`.
gitlab_ci_local()
{
	cd project || return
	PATH="$top_builddir:$PATH" on amd64 ci-real gitlab --force-shell-executor --shell-isolation \
		--no-artifacts-to-source --unset-variable CI_COMMIT_BRANCH \
		--variable CI_COMMIT_TAG=v1.2.3 --variable REGISTRY_USERNAME=robot \
		--variable 'REGISTRY_PASSWORD=pa$$$$word $${x}' --variable NPM_TOKEN=token-of-npm
}

# The runner does for itself all that ci-system and the functions above do; its shell
# executor has no images, and one machine for all jobs, on which arm64 is emulated.
@test "gitlab, run by gitlab-ci-local" {
	need git node npm openssl rsync
	export REAL_HOME
	run --separate-stderr ci-real gitlab --version # while there is the internet
	[ "$status" != 3 ] || skip "$stderr"
	nasty="a: \"b\" 'c' #d \${e} \$\$f \${{ g }} \\h"
	pipeline gitlab
	(commit)
	(gitlab_ci_local) >runner.log 2>&1 || {
		cat runner.log
		return 1
	}
	check_image 1.2.3
	run grep -F -e 'pa$$word' -e token-of-npm runner.log
	[ "$status" = 1 ]
	[ "$(as_robot tags "$registry/team/app")" = "$(printf '%s\n' 1 1.2 1.2.3)" ]
}
