#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The forms that an image can have: format, compression, annotations, one layer or more.

load helpers

setup()
{
	build_setup
	need skopeo
	mkdir -p ctx
	cp "$(busybox_of linux/amd64)" ctx/busybox
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		COPY busybox /bin/sh
		RUN mkdir -p /d/sub && echo one >/d/one && ln /d/one /d/two && echo x >/d/sub/x
		RUN rm -r /d/sub /d/one && mkdir /d/sub && echo y >/d/sub/y
		HEALTHCHECK --interval=5s CMD true
		SHELL ["/bin/sh", "-e", "-c"]
		ONBUILD RUN true
	EOF
}

teardown()
{
	registry_teardown
}

# form OPTION...: builds; "MEDIA-TYPE CONFIG LAYER..." without what all types begin with.
form()
{
	rm -rf layout
	build -o type=oci,dest=layout "$@" ctx >/dev/null
	skopeo inspect --raw oci:layout |
		jq -r '[.mediaType, .config.mediaType, .layers[].mediaType] | join(" ")' |
		sed 's/application.vnd.//g'
}

# layer NUMBER: the tar of that layer of the image in layout, decompressed by its type.
layer()
{
	blob=$(skopeo inspect --raw oci:layout | jq -r ".layers[$1].digest")
	blob=layout/blobs/${blob/://}
	case $(skopeo inspect --raw oci:layout | jq -r ".layers[$1].mediaType") in
	*gzip) gzip -dc "$blob" ;;
	*zstd) zstd -dcq "$blob" ;;
	*) cat "$blob" ;;
	esac
}

@test "--format docker, with all that Docker's configuration has" {
	oci="oci.image.manifest.v1+json oci.image.config.v1+json"
	docker="docker.distribution.manifest.v2+json docker.container.image.v1+json"
	o=oci.image.layer.v1.tar+gzip
	d=docker.image.rootfs.diff.tar.gzip
	[ "$(form)" = "$oci $o $o $o" ]
	skopeo inspect --config --raw oci:layout >config
	[ "$(form --format docker)" = "$docker $d $d $d" ]
	skopeo inspect --config --raw oci:layout >docker
	cmp config docker
	jq -e '.config | .Healthcheck.Interval == 5000000000 and .OnBuild == ["RUN true"] and
		.Shell == ["/bin/sh", "-e", "-c"]' config
	build --format docker --platform linux/amd64,linux/arm64 -f - -o type=oci,dest=two ctx <<-'EOF'
		FROM scratch
		COPY busybox /bin/sh
	EOF
	skopeo inspect --raw oci:two | jq -e '.mediaType | endswith("manifest.list.v2+json")'
}

@test "a base in the one format, the image in the other" {
	docker_registry
	build --format docker -t "$registry/base:1" --push ctx
	printf 'FROM %s/base:1\nCOPY busybox /again\n' "$registry" >ctx/Dockerfile
	build -t "$registry/app:1" --push ctx
	raw app:1 | jq -e '[.layers[].mediaType] | unique == ["application/vnd.oci.image.layer.v1.tar+gzip"]'
	build --pull --format docker -t "$registry/app:2" --push ctx
	raw app:2 | jq -e '.layers | length == 4'
	raw app:2 | jq -e '[.layers[].mediaType] | unique == ["application/vnd.docker.image.rootfs.diff.tar.gzip"]'
}

@test "compressions: what comes out is the same, and does not depend on what was there" {
	need zstd
	form >/dev/null
	for n in 0 1 2; do layer $n >"plain-$n"; done
	for how in "--compression zstd" "--compression uncompressed" "--compression-level 9" \
		"--compression zstd --compression-level 9"; do
		# Out of what the store has as gzip, then from nothing, then from the cache.
		# shellcheck disable=SC2086
		first=$(build --source-date-epoch 1000 $how ctx)
		# shellcheck disable=SC2086
		[ "$(MAB_BUILD_ROOT=$PWD/other build --source-date-epoch 1000 $how ctx)" = "$first" ]
		# shellcheck disable=SC2086
		[ "$(build --source-date-epoch 1000 $how ctx)" = "$first" ]
		rm -r other
		# shellcheck disable=SC2086
		form $how >types
		for n in 0 1 2; do layer $n | cmp - "plain-$n"; done
	done
	[[ $(cat types) == *tar+zstd* ]]
	expect 2 build --compression uncompressed --compression-level 3 ctx
	has "$stderr" "of no use"
	expect 2 build --compression-level 10 ctx
	has "$stderr" "not a number from 1 to 9"
	expect 2 build --compression zstd --format docker ctx
	has "$stderr" "Docker's format has no layers compressed with zstd"
	expect 2 build --compression estargz ctx
	has "$stderr" "this version has no --compression=estargz"
}

