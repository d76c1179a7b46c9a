# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The images of qemu/image, built by mab-build from this tree, and containers of them as
# runc makes them for docker and podman. What takes long, a Debian with compilers and
# static libraries, stays in a store of the tests'.

. "${BASH_SOURCE[0]%/*}/../build/helpers.bash"

image_needs()
{
	need docker-registry jq mmdebstrap arch-test runc skopeo || return
	[ "$(id -u)" = 0 ] || skip "needs root, for a Debian with all its owners"
	[ "$(dpkg --print-architecture)" = amd64 ] || skip "is written for an amd64 machine"
	"$top_srcdir/build-aux/apt-private" - amd64 true ||
		skip "the archive that this machine is installed from cannot be reached"
}

# For setup_file: TARGET:1 in a registry, $images; its configuration in ./config, and its
# files for this machine in ./root.
image_setup_file() # TARGET
{
	able image_needs || return 0
	export MAB_TEST_CACHE=$cache kept=$cache/image-store
	cd "$BATS_FILE_TMPDIR" || return
	debian=$("$top_srcdir/tests/debian" "$top_builddir/binfmtctl" amd64 3>&-) || return
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR build_setup
	docker_registry
	echo "${pids[0]}" >pid
	export images=$registry
	push_debian
	image_context
	image "$1" -t "$images/$1:1" --push
	skopeo inspect --tls-verify=false --config --override-arch amd64 \
		"docker://$images/$1:1" | jq .config >config
	unpacked "$1" linux/amd64 root
}

image_teardown_file() # TARGET
{
	[ -e "$BATS_FILE_TMPDIR/pid" ] || return 0
	kill "$(cat "$BATS_FILE_TMPDIR/pid")"
	mab rmi --root "$kept" "$images/debian:1" "$images/$1:1"
}

# What the recipe begins with, made to fetch packages as this machine does.
push_debian()
{
	mkdir debian
	ln "$debian" debian/debian.tar || cp "$debian" debian/debian.tar
	apt-config dump | grep '^Acquire::' >debian/apt.conf
	printf '%s\n' 'FROM scratch' 'ADD debian.tar /' \
		'COPY apt.conf /etc/apt/apt.conf.d/99machine' >debian/Dockerfile
	SOURCE_DATE_EPOCH=1700000000 build --root "$kept" -t "$images/debian:1" \
		--push debian
}

# The tree, with the checksums of the qemu that the archive has today: those that are kept
# with the tree are for people, who want the same one for longer.
image_context()
{
	mkdir context
	sed -n 's/^!//p' "$top_srcdir/qemu/image/Dockerfile.dockerignore" | grep -v '\*' |
		tar -C "$top_srcdir" -cT - | tar -C context -x
	cp "$top_srcdir"/qemu/image/Dockerfile* context/qemu/image
	(cd "$top_srcdir" && find tests -name Makemodule.am | tar -cT -) | tar -C context -x
	for arch in amd64 arm64; do
		"$top_srcdir/build-aux/apt-private" trixie $arch \
			"$top_srcdir/qemu/unpack-deb" --print-checksums qemu-user:$arch
	done >context/qemu/image/checksums
}

# image TARGET [OPTION...]
image()
{
	SOURCE_DATE_EPOCH=1700000000 timeout --signal=KILL 800 \
		"$top_builddir/mab-build" build --tls-verify=false --root "$kept" --max-cache 5g \
		--platform linux/amd64,linux/arm64 --build-arg BASE="$images/debian:1" -f context/qemu/image/Dockerfile \
		--target "$@" context
}

# unpacked TARGET PLATFORM FOLDER
unpacked()
{
	mkdir empty
	printf 'FROM %s\n' "$images/$1:1" |
		build --root "$kept" --platform "$2" -f - -o "type=local,dest=$3" empty
	rmdir empty
}

# What docker run gives to a container, with --privileged, with --security-opt
# seccomp=unconfined and systempaths=unconfined ("open"), with the first of these alone
# ("masked"), or with none ("closed"); the network is the machine's.
# shellcheck disable=SC2016 # for jq
container_config='
	(["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID",
	  "SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"] |
	 map("CAP_" + .)) as $few |
	{names: ["unshare", "mount", "setns", "umount2", "pivot_root"],
	 action: "SCMP_ACT_ERRNO", errnoRet: 1} as $never |
	{names: ["clone"], action: "SCMP_ACT_ERRNO", errnoRet: 1,
	 args: [{index: 0, value: 2114060288, valueTwo: 268435456,
		 op: "SCMP_CMP_MASKED_EQ"}]} as $new_user |
	{names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38} as $absent |
	(if $kind == "privileged" then $all else $few end) as $capabilities |
	.process.terminal = false | .process.noNewPrivileges = false |
	.process.capabilities = ({bounding: $capabilities}) |
	(if $user == 0 then .process.capabilities |=
		(.effective = $capabilities | .permitted = $capabilities) else . end) |
	.process.user = {uid: $user, gid: $user} |
	.process.args = $image.Entrypoint + $ARGS.positional |
	.process.env = ($image.Env // []) + $env |
	.process.cwd = $cwd | .process.rlimits = [] |
	.root = {path: $root, readonly: false} |
	.linux.namespaces |= map(select(.type != "network")) |
	.linux.resources = {} |
	.mounts |= map(select(.type != "cgroup" and .type != "sysfs") |
		.options |= ((. // []) - ["gid=5"])) |
	.mounts += [{destination: "/sys", source: "/sys", type: "none",
		options: ["rbind", if $kind == "privileged" then "rw" else "ro" end]}] |
	.mounts += ($volumes | map(split(":") | {source: .[0], destination: .[1],
		type: "none", options: ["rbind", "rw"]})) |
	if IN($kind; "privileged", "open")
	then .linux.maskedPaths = [] | .linux.readonlyPaths = [] else . end |
	if $kind == "closed"
	then .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		architectures: ["SCMP_ARCH_X86_64"], syscalls: [$never, $new_user, $absent]}
	else . end'

runner=() volumes=() cwd=/

# container KIND USER [VARIABLE=VALUE...] -- [WORD...]: one of ./root, started by
# "${runner[@]}" in $cwd, with ./workspace and ./volume where they belong, and with
# "${volumes[@]}".
container()
{
	local kind=$1 user=$2 env=() bundle here=$BATS_FILE_TMPDIR
	shift 2
	while [ "$1" != -- ]; do
		env+=("$1")
		shift
	done
	shift
	mkdir -p workspace
	[ -d volume ] || mkdir -m 1777 volume
	bundle=$(mktemp -d "$PWD/container.XXXXXX")
	(cd "$bundle" && runc spec && mv config.json spec)
	jq --arg kind "$kind" --argjson user "$user" --arg root "$here/root" \
		--arg cwd "$cwd" --argjson image "$(cat "$here/config")" \
		--argjson all "$(all_capabilities)" --argjson env "$(words "${env[@]}")" \
		--argjson volumes "$(words "$PWD/workspace:/drone/src" \
			"$PWD/volume:/var/lib/mab-build" "${volumes[@]}")" \
		"$container_config" "$bundle/spec" --args -- "$@" >"$bundle/config.json"
	"${runner[@]}" timeout --signal=KILL 100 runc --root "$bundle/state" run \
		--bundle "$bundle" "${bundle##*.}"
}

words() # WORD...
{
	jq -nc '$ARGS.positional' --args -- "$@"
}

all_capabilities()
{
	capsh --print | sed -n 's/^Bounding set =//p' | jq -Rc 'ascii_upcase | split(",")'
}
