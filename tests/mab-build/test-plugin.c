/* SPDX-License-Identifier: MIT */
/* From a CI runner's variables to a build. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "mab-build/plugin-settings.h"
#include "mab-build/plugin-tags.h"
#include "tests/tap.h"

static char *joined(const struct strv *list)
{
	struct strbuf s = STRBUF_INIT;

	for (size_t i = 0; i < list->n; i++)
		strbuf_addf(&s, "%s%s", i ? " " : "", list->v[i]);
	return strbuf_take(&s);
}

/* wanted NULL: the ref is refused. */
static void check_tags(const char *ref, const char *suffix, const char *wanted)
{
	AUTO_STRV struct strv tags = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *text = NULL;
	int r = plugin_tags(&tags, ref, "main", suffix, &e);

	text = joined(&tags);
	if (!wanted)
		ok(r == -EINVAL && strstr(e.text, ref + 10), "%s is no version", ref);
	else
		is_str(text ? text : "", wanted, ref);
}

static void test_tags(void)
{
	check_tags("refs/tags/v1.2.3", NULL, "1 1.2 1.2.3");
	check_tags("refs/tags/1.2.3", "", "1 1.2 1.2.3");
	check_tags("refs/tags/v1.2.3", "alpine", "1-alpine 1.2-alpine 1.2.3-alpine");
	check_tags("refs/tags/v0.9.1", NULL, "0.9 0.9.1");
	check_tags("refs/tags/v18.06.00", NULL, "18 18.06 18.06.00");
	check_tags("refs/tags/v1.0.0-rc.1", NULL, "1.0.0-rc.1");
	check_tags("refs/tags/v1.0.0+linux.7", NULL, "1.0.0_linux.7");
	check_tags("refs/tags/v1.0.0-rc1+x", "slim", "1.0.0-rc1_x-slim");
	check_tags("refs/heads/main", NULL, "latest");
	check_tags("refs/heads/main", "slim", "slim");
	check_tags("refs/heads/feature", NULL, "");
	check_tags("refs/heads/main2", NULL, "");
	check_tags("refs/pull/1/head", NULL, "");
	check_tags("refs/tags/v1.2", NULL, NULL);
	check_tags("refs/tags/v1", NULL, NULL);
	check_tags("refs/tags/release", NULL, NULL);
	check_tags("refs/tags/v1.2.3.4", NULL, NULL);
	check_tags("refs/tags/v1.2.3-", NULL, NULL);
	check_tags("refs/tags/v1.2.3-a..b", NULL, NULL);
	check_tags("refs/tags/v1.2.3+", NULL, NULL);
	check_tags("refs/tags/vv1.2.3", NULL, NULL);
}

/* One plan; checks look at it by text. */
static struct plugin_plan plan;
static struct err error = ERR_INIT;

