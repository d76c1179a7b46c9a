#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# A store on which no overlay can be: steps run in copies, and give the same images.

load helpers

setup() {
	build_setup
	export SOURCE_DATE_EPOCH=1700000000
	mkdir lower upper work no-overlay
	mount -t tmpfs none upper
	mkdir upper/upper upper/work
	mount -t overlay -o lowerdir=lower,upperdir=upper/upper,workdir=upper/work none no-overlay
	mkdir ctx
	cp "$(busybox_of linux/amd64)" ctx/busybox
	echo text >ctx/file
}

teardown() {
	umount no-overlay upper
	registry_teardown
}

# both_ways [OPTION...]: builds on either kind of store and compares the digests.
both_ways() {
	build --root "$PWD/store" --iidfile overlay.id "$@" ctx >overlay.log 2>&1 ||
		{ cat overlay.log; return 1; }
	build --root "$PWD/no-overlay/store" --iidfile copies.id "$@" ctx >copies.log 2>&1 ||
		{ cat copies.log; return 1; }
	grep -q 'steps run in copies of their layers' copies.log
	[ "$(grep -c 'steps run in copies' overlay.log)" = 0 ]
	cat overlay.id copies.id
	cmp overlay.id copies.id
}

@test "what a step adds, changes and removes" {
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		COPY busybox /bin/busybox
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		RUN mkdir -p /a/b/c /gone/deep /swap /keep && echo 1 >/a/b/c/1 && echo 2 >/a/2 && touch /gone/deep/x /swap/inner /keep/this
		RUN echo changed >/a/b/c/1 && rm -r /gone && rm /a/2 && rm -r /swap && echo file >/swap
		RUN chmod 4755 /a/b/c/1 && rm /swap && mkdir /swap && touch /swap/other && chown 5:6 /keep/this
		RUN ln /keep/this /keep/that && ln -s nowhere /keep/link && mkfifo /keep/fifo && chmod 700 /keep
		RUN rm -r /a/b && mkdir /a/b && echo new >/a/b/new
		RUN true
		RUN find / -xdev ! -name list | sort >/list
	EOF
	both_ways
	[ ! -e no-overlay/store/tmp ] || [ "$(find no-overlay/store/tmp -mindepth 1 | wc -l)" = 0 ]
}

@test "stages, COPY in between, heredocs" {
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch AS base
		COPY busybox /bin/busybox
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		FROM base AS one
		RUN mkdir /one && echo one >/one/file && rm /bin/vi
		FROM base
		COPY file /from-context
		RUN <<SCRIPT
			cat /from-context >/copied
			rm /from-context
		SCRIPT
		COPY --from=one /one /here
		RUN cat /here/file >>/copied && ls /bin >>/copied
	EOF
	both_ways
}

@test "whiteouts that hide nothing, in layers of others" {
	"$top_srcdir/tests/build/make-layers" ctx/busybox 9=09 ab=0ab
	for name in 9 ab; do
		cat <<-EOF
			FROM of$name AS of$name
			SHELL ["/busybox", "sh", "-c"]
			RUN ls /hides >/seen && rm -r /hides
			FROM of$name AS again$name
			SHELL ["/busybox", "sh", "-c"]
			RUN touch /hides/gone && rm /hides/gone && ls /hides >/seen
		EOF
	done >ctx/Dockerfile
	cat >>ctx/Dockerfile <<-'EOF'
		FROM of9
		COPY --from=of9 / /1
		COPY --from=again9 / /2
		COPY --from=ofab / /3
		COPY --from=againab / /4
	EOF
	both_ways --build-context of9=oci-layout://layout:9 --build-context ofab=oci-layout://layout:ab
}

@test "bind mounts: of stages and of the context, also to write to" {
	echo file.log >ctx/.dockerignore
	touch ctx/file.log
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch AS base
		COPY busybox /bin/busybox
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		FROM base AS one
		RUN echo one >/one
		FROM base
		RUN --mount=from=one,target=/m cat /m/one >/read
		RUN --mount=from=one,target=/m,rw echo two >/m/one && cat /m/one >>/read
		RUN --mount=from=one,target=/m cat /m/one >>/read
		RUN --mount=target=/c ls /c >>/read
		RUN --mount=target=/c,rw echo other >/c/file && cat /c/file >>/read
		RUN --mount=target=/c cat /c/file >>/read
	EOF
	both_ways -o type=oci-archive,dest=image.tar
	[ "$(cat ctx/file)" = text ]
	skopeo copy -q oci-archive:image.tar dir:image
	layer=$(jq -r '.layers[-1].digest' image/manifest.json)
	[ "$(tar -xzOf "image/${layer#sha256:}" read | tr '\n' ' ')" = \
		"one two one Dockerfile busybox file other text " ]
}

@test "a step that fails leaves nothing; what was cached stays" {
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		COPY busybox /bin/busybox
		RUN ["/bin/busybox", "--install", "-s", "/bin"]
		RUN touch /made && exit 3
	EOF
	run build --root "$PWD/no-overlay/store" ctx
	[ "$status" = 1 ]
	sed -i 's/ && exit 3//' ctx/Dockerfile
	run build --root "$PWD/no-overlay/store" ctx
	[ "$status" = 0 ]
	[[ $output == *"2/3] CACHED"* ]]
	[ "$(find no-overlay/store/tmp -mindepth 1 | wc -l)" = 0 ]
}

@test "files as outputs, and one layer out of many" {
	cat >ctx/Dockerfile <<-'EOF'
		FROM scratch
		COPY busybox /bin/sh
		RUN mkdir /a /b && echo 1 >/a/1 && ln /a/1 /a/2 && echo x >/b/x && chmod 4755 /a/1
		RUN rm -r /b && mkdir /b && chown 5:6 /b
	EOF
	for where in . no-overlay; do
		build --root "$PWD/$where/store" -o "$PWD/$where/out" \
			-o "type=tar,dest=$PWD/$where/out.tar" ctx
		build --root "$PWD/$where/store" --squash --iidfile "$where/squashed" ctx
	done
	diff -r out no-overlay/out
	cmp out.tar no-overlay/out.tar
	cmp squashed no-overlay/squashed
	tar -tf out.tar | grep -qx a/2
	# Such a file system moves no folders either.
	for _ in 1 2; do
		build --root "$PWD/store" -o no-overlay/out -o type=oci-archive,dest=archive ctx
		diff -r out no-overlay/out
		mab copy oci-archive:archive dir:no-overlay/dir
		mab copy dir:no-overlay/dir oci-archive:again
		cmp archive again
	done
	[ -z "$(find no-overlay -name '*.tmp*')" ]
}
