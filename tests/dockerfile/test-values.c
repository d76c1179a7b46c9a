/* SPDX-License-Identifier: MIT */

/* Durations, ports, paths, triggers, proxies: small things that stand alone. */

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "dockerfile/parse-internal.h"
#include "dockerfile/parser.h"
#include "dockerfile/path-internal.h"
#include "dockerfile/port.h"
#include "dockerfile/scope.h"
#include "tests/tap.h"

static void test_durations(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{"0", 0},
		{"90s", 90000000000},
		{"1m30s", 90000000000},
		{"1.5h", 5400000000000},
		{"500ms", 500000000},
		{"1us", 1000},
		{"1\xc2\xb5s", 1000},
		{"7ns", 7},
		{"+5s", 5000000000},
		{"-5s", -5000000000},
		{".5s", 500000000},
		{"2500000h", 9000000000000000000},
	};
	static const char *const bad[] = {"",	"5",   "s", ".s",	"5 s",
					  "5x", "1m5", "-", "9999999h", "1.2.3s"};
	int64_t ns;

	for (size_t k = 0; k < ARRAY_SIZE(good); k++)
		ok(dockerfile_duration(good[k].text, &ns) && ns == good[k].ns,
		   "the duration %s", good[k].text);
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		ok(!dockerfile_duration(bad[k], &ns), "`%s` is no duration", bad[k]);
}

static void test_ports(void)
{
	static const char *const bad[] = {
		"",	 "x",	"65536",   "80/icmp", "5-3",
		"1-2-3", "-5",	"80-",	   "a:80",    "1.2.3:1:80",
		":",	 "80:", "8-9:1-3", "70000:1", "1.2.3.4::"};
	struct dockerfile_port p;

	ok(dockerfile_port_parse("80", &p, NULL) == 0 && p.first == 80 && p.last == 80 &&
		   strcmp(p.protocol, "tcp") == 0 && !p.mapped && !p.upper,
	   "a port");
	ok(dockerfile_port_parse("5000-5010/UDP", &p, NULL) == 0 && p.first == 5000 &&
		   p.last == 5010 && strcmp(p.protocol, "udp") == 0 && p.upper,
	   "a range with a protocol");
	ok(dockerfile_port_parse("127.0.0.1:80:8080/sctp", &p, NULL) == 0 && p.mapped &&
		   p.first == 8080,
	   "an address and a host port are seen");
	ok(dockerfile_port_parse("[::1]:80:80", &p, NULL) == 0 && p.mapped, "also IPv6");
	ok(dockerfile_port_parse("8000-9000:80", &p, NULL) == 0 && p.mapped,
	   "a range of host ports for one port");
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		is_int(dockerfile_port_parse(bad[k], &p, NULL), -EINVAL, bad[k]);
}

static void test_paths(void)
{
	static const char *const rows[][2] = {
		{"", "."},	    {".", "."},	       {"/", "/"},
		{"a", "a"},	    {"a/", "a"},       {"//a//b", "/a/b"},
		{"./a/./b", "a/b"}, {"a/../b", "b"},   {"..", ".."},
		{"../..", "../.."}, {"a/../..", ".."}, {"/..", "/"},
		{"/../a", "/a"},    {"a/..", "."},     {"a/b/../../c", "c"},
		{"...", "..."},	    {"../a/..", ".."}, {"/a/../..", "/"},
	};

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		AUTO_FREE char *got = dockerfile_path_clean(rows[k][0]);

		is_str(got, rows[k][1], rows[k][0]);
	}
}

