/* SPDX-License-Identifier: MIT */

/* The graph of steps, for Dockerfiles that need no image: all are FROM scratch. */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "dockerfile/parser.h"
#include "tests/tap.h"

struct planned {
	struct build b;
	struct build_settings settings;
	struct dockerfile d;
	struct oci_platform platforms[4];
};

static struct planned *plan(const char *text, const char *target, const char *platforms)
{
	struct planned *p = xcalloc(1, sizeof *p);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;

	strv_split(&names, platforms, " ");
	if (dockerfile_parse(&p->d, "Dockerfile", text, strlen(text), &e) < 0)
		exit(printf("Bail out! %s\n", e.text) < 0 ? 2 : 1);
	p->settings.dockerfile = &p->d;
	p->settings.target = target;
	p->b.settings = &p->settings;
	p->b.platforms = p->platforms;
	oci_platform_parse(&p->b.host, "linux/amd64", NULL);
	for (size_t i = 0; i < names.n; i++)
		oci_platform_parse(&p->platforms[p->b.nplatforms++], names.v[i], NULL);
	if (build_plan_make(&p->b, &e) < 0)
		exit(printf("Bail out! %s\n", e.text) < 0 ? 2 : 1);
	return p;
}

static void release(struct planned *p)
{
	build_plan_free(&p->b.plan);
	dockerfile_free(&p->d);
	free(p);
}

static size_t count(const struct planned *p, enum build_step_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < p->b.plan.nsteps; i++)
		n += p->b.plan.steps[i]->kind == kind;
	return n;
}

static void test_sharing(void)
{
	struct planned *p = plan("FROM scratch\nCOPY a /\nRUN [\"x\"]\n", NULL,
				 "linux/amd64 linux/arm64 linux/s390x");

	is_int((long)count(p, BUILD_BASE), 1, "nothing is one base");
	is_int((long)count(p, BUILD_COPY), 1, "a COPY that is the same is one step");
	is_int((long)count(p, BUILD_RUN), 3, "a RUN is one for each platform");
	is_str(p->b.plan.steps[1]->about.label, "linux/amd64+2 1/2", "who needs it");
	release(p);
}

static void test_build_platform(void)
{
	static const char text[] = "FROM --platform=$BUILDPLATFORM scratch AS tools\n"
				   "RUN [\"make\"]\n"
				   "FROM scratch\n"
				   "COPY --from=tools /x /\n";
	struct planned *p = plan(text, NULL, "linux/arm64 linux/s390x");

	is_int((long)count(p, BUILD_RUN), 1, "a stage of the build platform runs once");
	is_str(p->b.plan.steps[1]->about.label, "linux/amd64+1 tools 1/1",
	       "with its name");
	release(p);
	p = plan("FROM --platform=$BUILDPLATFORM scratch AS tools\n"
		 "ARG TARGETARCH\n"
		 "RUN [\"make\"]\n"
		 "FROM scratch\n"
		 "COPY --from=tools /x /\n",
		 NULL, "linux/arm64 linux/s390x");
	is_int((long)count(p, BUILD_RUN), 2, "but not if it sees the target");
	is_str(p->b.plan.steps[1]->about.label, "linux/amd64->arm64 tools 1/1",
	       "which is told then");
	is_str(p->b.plan.steps[2]->about.label, "linux/arm64 1/1",
	       "a step of its own platform has no other");
	release(p);
}

static void test_unneeded(void)
{
	static const char text[] = "FROM scratch AS a\nRUN [\"a\"]\n"
				   "FROM scratch AS b\nRUN [\"b\"]\n"
				   "FROM a AS c\nRUN [\"c\"]\n"
				   "FROM b\nRUN [\"d\"]\n";
	struct planned *p = plan(text, NULL, "linux/amd64");

	is_int((long)count(p, BUILD_RUN), 2, "stages that nobody needs are left out");
	release(p);
	p = plan(text, "c", "linux/amd64");
	is_int((long)count(p, BUILD_RUN), 2, "--target");
	is_str(p->b.plan.steps[2]->in.args.v[0].text, "c", "the right one");
	release(p);
}

static void test_keys(void)
{
	struct planned *p =
		plan("FROM scratch\nENV A=1\nRUN [\"x\"]\n", NULL, "linux/amd64");
	struct planned *q =
		plan("FROM scratch\nENV A=2\nRUN [\"x\"]\n", NULL, "linux/amd64");
	struct planned *r = plan("FROM scratch\nARG A=1\nENV A=1\nRUN [\"x\"]\n", NULL,
				 "linux/amd64");

	ok(!oci_digest_equal(&p->b.plan.steps[1]->key, &q->b.plan.steps[1]->key),
	   "the environment counts");
	ok(oci_digest_equal(&p->b.plan.steps[1]->key, &r->b.plan.steps[1]->key),
	   "but not where it comes from");
	release(p);
	release(q);
	release(r);
}

static void test_runs(void)
{
	struct planned *p = plan("FROM --platform=$BUILDPLATFORM scratch AS a\n"
				 "RUN [\"a\"]\n"
				 "FROM --platform=linux/riscv64 scratch AS unused\n"
				 "RUN [\"b\"]\n"
				 "FROM scratch\n"
				 "COPY --from=a /x /\n",
				 NULL, "linux/arm64 linux/s390x");
	struct oci_platform *platforms;
	size_t n;

	ok(build_plan_runs(&p->b, &platforms, &n, NULL) == 0, "platforms that run");
	is_int((long)n, 1, "one");
	is_str(n ? platforms[0].architecture : "", "amd64", "the build platform");
	free(platforms);
	release(p);
}

int main(void)
{
	test_sharing();
	test_build_platform();
	test_unneeded();
	test_keys();
	test_runs();
	return tap_done();
}
