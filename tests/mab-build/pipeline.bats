#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What --print-pipeline writes: read back by ci-system, which replaces expressions as the
# CIs do, and by what CIs read it with themselves (ci-real).

load ../build/helpers

systems="drone github gitlab woodpecker"

setup()
{
	build_setup
	need jq python3
	python3 -c 'import yaml' || cannot "there is no python3-yaml"
	here=$(readlink -f "${top_srcdir:-.}/tests/mab-build")
	PATH="$here:$PATH"
	secrets=(registry_username=u registry_password=p REGISTRY_USERNAME=u REGISTRY_PASSWORD=p
		TOKEN=t)
}

# generate CI [SETTING=VALUE...] [OPTION...]: into ./repository.
generate()
{
	local ci=$1 settings=()
	shift
	while [[ ${1-} == *=* && $1 != -* ]]; do
		settings+=("PLUGIN_$1")
		shift
	done
	rm -rf repository
	mkdir repository
	env PLUGIN_REPO=r.example/team/app PLUGIN_PLATFORM=linux/amd64,linux/arm64 "${settings[@]}" \
		"${top_builddir:-build}/mab-build" plugin --print-pipeline "$ci" \
		--image r.example/mab-build:1 --output repository "$@"
}

# jobs CI [--tag TAG]: what it would run, in jobs.json.
jobs_of()
{
	ci-system "$1" repository "${@:2}" "${secrets[@]}" >jobs.json
}

# refused TEXT [SETTING=VALUE...] [OPTION...]
refused()
{
	expect 1 generate drone "${@:2}"
	has "$stderr" "$1"
	[ -z "$(ls -A repository)" ]
}

# Each job that builds has each setting of the environment, byte for byte.
same_settings()
{
	python3 -c 'if True:
		import json, os, sys
		jobs = [j["environment"] for j in json.load(open("jobs.json")) if j["clone"]]
		assert len(jobs) == 2, jobs
		for job in jobs:
			for name, value in os.environ.items():
				if name.startswith("PLUGIN_") and name != "PLUGIN_PLATFORM":
					assert job.get(name) == value, (name, value, job.get(name))'
}