@test "--squash: one layer, the same files" {
	form >/dev/null
	build -o whole ctx
	[ "$(form --squash | wc -w)" -eq 3 ]
	skopeo inspect --config oci:layout |
		jq -e '[.history[] | select(.empty_layer | not)] | length == 1'
	layer 0 | tar -tv >list
	mkdir squashed
	layer 0 | tar -x -C squashed
	diff -r whole squashed
	grep -q 'd/two' list
	run ! grep -q 'd/one\|sub/x\|\.wh\.' list
}

@test "--squash keeps the base, and hides what was removed of it" {
	docker_registry
	build -t "$registry/base:1" --push ctx
	cat >ctx/Dockerfile <<-EOF
		FROM $registry/base:1
		RUN rm /d/two
		RUN rm -r /d/sub
		RUN mkdir /d/sub && echo z >/d/sub/z && echo a >/d/a
		RUN ln /d/a /d/b && rm /d/a
	EOF
	build -o whole ctx
	form >/dev/null
	skopeo inspect --raw oci:layout | jq -r '.layers[].digest' | head -n 3 >before
	[ "$(form --squash | wc -w)" -eq 6 ]
	skopeo inspect --raw oci:layout | jq -r '.layers[].digest' | head -n 3 | cmp - before
	layer 3 | tar -t | sort >list
	grep -qx 'd/.wh.two' list
	grep -qx 'd/sub/.wh..wh..opq' list
	build -t squashed:1 --squash ctx
	printf 'FROM squashed:1\n' >ctx/Dockerfile
	build -o squashed ctx
	diff -r whole squashed
	[ "$(ls squashed/d/sub)" = z ]
}

@test "--squash hides nothing that the base does not have" {
	"$top_srcdir/tests/build/make-layers" ctx/busybox base=023
	cat >ctx/Dockerfile <<-'EOF'
		FROM base
		SHELL ["/busybox", "sh", "-c"]
		RUN mkdir /w && touch /w/tmp /w/keep
		RUN rm /w/tmp
		RUN rm -r /d/in
		RUN mkdir /d/in && touch /d/in/3 /d/in/keep
		RUN rm /d/in/3
		RUN mkdir /gone
		RUN rm -r /gone
	EOF
	mv layout base
	form --squash --build-context base=oci-layout://base >/dev/null
	layer 3 | tar -t >list
	diff - list <<-END
		d/
		d/in/
		d/in/.wh..wh..opq
		d/in/keep
		w/
		w/keep
	END
	cat >ctx/Dockerfile <<-'EOF'
		FROM squashed AS squashed
		RUN ["/busybox", "ls", "/w"]
		RUN ["/busybox", "rm", "-r", "/w"]
		FROM squashed
		COPY --from=squashed /d /copied
	EOF
	build --build-context squashed=oci-layout://layout ctx
}

@test "annotations of manifests, of one, of the index and of what is in it" {
	printf 'FROM scratch\nCOPY busybox /bin/sh\n' >ctx/Dockerfile
	build --platform linux/amd64,linux/arm64 -o type=oci-archive,dest=x \
		--annotation a=1 --annotation index:b=2 --annotation 'manifest[linux/arm64]:c=3' \
		--annotation index,manifest:com.example.x=y:z --annotation manifest-descriptor:d=4 ctx
	skopeo copy -q --all oci-archive:x dir:image
	jq -e '.annotations == {"b": "2", "com.example.x": "y:z"}' image/manifest.json
	jq -e '[.manifests[].annotations] == [{"d": "4"}, {"d": "4"}]' image/manifest.json
	for arch in amd64 arm64; do
		digest=$(jq -r ".manifests[] | select(.platform.architecture == \"$arch\").digest" image/manifest.json)
		jq -c '.annotations | del(.["org.opencontainers.image.created"])' \
			"image/${digest#*:}.manifest.json"
	done >given
	diff given - <<-'EOF'
		{"a":"1","com.example.x":"y:z"}
		{"a":"1","c":"3","com.example.x":"y:z"}
	EOF
	expect 2 build --annotation index:a=b ctx
	has "$stderr" "one platform has no index"
	expect 2 build --annotation index-descriptor:a=b ctx
	has "$stderr" "this version has no --annotation=index-descriptor"
	expect 2 build --annotation a=b --format docker ctx
	has "$stderr" "no annotations"
	expect 2 build --annotation ab ctx
	has "$stderr" "is not NAME=VALUE"
}

