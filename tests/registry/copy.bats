#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# copy, inspect and tags with a real registry; skopeo looks at what arrived.

load helpers

setup()
{
	registry_setup
	index=$("$here/make-image" src)
}

teardown()
{
	registry_teardown
}

@test "an index goes up and comes down as it was" {
	docker_registry
	expect 0 mab copy --all oci:src:app "docker://$registry/some/app:1"
	[ "$output" = "$index" ]
	expect 0 mab copy -a "$registry/some/app:1" oci:back:x
	[ "$output" = "$index" ]
	same_blobs src back
	expect 0 mab copy --all "$registry/some/app@$index" oci:back2
	same_blobs src back2
}

@test "skopeo reads what was pushed, and the other way round" {
	need skopeo
	docker_registry
	mab copy --all oci:src:app "$registry/app:1"
	skopeo copy -q --all --src-tls-verify=false "docker://$registry/app:1" oci:back
	same_blobs src back
	skopeo inspect --tls-verify=false --override-arch arm64 "docker://$registry/app:1" |
		jq -e '.Architecture == "arm64" and .Env == ["A=arm64"]'
	skopeo copy -q --all --dest-tls-verify=false oci:src:app "docker://$registry/theirs:1"
	expect 0 mab copy --all "$registry/theirs:1" oci:ours
	same_blobs src ours
}

