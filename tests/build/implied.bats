#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Folders that a layer mentions only by what is in them look as the layers below have them.

load helpers

setup() {
	build_setup
	base linux/amd64
}

teardown() {
	registry_teardown
}

# derive NAME FROM: an image whose last layer is one file, /data/in/file, without an entry
# for its folders. Its bytes are the same each time.
derive()
{
	python3 - "$1" "$2" <<-'EOF'
		import gzip, hashlib, io, json, os, subprocess, sys, tarfile
		name, base = sys.argv[1], sys.argv[2]
		subprocess.run(["skopeo", "copy", "-q", "--src-tls-verify=false", "docker://" + base,
		                "oci:" + name], check=True)

		def read(digest):
		    with open(name + "/blobs/sha256/" + digest[7:], "rb") as f:
		        return f.read()

		def write(data):
		    digest = hashlib.sha256(data).hexdigest()
		    with open(name + "/blobs/sha256/" + digest, "wb") as f:
		        f.write(data)
		    return {"digest": "sha256:" + digest, "size": len(data)}

		tar = io.BytesIO()
		with tarfile.open(fileobj=tar, mode="w") as t:
		    entry = tarfile.TarInfo("data/in/file")
		    entry.size = 3
		    t.addfile(entry, io.BytesIO(b"in\n"))
		index = json.load(open(name + "/index.json"))
		manifest = json.loads(read(index["manifests"][0]["digest"]))
		config = json.loads(read(manifest["config"]["digest"]))
		config["rootfs"]["diff_ids"].append(
		    "sha256:" + hashlib.sha256(tar.getvalue()).hexdigest())
		config["history"].append({"created_by": "derive"})
		layer = write(gzip.compress(tar.getvalue(), mtime=0))
		layer["mediaType"] = manifest["layers"][0]["mediaType"]
		manifest["layers"].append(layer)
		manifest["config"].update(write(json.dumps(config).encode()))
		index["manifests"][0].update(write(json.dumps(manifest).encode()))
		json.dump(index, open(name + "/index.json", "w"))
	EOF
	skopeo copy -q --dest-tls-verify=false "oci:$1" "docker://$registry/$1:1"
}

# below NAME COMMAND...: a base with /data, and derive's layer on it.
below()
{
	printf 'FROM %s\nRUN mkdir -p /data/in && %s\n' "$registry/base:1" "$2" >ctx/Dockerfile
	build --platform linux/amd64 -t "$registry/$1-base:1" --push ctx
	derive "$1" "$registry/$1-base:1"
}

@test "each base's own owner and mode, with one layer on both" {
	below first 'chown 5:6 /data && chmod 711 /data && chmod 1777 /data/in'
	below second 'chmod 2750 /data && chown 7 /data/in'
	cat >ctx/Dockerfile <<-EOF
		FROM $registry/first:1 AS first
		RUN stat -c '%n %u:%g %a' /data /data/in >/stat
		FROM $registry/second:1 AS second
		RUN stat -c '%n %u:%g %a' /data /data/in >/stat
		FROM $registry/base:1
		COPY --from=first /stat /first
		COPY --from=second /stat /second
		RUN cat /first /second
	EOF
	# Once in one build, then from what the store has.
	for _ in 1 2; do
		export MAB_BUILD_ROOT=$PWD/other
		run build --platform linux/amd64 --no-cache ctx
		[ "$status" -eq 0 ]
		[[ $output == *"/data 5:6 711"*"/data/in 0:0 1777"* ]]
		[[ $output == *"/data 0:0 2750"*"/data/in 7:0 755"* ]]
	done
	[ "$(find other/snapshots -path '*/fs/data/in/file' | wc -l)" -eq 2 ]
}

@test "a base that was there before does not decide" {
	below first 'chown 5:6 /data'
	below second 'true'
	export MAB_BUILD_ROOT=$PWD/other
	for name in first second; do
		printf 'FROM %s\nRUN stat -c "%%n %%u:%%g" /data\n' "$registry/$name:1" >ctx/Dockerfile
		build --platform linux/amd64 ctx 2>$name.log
	done
	grep -q '/data 5:6' first.log
	grep -q '/data 0:0' second.log
}
