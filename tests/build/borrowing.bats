#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Layers are unpacked side by side, and yet look as they do over those below them.

load helpers

setup()
{
	build_setup
	mkdir ctx
	busybox=$(busybox_of linux/amd64)
}

teardown()
{
	registry_teardown
}

# images NAME=LAYERS...: images in $registry, as make-layers makes them.
images()
{
	"$top_srcdir/tests/build/make-layers" "$busybox" "$@"
	docker_registry
	for word in "$@"; do
		mab copy --dest-tls-verify=false "oci:layout:${word%%=*}" \
			"docker://$registry/${word%%=*}:1"
	done
}

# looks NAME: what /d is like in the image.
looks()
{
	sed -n "s/^.* $1 .*\] d is //p" log
}

# Each in an order of its own, in one build, and in two builds at once.
@test "layers that borrow from one another in all orders" {
	images up=0123456 down=0654321 between=0162345 other=0615432
	for name in up down between other; do
		cat <<-EOF
			FROM $registry/$name:1 AS $name
			RUN ["/busybox", "stat", "-c", "d is %a %u:%g", "/d"]
		EOF
	done >ctx/Dockerfile
	{
		echo "FROM scratch"
		for name in up down between other; do
			echo "COPY --from=$name /d/in/5 /$name"
		done
	} >>ctx/Dockerfile
	for _ in 1 2 3 4 5; do
		rm -rf store
		build --jobs 4 ctx >log 2>&1 3>&- &
		first=$!
		build --jobs 3 ctx >other 2>&1 || { cat other; false; }
		wait "$first" || { cat log; false; }
		cat other >>log
		[ "$(looks up)" = "701 9:10" ]
		[ "$(looks down)" = "710 7:8" ]
		[ "$(looks between)" = "701 9:10" ]
		[ "$(looks other)" = "710 7:8" ]
		[ -z "$(ls -A store/tmp)" ]
	done
}

@test "one of them cannot be unpacked" {
	images broken=01273456
	printf 'FROM %s\nRUN ["/busybox", "true"]\n' "$registry/broken:1" >ctx/Dockerfile
	run build ctx
	[ "$status" -eq 1 ]
	[[ $output == *"Dockerfile:2:1: "*"layer sha256:"*" of $registry/broken:1: the tar is damaged"* ]]
	[ -z "$(ls -A store/tmp)" ]
	# Nobody waits for the others the next time either.
	run build ctx
	[ "$status" -eq 1 ]
}

@test "whiteouts show nowhere, whether there is something to hide below or not" {
	"$top_srcdir/tests/build/make-layers" "$busybox" without=09 with=0a9 new=0ab
	for name in without with new; do
		cat <<-EOF
			FROM $name AS $name
			RUN ["/busybox", "ls", "/hides"]
			RUN ["/busybox", "rm", "-r", "/hides"]
		EOF
	done >ctx/Dockerfile
	{
		echo "FROM scratch"
		for name in without with new; do echo "COPY --from=from-$name /hides /$name"; done
	} >>ctx/Dockerfile
	contexts=()
	for name in without with new; do
		for as in $name from-$name; do
			contexts+=(--build-context "$as=oci-layout://layout:$name")
		done
	done
	# The snapshots of one serve the others.
	for target in without with new; do
		build "${contexts[@]}" --target "$target" ctx
	done
	build "${contexts[@]}" -o out -o type=tar,dest=out.tar ctx
	[ "$(cd out && find . -type f | sort | tr '\n' ' ')" = "./new/new ./with/kept ./with/old ./without/kept " ]
	tar -tf out.tar | grep -c '[^/]$' | grep -x 4
	printf 'FROM from-new\n' >ctx/Dockerfile
	build "${contexts[@]}" -o whole -o type=tar,dest=whole.tar ctx
	[ "$(ls whole/hides)" = new ]
	[ "$(tar -tf whole.tar | grep hides | tr '\n' ' ')" = "hides/ hides/new " ]
}