@test "a large layer goes up in one part, and each blob once" {
	rm -r src
	index=$("$here/make-image" src 3000000)
	docker_registry
	mab copy --all oci:src:app "$registry/app:1"
	mab copy --all "$registry/app:1" oci:back
	same_blobs src back
	[ "$(requests '"PATCH ' registry.log)" -eq 3 ]
	# Four configurations and layers of one platform each, and the shared one.
	[ "$(requests '"PUT /v2/app/blobs' registry.log)" -eq 7 ]
}

@test "manifests come before the index, the tag last" {
	docker_registry
	mab copy --all oci:src:app "$registry/app:1"
	grep -o '"PUT [^ ]*' registry.log >puts
	tail -n 1 puts | grep -qx '"PUT /v2/app/manifests/1'
	[ "$(tail -n 4 puts | grep -c manifests/sha256)" -eq 3 ]
	[ "$(grep -c manifests puts)" -eq 4 ]
}

@test "a second tag, a second push and another repository move no blob" {
	docker_registry
	mab copy --all oci:src:app "$registry/app:1"
	: >registry.log
	mab copy --all oci:src:app "$registry/app:1"
	[ "$(requests 'HTTP/1.1\\?" [0-9]' registry.log)" -le 2 ]
	mab copy --all "$registry/app:1" "$registry/app:2"
	mab copy --all "$registry/app:1" "$registry/other/app:1"
	[ "$(requests '"(PATCH|GET [^ ]*/blobs/)' registry.log)" -eq 0 ]
	mab copy --all "$registry/other/app:1" oci:back
	same_blobs src back
}

@test "one platform out of an index" {
	docker_registry
	mab copy --all oci:src:app "$registry/app:1"
	expect 0 mab copy --platform linux/arm/v7 "$registry/app:1" oci:one
	expect 0 mab inspect --config oci:one
	[ "$(jq -r .architecture <<<"$output")" = arm ]
	expect 0 mab inspect --config --platform arm64 "$registry/app:1"
	[ "$(jq -r .variant <<<"$output")" = v8 ]
	expect 1 mab copy --platform s390x "$registry/app:1" oci:none
	has "$stderr" "there is no image for linux/s390x, only for linux/amd64, linux/arm64/v8, linux/arm/v7"
	[ ! -e none ]
}

@test "between layouts" {
	expect 0 mab copy --all oci:src:app oci:back:x
	same_blobs src back
	truncate -s -1 "src/blobs/sha256/$(jq -r '.layers[1].digest[7:]' <<<"$(mab inspect --raw --platform arm64 oci:src)")"
	expect 1 mab copy --all oci:src:app oci:other
	has "$stderr" "is damaged"
	expect 1 mab inspect oci:other
}

@test "inspect and tags" {
	docker_registry
	mab copy --all oci:src:app "$registry/app:b"
	mab copy --all oci:src:app "$registry/app:a"
	expect 0 mab tags "docker://$registry/app"
	[ "$output" = $'a\nb' ]
	expect 0 mab inspect "$registry/app:a"
	[ "$(jq -r .digest <<<"$output")" = "$index" ]
	[ "$(jq -r '.images[2].platform' <<<"$output")" = linux/arm/v7 ]
	expect 0 mab inspect --platform amd64 "$registry/app:a"
	[ "$(jq -r '.env[0], .platform, (.layers | length)' <<<"$output")" = $'A=amd64\nlinux/amd64\n2' ]
	mab inspect --raw "$registry/app:a" | cmp - "src/blobs/sha256/${index#sha256:}"
}

@test "what is not there" {
	docker_registry
	expect 1 mab inspect "$registry/app:1"
	has "$stderr" "cannot read $registry/app:1: $registry answered 404: manifest unknown"
	has "$stderr" "; the command 'tags' lists those that there are"
	expect 1 mab tags "$registry/app"
	has "$stderr" "cannot list the tags of $registry/app: $registry answered 404: "
	expect 1 mab inspect oci:none
	has "$stderr" "cannot open the image layout none: No such file"
	expect 1 mab inspect oci:src:other
	has "$stderr" "has no image 'other', only: app"
}

@test "wrong command lines" {
	expect 2 mab copy oci:src
	expect 2 mab copy --all --platform arm64 oci:src oci:back
	expect 2 mab copy oci:src "r.example/App"
	has "$stderr" "a path has lower-case letters only at character 11 ('A')"
	expect 2 mab copy oci: oci:back
	expect 2 mab inspect --raw --config oci:src
	expect 2 mab tags oci:src
	expect 2 mab inspect --tls-verify=maybe oci:src
	expect 2 mab inspect --retry=-1 oci:src
}

@test "inspect --format: values as skopeo has them, and what is no value" {
	need skopeo
	mkdir ctx
	printf 'FROM scratch\nLABEL b=2 a="1 \\"x"\nENV A=B C=D\n' >ctx/Dockerfile
	mab build -o type=oci,dest=labels ctx
	for format in '{{.Digest}}' '{{.Labels}} {{.Env}}' '{{index .Labels "b"}}-{{index .Labels "none"}}' '{{.Architecture}}/{{.Os}}: {{.Layers}}' \
		'{{.Labels.a}}'; do
		expect 0 mab inspect --format "$format" oci:labels
		[ "$output" = "$(skopeo inspect --format "$format" oci:labels)" ]
	done
	expect 0 mab inspect -f '{{json .Labels}} {{json .Cmd}}' oci:labels
	[ "$output" = '{"a":"1 \"x","b":"2"} []' ]
	expect 0 mab inspect -f 'a\n\t{{ .Os }}' oci:labels
	[ "$output" = $'a\n\tlinux' ]
	# The digest is that of what was named, the rest of the image for this machine.
	expect 0 mab inspect -f '{{.Digest}}' oci:src
	[ "$output" = "$index" ]
	mab inspect -f '{{json .}}' oci:labels | jq -e '.Labels.b == "2" and .Os == "linux"'
	expect 0 mab inspect -f '{{.Architecture}}' --platform arm64 oci:src
	[ "$output" = arm64 ]
	expect 0 mab inspect -f '{{.Labels.none}}-{{json .Labels.none}}-{{.Annotations.none}}-{{index .Annotations "none"}}-{{.Labels.a}}' oci:labels
	[ "$output" = '-""---1 "x' ]
	expect 1 mab inspect -f '{{.Label.a}}' oci:labels
	has "$stderr" "there is no 'Label', only: Name, Digest,"
	expect 1 mab inspect -f '{{.Os.none}}' oci:labels
	has "$stderr" "there is no 'none', only: nothing"
	expect 1 mab inspect -f '{{index . "Label"}}' oci:labels
	expect 1 mab inspect -f '{{.Nothing}}' oci:labels
	has "$stderr" "--format: there is no 'Nothing', only: Name, Digest,"
	expect 1 mab inspect -f 'x {{range .Env}}{{end}}' oci:labels
	has "$stderr" "--format has no '{{range .Env}}' (there are {{.Name}},"
	expect 1 mab inspect -f '{{.Digest' oci:labels
	has "$stderr" "has no }}"
	expect 1 mab inspect -f '{{index .Labels b}}' oci:labels
	has "$stderr" "the key b has no quotes"
	expect 2 mab inspect -f x --raw oci:labels
}
