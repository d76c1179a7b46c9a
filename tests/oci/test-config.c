/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/alloc.h"
#include "oci/config.h"
#include "tests/tap.h"

#define DIFF_ID "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ROOTFS	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF_ID "\"]}"
#define BEGIN	"{\"architecture\":\"arm\",\"os\":\"linux\","

/* Every member that is known, and two that are not. */
static const char all[] =
	"{\"created\":\"2024-01-02T03:04:05Z\",\"author\":\"me\","
	"\"architecture\":\"arm\",\"os\":\"linux\",\"os.version\":\"1\",\"variant\":\"v7\","
	"\"config\":{\"User\":\"1:2\",\"ExposedPorts\":{\"443/tcp\":{},\"80/tcp\":{}},"
	"\"Env\":[\"PATH=/bin\",\"A=\"],\"Entrypoint\":[\"/e\"],\"Cmd\":[\"a\",\"\"],"
	"\"Volumes\":{\"/v\":{}},\"WorkingDir\":\"/w\",\"Labels\":{\"a\":\"b\"},"
	"\"StopSignal\":\"SIGINT\",\"ArgsEscaped\":true,\"Healthcheck\":{\"Test\":[\"CMD\","
	"\"x\"],\"Interval\":1,\"Timeout\":2,\"StartPeriod\":3,\"StartInterval\":4,"
	"\"Retries\":5},\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/bash\",\"-c\"],"
	"\"Memory\":17},"
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF_ID "\"]},"
	"\"history\":[{\"created\":\"2024-01-02T03:04:05Z\",\"created_by\":\"RUN x\","
	"\"author\":\"me\",\"comment\":\"c\"},{\"created_by\":\"ENV\",\"empty_layer\":true}],"
	"\"os.features\":[\"win32k\"]}";

static const struct {
	const char *text, *says;
} wrong[] = {
	{BEGIN ROOTFS "}", NULL},
	{BEGIN ROOTFS ",\"config\":null,\"history\":null}", NULL},
	{"{\"os\":\"linux\"," ROOTFS "}", "image config: architecture is missing"},
	{BEGIN "\"config\":{}}", "image config: rootfs is missing"},
	{BEGIN "\"rootfs\":{\"diff_ids\":[7]}}",
	 "image config: rootfs.diff_ids[0] is not a string"},
	{BEGIN "\"rootfs\":{\"diff_ids\":[\"x\"]}}",
	 "image config: rootfs.diff_ids[0] is wrong: digest 'x' does not begin with "
	 "'sha256:'"},
	{BEGIN ROOTFS ",\"config\":{\"Env\":[\"A=\",1]}}",
	 "image config: config.Env[1] is a whole number and should be a string"},
	{BEGIN ROOTFS ",\"config\":{\"Env\":\"A=\"}}",
	 "image config: config.Env is a string and should be an array"},
	{BEGIN ROOTFS ",\"config\":{\"Healthcheck\":{\"Interval\":1.5}}}",
	 "image config: config.Healthcheck.Interval is a fraction and should be a whole "
	 "number"},
	{BEGIN ROOTFS ",\"history\":[{},{\"empty_layer\":\"yes\"}]}",
	 "image config: history[1].empty_layer is a string and should be true or false"},
	{BEGIN ROOTFS ",\"config\":{\"User\":\"a\\u0000b\"}}",
	 "image config: not JSON: \\u0000 is not allowed without JSON_ALLOW_NUL near "
	 "'\"a\\u0000b\"', in line 1, column 176"},
};

static void test_wrong(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		AUTO_OCI_CONFIG struct oci_config c = {0};
		AUTO_ERR struct err e = ERR_INIT;
		int r = oci_config_parse(&c, wrong[i].text, strlen(wrong[i].text), &e);

		ok((r < 0) == !!wrong[i].says, "%s", wrong[i].text);
		is_str(e.text, wrong[i].says, "  what it says");
	}
}

static void test_round_trip(void)
{
	AUTO_OCI_CONFIG struct oci_config c = {0};
	AUTO_FREE char *again = NULL;
	size_t len = 0;

	if (!ok(oci_config_parse(&c, all, strlen(all), NULL) == 0, "all members"))
		return;
	is_str(c.env.v[1], "A=", "  environment");
	is_str(c.exposed_ports.v[1], "80/tcp", "  ports");
	is_int(c.healthcheck->start_interval, 4, "  health check");
	is_int((long)c.n_history, 2, "  history");
	ok(c.history[1].empty_layer && !c.history[0].empty_layer, "  one without layer");
	again = oci_config_write(&c, &len);
	is_str(again, all, "  are written");
	is_int((long)len, (long)strlen(all), "  with their length");
}

static void test_old_string(void)
{
	static const char text[] = BEGIN ROOTFS ",\"config\":{\"Cmd\":\"/bin/sh\"}}";
	AUTO_OCI_CONFIG struct oci_config c = {0};

	ok(oci_config_parse(&c, text, strlen(text), NULL) == 0 && c.cmd.n == 1 &&
		   strcmp(c.cmd.v[0], "/bin/sh") == 0,
	   "a string where old images have one");
}

static void test_bytes(void)
{
	static const char *const bytes[][2] = {
		{"A=\xc3\xa9", "A=\xc3\xa9"},
		{"A=\xff", "A=\xef\xbf\xbd"},
		{"A=\xc3", "A=\xef\xbf\xbd"},
		{"A=\xed\xa0\x80", "A=\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"A=\xf0\x9f\x98\x80", "A=\xf0\x9f\x98\x80"},
		{"A=\xf0\x80\x80\x80",
		 "A=\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"A=\n\"\\", "A=\\n\\\"\\\\"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		AUTO_OCI_CONFIG struct oci_config c = {0};
		AUTO_FREE char *text = NULL;
		AUTO_FREE char *want = xasprintf("\"Env\":[\"%s\"]", bytes[i][1]);

		strv_add(&c.env, bytes[i][0]);
		text = oci_config_write(&c, NULL);
		ok(strstr(text, want), "bytes in the environment, case %zu", i);
	}
}

static void test_made(void)
{
	AUTO_OCI_CONFIG struct oci_config c = {0};
	AUTO_FREE char *text = NULL;

	(void)oci_platform_parse(&c.platform, "linux/arm64", NULL);
	strv_add(&c.volumes, "/b");
	strv_add(&c.volumes, "/a");
	oci_config_add_history(&c)->created_by = xstrdup("FROM scratch");
	text = oci_config_write(&c, NULL);
	is_str(text,
	       "{\"architecture\":\"arm64\",\"os\":\"linux\",\"config\":{\"Volumes\":{"
	       "\"/a\":{},\"/b\":{}}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},"
	       "\"history\":[{\"created_by\":\"FROM scratch\"}]}",
	       "one without layers");
}

int main(void)
{
	test_wrong();
	test_round_trip();
	test_old_string();
	test_bytes();
	test_made();
	return tap_done();
}