static void test_trigger(void)
{
	static const char text[] = "FROM a\nONBUILD COPY <<E /f\n\thi\nE\n";
	AUTO_DOCKERFILE struct dockerfile d = {0};
	AUTO_DOCKERFILE struct dockerfile again = {0};
	AUTO_FREE char *trigger = NULL;
	struct dockerfile bad;

	is_int(dockerfile_parse(&d, "f", text, strlen(text), NULL), 0, "ONBUILD parses");
	trigger = dockerfile_trigger_text(&d.instructions[1]);
	is_str(trigger, "COPY <<E /f\n\thi\nE", "its trigger as text");
	is_int(dockerfile_parse_trigger(&again, "ONBUILD", trigger, NULL), 0,
	       "which parses again");
	is_str(again.instructions[0].heredocs[0].content, "\thi\n", "to the same");
	is_int(dockerfile_parse_trigger(&bad, "ONBUILD", "FROM a", NULL), -EINVAL,
	       "FROM is no trigger");
	is_int(dockerfile_parse_trigger(&bad, "ONBUILD", "RUN a\nRUN b", NULL), -EINVAL,
	       "two instructions are none");
	is_int(dockerfile_parse_trigger(&bad, "ONBUILD", "", NULL), -EINVAL,
	       "nothing is none");
}

static void test_stages(void)
{
	static const char text[] = "FROM a AS One\nFROM b\nFROM c AS one\nFROM d AS x\n";
	AUTO_DOCKERFILE struct dockerfile d = {0};

	is_int(dockerfile_parse(&d, "f", text, strlen(text), NULL), 0, "stages parse");
	is_int(dockerfile_stage_named(&d, "ONE", 4), 2, "the last of one name");
	is_int(dockerfile_stage_named(&d, "one", 2), 0, "before a stage");
	is_int(dockerfile_stage_named(&d, "1", 4), -1, "FROM knows no numbers");
	is_int(dockerfile_stage_find(&d, "1", 4), 1, "--from does");
	is_int(dockerfile_stage_find(&d, "3", 3), -1, "before the stage itself");
	is_int(dockerfile_stage_find(&d, "1x", 4), -1, "an image's name");
}

static void test_build_args(void)
{
	static const char text[] = "ARG A\nFROM a\nARG B=1\n";
	AUTO_DOCKERFILE struct dockerfile d = {0};
	AUTO_VARS struct dockerfile_vars args = {0};
	AUTO_VARS struct dockerfile_vars env = {0};
	AUTO_STRV struct strv unused = STRV_INIT;
	static const char *const names[] = {
		"A", "B", "C", "Http_Proxy", "TARGETARCH", "SOURCE_DATE_EPOCH"};

	for (size_t k = 0; k < ARRAY_SIZE(names); k++)
		dockerfile_vars_set(&args, names[k], "v");
	is_int(dockerfile_parse(&d, "f", text, strlen(text), NULL), 0, "it parses");
	dockerfile_unused_args(&d, &args, &unused);
	ok(unused.n == 1 && strcmp(unused.v[0], "C") == 0, "only C is unused");
	dockerfile_proxy_env(&args, &env);
	is_int((long)env.n, 2, "a proxy is given twice");
	is_str(dockerfile_vars_get(&env, "HTTP_PROXY"), "v", "in capitals");
	is_str(dockerfile_vars_get(&env, "http_proxy"), "v", "in small letters");
}

static void test_sizes(void)
{
	AUTO_FREE char *big = xcalloc(DOCKERFILE_SIZE_MAX + 2, 1);
	AUTO_ERR struct err e = ERR_INIT;
	struct dockerfile d;

	memset(big, '#', DOCKERFILE_SIZE_MAX + 1);
	is_int(dockerfile_parse(&d, "f", big, DOCKERFILE_SIZE_MAX + 1, NULL), -EFBIG,
	       "a file has a limit");
	is_int(dockerfile_parse(&d, "f", "FROM a\nRUN a\0b", 14, &e), -EINVAL,
	       "NUL is refused");
	is_int(e.line, 2, "with its line");
	is_int(e.column, 6, "and column");
}

int main(void)
{
	test_durations();
	test_ports();
	test_paths();
	test_trigger();
	test_stages();
	test_build_args();
	test_sizes();
	return tap_done();
}
