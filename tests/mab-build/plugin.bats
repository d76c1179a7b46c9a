#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# runs in: private namespaces
# As a CI runner starts it: settings in the environment, a workspace, no words; a registry
# with a password and a certificate that nobody signed.

load ../build/helpers

setup() {
	program=$(readlink -f "${top_builddir:-build}/mab-build")
	build_setup
	need openssl htpasswd
	workspace <<-'EOF'
		FROM scratch
		ARG TARGETARCH
		ARG VERSION=none
		COPY busybox-$TARGETARCH /bin/busybox
		RUN ["/bin/busybox", "sh", "-c", "/bin/busybox uname -m >/arch"]
		LABEL version=$VERSION
	EOF
	htpasswd -Bbn user 'pass word' >users
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
		-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
	docker_registry "auth: {htpasswd: {realm: test, path: $PWD/users}}" \
		"http:tls: {certificate: $PWD/cert.pem, key: $PWD/key.pem}"
}

teardown() {
	registry_teardown
}

# plugin SETTING=VALUE...
plugin() {
	(
		cd workspace || exit
		timeout --signal=KILL 100 env -i PATH="$PATH" HOME="$HOME" TMPDIR="$TMPDIR" \
			MAB_BUILD_ROOT="$MAB_BUILD_ROOT" "${@/#/PLUGIN_}" \
			"$program"
	)
}

platforms_of() # REPO:TAG
{
	# shellcheck disable=SC2154 # docker_registry says where it is
	skopeo inspect --tls-verify=false --creds 'user:pass word' --raw "docker://$registry/$1" |
		jq -r '[.manifests[].platform.architecture] | join(" ")'
}


@test "both platforms, with user, password, registry, repo, dockerfile, insecure" {
	run plugin USERNAME=user "PASSWORD=pass word" REGISTRY="$registry" REPO=team/app \
		DOCKERFILE=Dockerfile.ci INSECURE=true PLATFORM=linux/amd64,linux/arm64
	[ "$status" = 0 ]
	[[ $output != *"pass word"* ]]
	[ "$(platforms_of team/app:latest)" = "amd64 arm64" ]
	[ -z "$(find . -name 'mab-build.*' -not -path './workspace/*' -maxdepth 1)" ]
	run grep -r "pass word" store workspace
	[ "$status" = 1 ]
}

@test "tags, arguments, results" {
	echo '1.0,1' >workspace/.tags
	run plugin USERNAME=user "PASSWORD=pass word" REGISTRY="$registry" INSECURE=true \
		REPO="$registry/app" DOCKERFILE=Dockerfile.ci BUILD_ARGS=VERSION=7 \
		ARTIFACT_FILE=../artifact METADATA_FILE=../metadata TAR_PATH=../image.tar
	[ "$status" = 0 ]
	[ "$(jq -r '[.data.images[].image] | join(" ")' artifact)" = \
		"$registry/app:1.0 $registry/app:1" ]
	digest=$(jq -r '.["containerimage.digest"]' metadata)
	[ "$(jq -r '.data.images[0].digest' artifact)" = "$digest" ]
	[ "$(skopeo inspect --tls-verify=false --creds 'user:pass word' \
		--config "docker://$registry/app:1" | jq -r .config.Labels.version)" = 7 ]
	skopeo inspect docker-archive:image.tar >/dev/null
}

@test "a wrong password is told before anything is built" {
	run plugin USERNAME=user PASSWORD=Xyzzy-9 REGISTRY="$registry" INSECURE=true \
		REPO=app DOCKERFILE=Dockerfile.ci
	[ "$status" = 1 ]
	[[ $output == *"$registry"* && $output != *Xyzzy* && $output != *COPY* ]]
}

@test "nothing to do is no failure; what is unknown is named" {
	run plugin REPO=app AUTO_TAG=true DOKERFILE=x MTU=1
	[ "$status" = 1 ]
	[[ $output == *"CI_COMMIT_REF"* ]]
	run env -i PATH="$PATH" CI_COMMIT_REF=refs/heads/other CI_REPO_DEFAULT_BRANCH=main \
		PLUGIN_REPO=app PLUGIN_AUTO_TAG=true PLUGIN_DOKERFILE=x PLUGIN_MTU=1 \
		"$program"
	[ "$status" = 0 ]
	[[ $output == *"there is no setting DOKERFILE (did you mean DOCKERFILE?)"* ]]
	[[ $output == *"nothing to tag"* ]]
}

@test "a password for a base alone: CONFIG" {
	auth=$(printf 'user:pass word' | base64)
	run plugin INSECURE=true REGISTRY="$registry" REPO=app DOCKERFILE=Dockerfile.ci \
		CONFIG="{\"auths\": {\"$registry\": {\"auth\": \"$auth\"}}}"
	[ "$status" = 0 ]
	[ "$(skopeo inspect --tls-verify=false --creds 'user:pass word' \
		"docker://$registry/app:latest" | jq -r .Architecture)" = amd64 ]
}
