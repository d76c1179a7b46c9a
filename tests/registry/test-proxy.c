/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/proxy.h"
#include "tests/tap.h"

static void is_proxy(const char *setting, const char *scheme, const char *host,
		     const char *expected, const char *what)
{
	const char *proxy = NULL;
	int r = proxy_choose(setting, scheme, host, 5000, &proxy, NULL);

	ok(r == 0 && (expected ? proxy && strcmp(proxy, expected) == 0 : !proxy),
	   "%s: %s", what, proxy ? proxy : "none");
}

static void test_variables(void)
{
	is_proxy(NULL, "http", "r.example", NULL, "nothing is set");
	setenv("ALL_PROXY", "http://a:1", 1);
	is_proxy(NULL, "https", "r.example", "http://a:1", "ALL_PROXY");
	setenv("all_proxy", "b:1", 1);
	is_proxy(NULL, "http", "r.example", "b:1", "all_proxy goes first");
	setenv("HTTP_PROXY", "http://c:1", 1);
	is_proxy(NULL, "http", "r.example", "http://c:1", "the scheme's own first");
	is_proxy(NULL, "https", "r.example", "b:1", "  of that scheme only");
	setenv("http_proxy", "", 1);
	is_proxy(NULL, "http", "r.example", "http://c:1", "an empty one is none");
	is_proxy("", "http", "r.example", NULL, "--proxy= is none");
	is_proxy("socks5h://d:1", "http", "r.example", "socks5h://d:1", "--proxy");
	is_proxy(NULL, "http", "127.0.0.2", NULL, "not to this machine");
	is_proxy(NULL, "http", "LOCALHOST", NULL, "  by name");
	is_proxy(NULL, "http", "[::1]", NULL, "  by the other address");
	is_proxy("d:1", "http", "localhost", "d:1", "  but with --proxy");
}

static void test_exceptions(void)
{
	static const struct {
		const char *list, *host;
		bool none;
	} cases[] = {
		{"r.example", "r.example", true},
		{"R.Example", "r.eXample.", true},
		{"example", "r.example", true},
		{".example", "r.example", true},
		{"*.example", "r.example", true},
		{"ample", "r.example", false},
		{"x.r.example", "r.example", false},
		{"a, ,b r.example", "r.example", true},
		{"*", "192.0.2.1", true},
		{"r.example:5000", "r.example", true},
		{"r.example:80", "r.example", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1:5000", "192.0.2.1", true},
		{"192.0.2.1:80", "192.0.2.1", false},
		{"2.1", "192.0.2.1", false},
		{"192.0.2.0/30", "192.0.2.3", true},
		{"192.0.2.0/30", "192.0.2.4", false},
		{"0.0.0.0/0", "192.0.2.4", true},
		{"192.0.2.0/33", "192.0.2.0", false},
		{"192.0.2.0/", "192.0.2.9", false},
		{"2001:db8::/33", "[2001:db8:7fff::1]", true},
		{"2001:db8::/33", "[2001:db8:8000::1]", false},
		{"2001:db8::1", "[2001:db8:0::1]", true},
		{"[2001:db8::1]:5000", "[2001:db8::1]", true},
		{"[2001:db8::1]:80", "[2001:db8::1]", false},
		{"0.0.0.0/0", "[2001:db8::1]", false},
		{".", "r.example", false},
		{":", "r.example", false},
		{"[", "r.example", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *what =
			xasprintf("no_proxy=%s for %s", cases[i].list, cases[i].host);

		setenv("no_proxy", cases[i].list, 1);
		is_proxy("p:1", "https", cases[i].host, cases[i].none ? NULL : "p:1",
			 what);
	}
	unsetenv("no_proxy");
	setenv("NO_PROXY", "r.example", 1);
	is_proxy("p:1", "https", "r.example", NULL, "NO_PROXY");
}

static void refuse(const char *proxy)
{
	AUTO_ERR struct err e = ERR_INIT;
	const char *chosen;

	is_int(proxy_choose(proxy, "http", "a", 80, &chosen, &e), -EINVAL, proxy);
	ok(e.text && !strstr(e.text, "secret"), "  no password in: %s",
	   e.text ? e.text : "nothing");
}

int main(void)
{
	static const char *const variables[] = {
		"http_proxy", "https_proxy", "all_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
	};
	AUTO_FREE char *name = proxy_name("http://user:se@cr/et@host:1/");

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	test_variables();
	test_exceptions();
	refuse("ftp://u:secret@host");
	refuse("http://u:secret@");
	is_str(name, "host:1", "a name without a password");
	return tap_done();
}
