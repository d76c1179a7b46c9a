/* SPDX-License-Identifier: MIT */
#include "registry/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strv.h"

/* An address of either family. */
struct address {
	unsigned char bytes[16];
	unsigned bits; /* 32 or 128 */
};

static bool parse_address(const char *text, struct address *a)
{
	a->bits = strchr(text, ':') ? 128 : 32;
	return inet_pton(a->bits == 128 ? AF_INET6 : AF_INET, text, a->bytes) == 1;
}

static bool same_bits(const struct address *a, const struct address *b, unsigned n)
{
	unsigned rest = n % 8, mask = 0xff00u >> rest & 0xff;

	return memcmp(a->bytes, b->bytes, n / 8) == 0 &&
	       (!rest || ((a->bytes[n / 8] ^ b->bytes[n / 8]) & mask) == 0);
}

/*
 * Takes the port off the end of "name:80" or "[::1]:80", and the brackets: *host is what
 * is left in text, which is changed. Returns the port, NULL for none.
 */
static const char *split_port(char *text, char **host)
{
	char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	char *colon = strchr(end ? end : text, ':');

	*host = end ? text + 1 : text;
	if (end)
		*end = '\0';
	if (!colon || strchr(colon + 1, ':')) /* an address of IPv6, without brackets */
		return NULL;
	*colon = '\0';
	return colon + 1;
}

bool proxy_is_local(const char *host)
{
	AUTO_FREE char *copy = xstrdup(host);
	struct address a;
	char *name;

	(void)split_port(copy, &name);
	if (!parse_address(name, &a))
		return strcasecmp(name, "localhost") == 0;
	return a.bits == 32 ? a.bytes[0] == 127 : strcmp(name, "::1") == 0;
}

/* ---- no_proxy ---- */

/* "10.0.0.0/8" has an address. */
static bool in_network(const char *network, const struct address *a)
{
	const char *slash = strchr(network, '/');
	AUTO_FREE char *base = xstrndup(network, (size_t)(slash - network));
	struct address b;
	char *end;
	unsigned long n = strtoul(slash + 1, &end, 10);

	return parse_address(base, &b) && a->bits == b.bits && end > slash + 1 && !*end &&
	       n <= b.bits && same_bits(a, &b, (unsigned)n);
}

/* "example.com" and ".example.com" are for themselves and all names below. */
static bool is_below(const char *host, const char *domain)
{
	size_t n = strlen(host), m;

	domain += strspn(domain, "*.");
	m = strlen(domain);
	return m && n >= m && strcasecmp(host + n - m, domain) == 0 &&
	       (n == m || host[n - m - 1] == '.');
}

static bool matches(char *entry, const char *host, unsigned wanted_port)
{
	struct address a, b;
	const char *port;
	char *name;

	if (strcmp(entry, "*") == 0)
		return true;
	if (strchr(entry, '/'))
		return parse_address(host, &a) && in_network(entry, &a);
	port = split_port(entry, &name);
	if (port && strtoul(port, NULL, 10) != wanted_port)
		return false;
	if (!parse_address(host, &a))
		return is_below(host, name);
	return parse_address(name, &b) && a.bits == b.bits && same_bits(&a, &b, a.bits);
}

static const char *variable(const char *small, const char *capital)
{
	const char *value = getenv(small);

	if (!value || !*value)
		value = getenv(capital);
	return value && *value ? value : NULL;
}

static bool is_excepted(const char *host, unsigned port)
{
	const char *list = variable("no_proxy", "NO_PROXY");
	AUTO_STRV struct strv entries = STRV_INIT;
	AUTO_FREE char *copy = xstrdup(host);
	char *name;

	if (!list)
		return false;
	(void)split_port(copy, &name);
	if (*name && name[strlen(name) - 1] == '.')
		name[strlen(name) - 1] = '\0';
	strv_split(&entries, list, ", \t");
	for (size_t i = 0; i < entries.n; i++)
		if (matches(entries.v[i], name, port))
			return true;
	return false;
}

/* ---- which ---- */

static const char *from_environment(const char *scheme, const char *host)
{
	const char *proxy;

	if (proxy_is_local(host))
		return NULL;
	proxy = strcmp(scheme, "https") == 0 ? variable("https_proxy", "HTTPS_PROXY")
					     : variable("http_proxy", "HTTP_PROXY");
	return proxy ? proxy : variable("all_proxy", "ALL_PROXY");
}

/* Without one a proxy is taken to be http. */
static bool is_scheme(const char *proxy)
{
	static const char *const known[] = {"http",    "https",	 "socks4",
					    "socks4a", "socks5", "socks5h"};
	const char *end = strstr(proxy, "://");

	for (size_t i = 0; end && i < ARRAY_SIZE(known); i++)
		if (strlen(known[i]) == (size_t)(end - proxy) &&
		    strncasecmp(proxy, known[i], (size_t)(end - proxy)) == 0)
			return true;
	return !end;
}

int proxy_choose(const char *setting, const char *scheme, const char *host, unsigned port,
		 const char **proxy, struct err *e)
{
	const char *chosen = setting ? setting : from_environment(scheme, host);
	AUTO_FREE char *name = NULL;

	*proxy = NULL;
	if (!chosen || !*chosen || is_excepted(host, port))
		return 0;
	name = proxy_name(chosen);
	if (!*name || strpbrk(chosen, " \t\r\n") || !is_scheme(chosen))
		return err_set(e, -EINVAL,
			       "the proxy '%s' cannot be used: its address is "
			       "http://HOST:PORT, or begins with https://, socks5:// "
			       "(names are looked up here) or socks5h:// (by the proxy)",
			       name);
	*proxy = chosen;
	return 0;
}

char *proxy_name(const char *proxy)
{
	const char *scheme = strstr(proxy, "://");
	const char *host = scheme ? scheme + 3 : proxy;
	const char *at = strrchr(host, '@'); /* a password may have a slash */

	host = at ? at + 1 : host;
	return xstrndup(host, strcspn(host, "/"));
}