static int make(const char *tags_file, const char *const *environment)
{
	plugin_plan_free(&plan);
	err_free(&error);
	error = (struct err)ERR_INIT;
	plan.created = "2026-01-02T03:04:05Z";
	return plugin_plan_make(&plan, environment, tags_file, &error);
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void words_are(const char *wanted, const char *what)
{
	AUTO_FREE char *text = joined(&plan.words);

	is_str(text ? text : "", wanted, what);
}

static void test_pipeline(void)
{
	make(NULL, ENV("PLUGIN_USERNAME=me", "PLUGIN_PASSWORD=secret word",
		       "PLUGIN_REGISTRY=https://registry.example.org/v1/",
		       "PLUGIN_REPO=registry.example.org/team/app",
		       "PLUGIN_DOCKERFILE=docker/Dockerfile", "PLUGIN_INSECURE=true",
		       "PLUGIN_PLATFORM=linux/amd64,linux/arm64", "PLUGIN_AUTO_LABEL=no",
		       "PLUGIN_PULL_IMAGE=false"));
	words_are("--push --tls-verify=false --file=docker/Dockerfile "
		  "--platform=linux/amd64 --platform=linux/arm64 "
		  "--tag=registry.example.org/team/app:latest",
		  "the pipeline that everybody has");
	is_str(plan.registry, "registry.example.org", "the registry without its scheme");
	is_str(plan.username, "me", "the user");
	is_str(plan.password, "secret word", "the password");
	is_str(plan.context, ".", "the workspace is the context");
	ok(plan.push && plan.insecure && plan.purge, "what is on");
	is_int((long)plan.notes.n, 0, "nothing to say");
}

static void test_destination(void)
{
	make("1.0, 1\nlatest\n", ENV("PLUGIN_REPO=team/app", "PLUGIN_AUTO_LABEL=false",
				     "PLUGIN_PULL_IMAGE=0"));
	words_are("--push --tag=team/app:1.0 --tag=team/app:1 --tag=team/app:latest",
		  "tags from the file in the workspace");
	is_str(plan.registry, "docker.io", "Docker's own registry");
	make("1.0", ENV("PLUGIN_REPO=app", "PLUGIN_REGISTRY=localhost:5000",
			"PLUGIN_TAGS=[\"a\", \"b\"]", "PLUGIN_AUTO_LABEL=false",
			"PLUGIN_PULL_IMAGE=false"));
	words_are("--push --tag=localhost:5000/app:a --tag=localhost:5000/app:b",
		  "tags that were set, and the registry before the name");
	is_int(make(NULL, ENV("PLUGIN_TAG=x")), -EINVAL, "a push without a name");
	ok(strstr(error.text, "REPO"), "is told");
	is_int(make(NULL, ENV("PLUGIN_REPO=x", "PLUGIN_USERNAME=me")), -EINVAL,
	       "a user without a password");
	ok(strstr(error.text, "PASSWORD"), "is told");
	is_int(make(NULL, ENV("PLUGIN_DRY_RUN=true", "PLUGIN_AUTO_LABEL=false",
			      "PLUGIN_PULL_IMAGE=false")),
	       0, "without a push no name is needed");
	words_are("", "and nothing is set");
}

static void test_automatic(void)
{
	make(NULL, ENV("PLUGIN_REPO=app", "PLUGIN_AUTO_TAG=true",
		       "DRONE_COMMIT_REF=refs/tags/v1.2.3", "PLUGIN_AUTO_TAG_SUFFIX=arm",
		       "DRONE_COMMIT_SHA=abc", "CI_REPO_URL=https://example.org/r",
		       "PLUGIN_PULL_IMAGE=false"));
	words_are("--push --label=org.opencontainers.image.created=2026-01-02T03:04:05Z "
		  "--label=org.opencontainers.image.revision=abc "
		  "--label=org.opencontainers.image.url=https://example.org/r "
		  "--tag=app:1-arm --tag=app:1.2-arm --tag=app:1.2.3-arm",
		  "tags and labels from the commit");
	is_int(make(NULL,
		    ENV("PLUGIN_REPO=app", "PLUGIN_DEFAULT_TAGS=true",
			"CI_COMMIT_REF=refs/heads/x", "CI_REPO_DEFAULT_BRANCH=main")),
	       0, "another branch");
	ok(plan.nothing, "is nothing to do");
	is_int(make(NULL, ENV("PLUGIN_REPO=app", "PLUGIN_AUTO_TAG=true")), -EINVAL,
	       "no ref");
}

static void test_arguments(void)
{
	make(NULL, ENV("PLUGIN_DRY_RUN=true", "PLUGIN_AUTO_LABEL=false",
		       "PLUGIN_PULL_IMAGE=false", "PLUGIN_BUILD_ARGS=A=1, B=2",
		       "PLUGIN_BUILD_ARGS_NEW=C=3,4;D=5", "GIVEN=value",
		       "PLUGIN_BUILD_ARGS_FROM_ENV=given,absent",
		       "http_proxy=http://proxy:1", "PLUGIN_SECRETS_FROM_ENV=token=GIVEN",
		       "PLUGIN_SECRETS_FROM_FILE=key=/run/key"));
	words_are("--build-arg=A=1 --build-arg=B=2 --build-arg=given=value "
		  "--build-arg=GIVEN=value --build-arg=C=3,4 --build-arg=D=5 "
		  "--build-arg=http_proxy --secret=id=token,env=GIVEN "
		  "--secret=id=key,src=/run/key",
		  "arguments and secrets");
	is_int((long)plan.notes.n, 1, "a variable that is not set is told");
	make(NULL,
	     ENV("PLUGIN_DRY_RUN=true", "PLUGIN_AUTO_LABEL=false",
		 "PLUGIN_PULL_IMAGE=false", "PLUGIN_BUILD_ARGS=[\"LIST=a,b\", \"X=y\"]"));
	words_are("--build-arg=LIST=a,b --build-arg=X=y", "a comma in a value");
}

static void test_spread(void)
{
	make("1.0", ENV("PLUGIN_REPO=app", "PLUGIN_REGISTRY=r.example",
			"PLUGIN_PUSH_BY_DIGEST=true", "PLUGIN_METADATA_FILE=d.json",
			"PLUGIN_AUTO_TAG=true", "PLUGIN_PULL_IMAGE=false",
			"PLUGIN_AUTO_LABEL=false"));
	words_are("--push-by-digest --metadata-file=d.json --tag=r.example/app",
		  "an image that is pushed by its digest has no tag");
	make(NULL, ENV("PLUGIN_REPO=app", "PLUGIN_REGISTRY=r.example", "PLUGIN_TAGS=1,2",
		       "PLUGIN_MERGE=a.json,docker://r.example/app:x", "http_proxy=p",
		       "PLUGIN_INSECURE=true", "PLUGIN_PLATFORM=linux/arm64",
		       "PLUGIN_PUSH_BY_DIGEST=true"));
	words_are("--tls-verify=false --tag=r.example/app:1 --tag=r.example/app:2",
		  "a merge has the tags and nothing of a build");
	is_int((long)plan.merge.n, 2, "what is merged");
	is_int((long)plan.notes.n, 2, "what has no effect then");
	ok(strstr(plan.notes.v[0], "PLATFORM") && strstr(plan.notes.v[0], "MERGE"),
	   "is named");
	make(NULL, ENV("PLUGIN_REPO=app", "PLUGIN_MERGE=a.json", "PLUGIN_DRY_RUN=true"));
	ok(plan.nothing && plan.notes.n == 0, "a merge that is not pushed is none");
	make(NULL, ENV("PLUGIN_DRY_RUN=true", "PLUGIN_AUTO_LABEL=false",
		       "PLUGIN_PULL_IMAGE=false",
		       "PLUGIN_SECRETS_FROM_ENV=npm=PLUGIN_NPM_TOKEN",
		       "PLUGIN_NPM_TOKEN=x", "PLUGIN_NPM_TOKEM=y"));
	is_int((long)plan.notes.n, 1, "a setting that a secret is taken from is known");
	words_are("--secret=id=npm,env=PLUGIN_NPM_TOKEN", "and lent");
}

static void test_wrong(void)
{
	is_int(make(NULL, ENV("PLUGIN_REPO=x", "PLUGIN_INSECURE=maybe")), -EINVAL,
	       "neither true nor false");
	ok(strstr(error.text, "INSECURE") && strstr(error.text, "maybe"), "is named");
	is_int(make(NULL, ENV("PLUGIN_REPO=x", "PLUGIN_TAGS=[\"a\", 1]")), -EINVAL,
	       "a list of more than strings");
	ok(strstr(error.text, "TAGS"), "is named");
	is_int(make(NULL, ENV("PLUGIN_REPO=x", "PLUGIN_SECRETS_FROM_ENV=token")), -EINVAL,
	       "a secret from nowhere");
	make(NULL, ENV("PLUGIN_REPO=x", "PLUGIN_DOKERFILE=y", "PLUGIN_MTU=1400"));
	is_int((long)plan.notes.n, 2, "a misspelt one, and one for a daemon");
	ok(strstr(plan.notes.v[0], "DOCKERFILE"), "the misspelt one has a suggestion");
	ok(strstr(plan.notes.v[1], "MTU"), "the other is named");
}

int main(void)
{
	test_tags();
	test_pipeline();
	test_destination();
	test_automatic();
	test_arguments();
	test_spread();
	test_wrong();
	plugin_plan_free(&plan);
	err_free(&error);
	return tap_done();
}
