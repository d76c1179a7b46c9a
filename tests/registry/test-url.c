/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/alloc.h"
#include "registry/http.h"
#include "tests/tap.h"

static void is_host(const char *url, const char *expected)
{
	AUTO_FREE char *host = http_url_host(url);

	is_str(host, expected, url);
}

static void resolves(const char *base, const char *location, const char *expected)
{
	AUTO_FREE char *url = http_url_resolve(base, location);

	if (expected)
		is_str(url ? url : "nothing", expected, location);
	else
		ok(!url, "%s leads nowhere", location);
}

static void test_origin(void)
{
	ok(http_same_origin("https://r.example", "https://R.example:443/v2/?a=b"),
	   "a port that needs no saying");
	ok(http_same_origin("http://[::1]:5000", "http://[::1]:5000/x"), "an address");
	ok(!http_same_origin("https://r.example", "http://r.example"), "another scheme");
	ok(!http_same_origin("https://r.example", "https://r.example:8443"),
	   "another port");
	ok(!http_same_origin("https://r.example", "https://r.example.evil"),
	   "another host");
	ok(!http_same_origin("https://r.example", "https://r.example@evil/"),
	   "what looks like the host is a user");
	ok(!http_same_origin("https://r.example", "nonsense"), "none at all");
}

int main(void)
{
	is_host("https://user:secret@r.example:5000/v2/", "r.example:5000");
	is_host("https://r.example", "r.example");
	is_host("nonsense", "");
	resolves("http://a/v2/x/", "/y?z=1", "http://a/y?z=1");
	resolves("http://a/v2/x/", "y", "http://a/v2/x/y");
	resolves("http://a/v2/", "https://b/c", "https://b/c");
	resolves("https://a/v2/", "//b/c", "https://b/c");
	resolves("http://a/v2/", "file:///etc/passwd", NULL);
	resolves("nonsense", "/y", NULL);
	test_origin();
	return tap_done();
}
