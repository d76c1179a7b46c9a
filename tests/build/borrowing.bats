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

# images NAME=LAYERS...: images in $registry, of layers 0 to 7, lowest first. 0 has a busybox;
# the others have a file each in /d, but only two of them the folder itself, each differently.
# 7 is no archive.
images()
{
	python3 - "$busybox" "$@" <<-'EOF'
		import gzip, hashlib, io, json, os, random, sys, tarfile
		os.makedirs("layout/blobs/sha256")
		random.seed(1)
		def blob(data, kind):
		    name = hashlib.sha256(data).hexdigest()
		    with open("layout/blobs/sha256/" + name, "wb") as f:
		        f.write(data)
		    return {"mediaType": "application/vnd.oci.image." + kind,
		            "digest": "sha256:" + name, "size": len(data)}
		def layer(number):
		    if number == 7:
		        return b"none" * 1000
		    out = io.BytesIO()
		    with tarfile.open(fileobj=out, mode="w") as t:
		        if number in (1, 6):
		            folder = tarfile.TarInfo("d")
		            folder.type = tarfile.DIRTYPE
		            folder.mode = 0o710 if number == 1 else 0o701
		            folder.uid, folder.gid = (7, 8) if number == 1 else (9, 10)
		            t.addfile(folder)
		        name = "d/in/%d" % number if number else "busybox"
		        data = random.randbytes(1 << 20) if number else open(sys.argv[1], "rb").read()
		        file = tarfile.TarInfo(name)
		        file.size, file.mode = len(data), 0o755
		        t.addfile(file, io.BytesIO(data))
		    return out.getvalue()
		tars = [layer(number) for number in range(8)]
		layers = [blob(gzip.compress(tar, 1, mtime=0), "layer.v1.tar+gzip") for tar in tars]
		manifests = []
		for word in sys.argv[2:]:
		    name, _, numbers = word.partition("=")
		    numbers = [int(n) for n in numbers]
		    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers",
		        "diff_ids": ["sha256:" + hashlib.sha256(tars[n]).hexdigest() for n in numbers]}}
		    manifest = blob(json.dumps({"schemaVersion": 2,
		        "mediaType": "application/vnd.oci.image.manifest.v1+json",
		        "config": blob(json.dumps(config).encode(), "config.v1+json"),
		        "layers": [layers[n] for n in numbers]}).encode(), "manifest.v1+json")
		    manifest["annotations"] = {"org.opencontainers.image.ref.name": name}
		    manifests.append(manifest)
		with open("layout/index.json", "w") as f:
		    json.dump({"schemaVersion": 2, "manifests": manifests}, f)
		with open("layout/oci-layout", "w") as f:
		    f.write('{"imageLayoutVersion": "1.0.0"}')
	EOF
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
			RUN ["/busybox", "cmp", "/d/in/1", "/d/in/1"]
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