@test "values arrive as they are" {
	# shellcheck disable=SC1003 # backslashes are meant
	values=("it's" 'say "x"' 'a: b' 'a:' ': a' '#c' 'a #c' 'true' 'No' 'null' '~' '1e3' '0x1f'
		'12:30:45' '2001-01-01' '- a' '-' '? a' '!a' '&a' '*a' '%a' '@a' '`a`' '|' '>' '{a: b}'
		'[a, b' ' a' 'a ' '<<' '=' $'a\nb' $'a\n\n' $'\n' $'a\tb' $'\r' $'\x01\x7f' $'\u0085\u2028'
		$'\ufeffa' 'ü 🐦' '$' '$$' '$$$x' '$a' '${a}' '$${a}' '$$${a}' 'a$' '\' '\\' '\/' '\\\/'
		'\n' '\$a' '"\\${a}' $'\\\n' $'\x01\\' $'\x01\\"' $'\x01\\/'
		'${{ a }}' "\${{ 'a' }}" '$${{' '}}' '${{' '{{ a }}' '---' '...')
	names=(ADD_HOST BUILD_ARGS BUILD_ARGS_NEW CONTEXT CUSTOM_DNS CUSTOM_LABELS DOCKERFILE ENV_FILE
		LABEL_SCHEMA MIRROR REPO_LINK SECRET SECRETS_FROM_FILE STORAGE_PATH TARGET USERNAME)
	for ((i = 0; i < ${#values[@]}; i += ${#names[@]})); do
		settings=()
		for ((j = 0; j < ${#names[@]} && i + j < ${#values[@]}; j++)); do
			settings+=("${names[j]}=${values[i + j]}")
		done
		for ci in $systems; do
			generate "$ci" "${settings[@]}" >/dev/null
			jobs_of "$ci"
			(
				for setting in "${settings[@]}"; do
					export "PLUGIN_$setting"
				done
				same_settings
			)
		done
	done
	expect 1 generate drone "TARGET="$'\xff'
	has "$stderr" "TARGET is not UTF-8"
}

@test "one job for each platform, then one that merges" {
	for ci in $systems; do
		generate "$ci" PLATFORM=linux/amd64,linux/arm64,arm/v7,386,riscv64 TAGS=1,2 \
			SECRETS_FROM_ENV=a=TOKEN CACHE_TO=r.example/c:x CACHE_FROM=r.example/c:x
		jobs_of "$ci"
		[ "$(jq -r '[.[] | .environment.PLUGIN_PLATFORM // "merge"] | join(" ")' jobs.json)" = \
			"linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/riscv64 merge" ]
		[ "$(jq '.[-1].needs | length' jobs.json)" = 5 ]
		[ "$(jq '[.[:-1][].needs[]] | length' jobs.json)" = 0 ]
		[ "$(jq -r '[.[].environment.PLUGIN_CACHE_TO] | unique | length' jobs.json)" = 6 ]
		[ "$(jq -r '.[3].environment.PLUGIN_CACHE_FROM' jobs.json)" = r.example/c:x-linux-386 ]
		[ "$(jq -r '.[-1].environment | .PLUGIN_TAGS + "/" + .PLUGIN_REPO' jobs.json)" = \
			1,2/r.example/team/app ]
		[ "$(jq -r '[.[].privileged | tostring] | join(" ")' jobs.json)" = \
			"true true true true true $([ "$ci" = gitlab ] && echo true || echo false)" ]
		jq -r '[.[].machine] | join(" ")' jobs.json >>machines
		# Nobody's secrets go where none are used.
		jq -e '.[-1].environment | to_entries | all(.value != "t")' jobs.json ||
			[ "$ci" = gitlab ]
	done
	cat >expected <<-'END'
		linux/amd64 linux/arm64 linux/arm64 linux/amd64 linux/amd64 linux/amd64
		ubuntu-24.04 ubuntu-24.04-arm ubuntu-24.04-arm ubuntu-24.04 ubuntu-24.04 ubuntu-24.04
		amd64 arm64 arm64 amd64 amd64 amd64
		linux/amd64 linux/arm64 linux/arm64 linux/amd64 linux/amd64 linux/amd64
	END
	sed -i 's/saas-linux-small-//g' machines
	diff expected machines
}

@test "when it runs" {
	for ci in $systems; do
		generate "$ci"
		jobs_of "$ci"
		[ "$(jq length jobs.json)" = 3 ]
		[ "$(jq -r '.[-1].environment.PLUGIN_TAGS' jobs.json)" = latest ]
		jobs_of "$ci" --tag v1.2.3
		[ "$(jq length jobs.json)" = 0 ]
		generate "$ci" AUTO_TAG=true --branch trunk
		jobs_of "$ci"
		[ "$(jq length jobs.json)" = 0 ]
		jobs_of "$ci" --tag 1.2.3
		[ "$(jq length jobs.json)" = 3 ]
		[ "$(jq -r '.[-1].environment.PLUGIN_TAGS' jobs.json)" = null ]
		jobs_of "$ci" --tag release
		[ "$(jq length jobs.json)" = 0 ]
	done
}

@test "machines that there are" {
	generate github PLATFORM=amd64,arm64,s390x \
		--native linux/arm64,linux/s390x=big-iron
	jobs_of github
	[ "$(jq -r '[.[].machine] | join(" ")' jobs.json)" = \
		"ubuntu-24.04-arm ubuntu-24.04-arm big-iron ubuntu-24.04-arm" ]
	grep -qx '# linux/amd64: on linux/arm64, ubuntu-24.04-arm, which emulates it' \
		repository/.github/workflows/image.yml
	expect 1 generate github --native linux/s390x
	has "$stderr" "say by which label it is known: --native linux/s390x=LABEL"
	expect 1 generate drone --native linux/s390x=big-iron
	has "$stderr" "not by labels"
	generate drone PLATFORM=arm/v6,arm64 --native linux/arm/v7
	jobs_of drone
	[ "$(jq -r '[.[].machine] | join(" ")' jobs.json)" = "linux/arm linux/arm linux/arm" ]
}

@test "secrets by name" {
	for setting in PASSWORD CONFIG SSH_AGENT_KEY; do
		expect 1 generate github $setting=Xyzzy-9
		has "$stderr" "say with --secret $setting=NAME"
		[[ $stderr != *Xyzzy* ]]
		[ -z "$(ls -A repository)" ]
	done
	generate github --secret password=vars.PASS --secret username=ME --secret ssh_agent_key=KEY
	grep -qF 'PLUGIN_PASSWORD: ${{ vars.PASS }}' repository/.github/workflows/image.yml
	grep -qF 'PLUGIN_USERNAME: ${{ secrets.ME }}' repository/.github/workflows/image.yml
	[ "$(grep -cF 'PLUGIN_SSH_AGENT_KEY: ${{ secrets.KEY }}' repository/.github/workflows/image.yml)" = 1 ]
	generate github REPO=ghcr.io/team/app
	grep -qF 'PLUGIN_USERNAME: ${{ github.actor }}' repository/.github/workflows/image.yml
	grep -qF 'packages: write' repository/.github/workflows/image.yml
	generate gitlab REPO=registry.gitlab.com/team/app
	grep -qF 'export PLUGIN_PASSWORD="$CI_REGISTRY_PASSWORD"' repository/.gitlab-ci.yml
	generate drone USERNAME=me
	grep -qx '      username: me' repository/.drone.yml
	generate drone --secret password=
	[ "$(grep -c from_secret repository/.drone.yml)" = 0 ]
	expect 1 generate drone --secret tags=x
	has "$stderr" "'TAGS' is none of username, password, config and ssh_agent_key"
	for name in 'a b' 'a"' '$(x)' "a'" '}}'; do
		for ci in $systems; do
			expect 1 generate "$ci" --secret "password=$name"
			has "$stderr" "is no name of a secret"
		done
	done
}

@test "what is refused" {
	refused "there is no setting DOKERFILE (did you mean DOCKERFILE?)" DOKERFILE=x
	refused "METADATA_FILE has no place in a pipeline" METADATA_FILE=x
	refused "MTU has no place" MTU=1400
	refused "DRY_RUN has no place" DRY_RUN=true
	refused "PLATFORM is missing" PLATFORM=
	refused "REPO is missing" REPO=
	refused "the setting REPO: 'r.example/app:1' has a tag" REPO=r.example/app:1
	refused "the setting REPO" 'REPO=r.example/a"b'
	refused "has linux/arm64 twice" PLATFORM=arm64,linux/arm64/v8
	refused "the setting PLATFORM" PLATFORM=linux/a/b/c/d
	refused "CACHE_TO has 'type=registry" CACHE_TO=type=registry
	refused "which CACHE_TO has not" CACHE_TO=r.example/a CACHE_FROM=r.example/b
	refused "the setting AUTO_TAG is true or false" AUTO_TAG=perhaps
	refused "'a=b c', which is not ID=VARIABLE" 'SECRETS_FROM_ENV=a=b c'
	refused "'x y', which is not VARIABLE" 'BUILD_ARGS_FROM_ENV=x y'
	refused "--branch=a b is no name" --branch 'a b'
	refused "--image=A b:" --image 'A b'
	expect 1 env PLUGIN_REPO=a PLUGIN_PLATFORM=arm64 "${top_builddir:-build}/mab-build" plugin \
		--print-pipeline drone
	has "$stderr" "needs --image REFERENCE"
	expect 2 "${top_builddir:-build}/mab-build" plugin --print-pipeline jenkins --image a
	has "$stderr" "is none of: drone github gitlab woodpecker"
	expect 2 "${top_builddir:-build}/mab-build" plugin --image a
	has "$stderr" "--print-pipeline only"
	expect 2 "${top_builddir:-build}/mab-build" plugin --print-pipeline drone --secret x
	has "$stderr" "is not SETTING=NAME"
}

@test "files: none is replaced, and several need a folder" {
	export PLUGIN_REPO=r.example/app PLUGIN_PLATFORM=arm64
	print=("${top_builddir:-build}/mab-build" plugin --image r.example/m)
	mkdir repository
	expect 0 "${print[@]}" --print-pipeline woodpecker --output repository
	[ "$output" = $'.woodpecker/build.yaml\n.woodpecker/merge.yaml' ]
	rm repository/.woodpecker/build.yaml
	echo mine >repository/.woodpecker/merge.yaml
	expect 1 "${print[@]}" --print-pipeline woodpecker --output repository
	has "$stderr" ".woodpecker/merge.yaml is there already"
	[ ! -e repository/.woodpecker/build.yaml ]
	[ "$(cat repository/.woodpecker/merge.yaml)" = mine ]
	expect 1 "${print[@]}" --print-pipeline woodpecker
	has "$stderr" "woodpecker takes 2 files: say with --output"
	[ -z "$output" ]
	expect 1 "${print[@]}" --print-pipeline drone --output nowhere
	has "$stderr" "cannot open the folder nowhere"
	expect 0 "${print[@]}" --print-pipeline drone --output repository
	"${print[@]}" --print-pipeline drone | diff - repository/.drone.yml
}

@test "what ci-system would not run" {
	generate drone
	sed -i 's/privileged:/privilegedly:/' repository/.drone.yml
	expect 1 jobs_of drone
	has "$stderr" "has privilegedly, which nothing tells of"
	generate woodpecker
	sed -i 's/NAME}/NAMES}/' repository/.woodpecker/build.yaml
	expect 1 jobs_of woodpecker
	has "$stderr" "would be empty"
}

# real CI WORD...: ci-real, or a skipped test.
real()
{
	export REAL_HOME
	need node npm openssl
	run --separate-stderr ci-real "$@"
	[ "$status" != 3 ] || skip "$stderr"
}

# Of what is in ./repository, GitHub's own parser makes the same as ci-system.
github_agrees()
{
	jobs_of github
	real github repository/.github/workflows/image.yml contexts.json
	[ "$status" = 0 ]
	jq 'map({machine: ."runs-on"} + (.steps[] | select(.run) | {environment: .env, script: .run}))' \
		<<<"$output" >theirs.json
	jq 'map({machine, environment, script})' jobs.json | diff - theirs.json
}

@test "GitHub's own parser" {
	jq -n '{secrets: ($ARGS.positional | map(capture("(?<key>.*?)=(?<value>.*)")) | from_entries),
		github: {actor: "somebody", ref: "refs/heads/main",
			sha: "0123456789abcdef0123456789abcdef01234567",
			server_url: "https://git.example", repository: "team/app",
			event: {repository: {default_branch: "main"}}}}' \
		--args "${secrets[@]}" >contexts.json
	generate github
	github_agrees
	# npm's evaluator reads '' in strings, once in each: no value has two quotes.
	generate github REPO=ghcr.io/a/b AUTO_TAG=true SECRETS_FROM_ENV=a=TOKEN \
		BUILD_ARGS_FROM_ENV=X CACHE_TO=r.example/c CACHE_FROM=r.example/c \
		"TARGET=\${{ a }} \$b \"'" "DOCKERFILE="$'a\n# b' 'CUSTOM_LABELS=${{ ${{ a }} {0} }} {' \
		"CONTEXT="$'\x01\\' PLATFORM=386,arm/v5,riscv64,arm64 --secret password=github.actor
	github_agrees
	file=repository/.github/workflows/image.yml
	sed 's/^  merge:$/&\n    nothing: 1/' $file >wrong.yml
	real github wrong.yml contexts.json
	[ "$status" = 1 ]
	has "$output" "Unexpected value 'nothing'"
	sed 's/^    runs-on:.*/    runs-on: ${{ secrets.TOKEN }}/' $file >wrong.yml
	real github wrong.yml contexts.json
	[ "$status" = 1 ]
	has "$output" "secrets"
}

# jobs_on NAME VALUE: those that gitlab-ci-local would run where a variable is set so.
jobs_on()
{
	real gitlab --list-csv --unset-variable CI_COMMIT_BRANCH --variable "$1=$2"
	[ "$status" = 0 ]
	[ "$(tail -n +2 <<<"$output" | cut -d ';' -f 1)" = "$(printf '%s\n' "${@:3}")" ]
}

@test "gitlab-ci-local, and GitLab's schema" {
	need git
	generate gitlab REPO=ghcr.io/a/b AUTO_TAG=true SECRETS_FROM_ENV=a=TOKEN \
		BUILD_ARGS_FROM_ENV=X CACHE_TO=r.example/c CACHE_FROM=r.example/c \
		"TARGET=\${{ a }} \$b \"'" "DOCKERFILE="$'a\n# b' PLATFORM=386,arm64
	cd repository
	git init -q -b main .
	jobs_on CI_COMMIT_BRANCH main linux-386 linux-arm64 merge
	jobs_on CI_COMMIT_TAG v1.2.3 linux-386 linux-arm64 merge
	jobs_on CI_COMMIT_TAG release
	jobs_on CI_COMMIT_BRANCH trunk
	sed -i 's/^merge:$/&\n  nothing: 1/' .gitlab-ci.yml
	real gitlab --list-csv
	[ "$status" = 1 ]
	has "$stderr$output" "'nothing' property is not expected"
}