@test "annotations of where an image comes from" {
	docker_registry
	build -t "$registry/base:1" --push --source-date-epoch 1000 ctx
	base=$(raw base:1 | sha256sum | cut -d' ' -f1)
	raw base:1 | jq -e '.annotations == {"org.opencontainers.image.created": "1970-01-01T00:16:40Z"}'
	printf 'FROM %s/base:1 AS one\nFROM one\nCOPY busybox /again\n' "$registry" >ctx/Dockerfile
	build --pull -t "$registry/app:1" --push --annotation org.opencontainers.image.created=now ctx
	raw app:1 | jq -e --arg digest "sha256:$base" --arg name "$registry/base:1" '.annotations == {
		"org.opencontainers.image.created": "now",
		"org.opencontainers.image.base.digest": $digest,
		"org.opencontainers.image.base.name": $name}'
}

@test "--rewrite-timestamp goes with a time" {
	expect 2 build --rewrite-timestamp ctx
	has "$stderr" "needs a time"
	build --rewrite-timestamp --source-date-epoch 1000 -o type=oci,dest=layout ctx
	layer 1 | tar --full-time -tv | grep -q '1970-01-01 00:16:40 d/two'
}

@test "an ARG has the time, wherever that was given" {
	cat >asks <<-'EOF'
		ARG SOURCE_DATE_EPOCH
		FROM scratch AS at77
		COPY busybox /
		FROM at$SOURCE_DATE_EPOCH
		ARG SOURCE_DATE_EPOCH
		LABEL at=<$SOURCE_DATE_EPOCH>
	EOF
	at()
	{
		build -f asks -o type=oci,dest=layout "$@" ctx 2>&1
		[ "$(skopeo inspect --config oci:layout | jq -r .config.Labels.at)" = "<77>" ]
		rm -r layout
	}
	at --build-arg SOURCE_DATE_EPOCH=77
	at --source-date-epoch 77
	at --timestamp 77
	SOURCE_DATE_EPOCH=77 at
	SOURCE_DATE_EPOCH=78 at --source-date-epoch 77
	at --source-date-epoch 78 --build-arg SOURCE_DATE_EPOCH=77
	SOURCE_DATE_EPOCH=77 run build -o type=oci,dest=layout ctx
	[ "$status" -eq 0 ]
	[[ $output != *"no ARG"* ]]
	skopeo inspect --config --raw oci:layout >config
	[ "$(grep -c SOURCE_DATE_EPOCH config)" = 0 ]
}

@test "the configuration goes on from the base's, without what is only of that" {
	docker_registry
	mkdir saved
	tar -cf saved/layer.tar -C ctx busybox
	diff_id=sha256:$(sha256sum <saved/layer.tar | cut -d' ' -f1)
	jq -n --arg id "$diff_id" '{os: "linux", architecture: "arm", variant: "v7",
		"os.version": "1.2", created: "2001-02-03T04:05:06.7Z", author: "them",
		container: "x", container_config: {Cmd: ["x"]}, docker_version: "20", "x-own": 1,
		config: {Image: "sha256:1", Env: ["A=b"], OnBuild: ["LABEL on=build"], Hostname: ""},
		rootfs: {type: "layers", diff_ids: [$id]},
		history: [{created: "2001-02-03T04:05:06Z", created_by: "made", comment: "once"},
			{created: "2001-02-03T04:05:06Z", created_by: "ENV A=b", empty_layer: true}]}' \
		>saved/config.json
	echo '[{"Config":"config.json","RepoTags":null,"Layers":["layer.tar"]}]' >saved/manifest.json
	tar -cf archive -C saved config.json layer.tar manifest.json
	mab copy docker-archive:archive "$registry/base:1"
	printf 'FROM %s/base:1\nCOPY busybox /new\nLABEL a=b\n' "$registry" >ctx/Dockerfile
	form --platform linux/arm/v7 --source-date-epoch 1000 >/dev/null
	skopeo inspect --config --raw oci:layout >config
	jq -e --arg id "$diff_id" '.variant == "v7" and ."os.version" == "1.2" and
		.created == "1970-01-01T00:16:40Z" and .author == "them" and
		(.rootfs.diff_ids | length == 2) and .rootfs.diff_ids[0] == $id and
		.config.Labels == {"on": "build", "a": "b"} and (.config | has("OnBuild") | not) and
		."x-own" == 1' config
	jq -e '[has("container", "container_config", "docker_version"), (.config | has("Image"))] |
		any | not' config
	jq -c '.history[] | [.created_by, .comment, .empty_layer]' config >history
	diff history - <<-'EOT'
		["made","once",null]
		["ENV A=b",null,true]
		["LABEL on=build",null,true]
		["COPY busybox /new",null,null]
		["LABEL a=b",null,true]
	EOT
}
