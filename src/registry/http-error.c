/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/http-internal.h"

enum { ISSUER_MAX = 200 };

#define PROXY_SETTINGS                                                                   \
	"http_proxy, https_proxy, all_proxy and --proxy, and no_proxy for hosts that "   \
	"need none"
#define PROXY_LOGIN                                                                      \
	"its address in http_proxy, https_proxy, all_proxy or --proxy may have them, "   \
	"SCHEME://USER:PASSWORD@HOST:PORT"

static bool passed(CURL *curl, CURLINFO info)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(curl, info, &us) == CURLE_OK && us > 0;
}

/* libcurl 7.88 counts TLS to connecting, but knows the address when it is connected. */
static bool is_connected(CURL *curl)
{
	char *ip = NULL;

	return passed(curl, CURLINFO_CONNECT_TIME_T) ||
	       (curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip &&
		*ip);
}

/* How far it came. */
static const char *phase(CURL *curl)
{
	if (!passed(curl, CURLINFO_NAMELOOKUP_TIME_T))
		return "looking up its name";
	if (!is_connected(curl))
		return "connecting";
	if (!passed(curl, CURLINFO_PRETRANSFER_TIME_T))
		return "agreeing on TLS";
	if (!passed(curl, CURLINFO_STARTTRANSFER_TIME_T))
		return "waiting for its answer";
	return "transferring";
}

static double seconds(CURL *curl)
{
	curl_off_t us = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &us); /* 0 is fine */
	return (double)us / 1e6;
}

/* " (192.0.2.1 port 5000)"; "" when none was tried, or the host is one. */
static char *address(const struct http_failure *f, const char *host)
{
	size_t n = strcspn(f->address, " ");

	if (!n || strncmp(host + (host[0] == '['), f->address, n) == 0)
		return xstrdup("");
	return xasprintf(" (%s)", f->address);
}

/* way: what else finds the address. */
static int no_name(CURL *curl, const char *host, const char *way, struct err *e)
{
	enum { SLOW_SECONDS = 2 }; /* name servers that answer take less */
	double took = seconds(curl);

	return err_set(e, -EHOSTUNREACH,
		       "cannot find the address of %s (looking up its name, %.1f s): %s; "
		       "--add-host NAME:ADDRESS sets an address, and %s looks names up "
		       "itself",
		       host, took,
		       took < SLOW_SECONDS ? "check the name and the network"
					   : "perhaps no name server answers, see "
					     "/etc/resolv.conf",
		       way);
}

/* libcurl's text is not shown: it may have the password. */
static int no_proxy_name(const char *host, const char *proxy, struct err *e)
{
	return err_set(e, -EHOSTUNREACH,
		       "cannot find the address of the proxy %s that leads to %s; "
		       "check " PROXY_SETTINGS,
		       proxy, host);
}

static int no_connection(CURL *curl, const struct http_failure *f, const char *host,
			 struct err *e)
{
	const char *proxy = f->proxy;
	AUTO_FREE char *where = address(f, proxy ? proxy : host);
	long number = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number); /* 0 is fine */
	if (proxy)
		return err_set(e, -EHOSTUNREACH,
			       "cannot connect to the proxy %s%s that leads to %s: %s; "
			       "check " PROXY_SETTINGS,
			       proxy, where, host,
			       number ? strerror((int)number) : "no answer");
	return err_set(
		e, -EHOSTUNREACH,
		"cannot connect to %s%s: %s; check that it runs and listens there, "
		"and whether a proxy is needed",
		host, where, number ? strerror((int)number) : "no answer");
}

static int late(CURL *curl, const struct http_failure *f, const char *host, struct err *e)
{
	const char *proxy = f->proxy;
	AUTO_FREE char *where = address(f, proxy ? proxy : host);
	AUTO_FREE char *way = proxy ? xasprintf(" through the proxy %s", proxy) : NULL;
	const char *mend = "";

	if (!passed(curl, CURLINFO_NAMELOOKUP_TIME_T))
		mend = proxy ? "; the name server does not answer, --proxy may have an "
			       "address in place of a name"
			     : "; the name server does not answer, --add-host "
			       "NAME:ADDRESS sets an address without it";
	else if (proxy && !passed(curl, CURLINFO_PRETRANSFER_TIME_T))
		mend = "; check " PROXY_SETTINGS;
	else if (!is_connected(curl))
		mend = "; check whether a firewall is between, or a proxy is needed "
		       "(--proxy)";
	return err_set(e, -ETIMEDOUT, "%s%s%s gave no answer in time (%s, %.1f s)%s",
		       host, way ? way : "", where, phase(curl), seconds(curl), mend);
}

/* The issuer in what libcurl tells of a certificate, without control characters. */
static char *find_issuer(const struct curl_slist *facts)
{
	for (; facts; facts = facts->next) {
		char *issuer;

		if (strncmp(facts->data, "Issuer:", 7) != 0)
			continue;
		issuer = xstrndup(facts->data + 7, ISSUER_MAX);
		for (char *c = issuer; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				*c = ' ';
		return issuer;
	}
	return NULL;
}

/*
 * Who signed a certificate that is not trusted: one more connection, only to look at it.
 * NULL when that cannot be found out.
 */
static char *ask_issuer(CURL *curl)
{
	CURL *look = curl_easy_duphandle(curl);
	struct curl_certinfo *info = NULL;
	char *issuer = NULL;

	if (look && curl_easy_setopt(look, CURLOPT_CERTINFO, 1L) == CURLE_OK &&
	    curl_easy_setopt(look, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
	    curl_easy_setopt(look, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
	    curl_easy_setopt(look, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
	    curl_easy_perform(look) == CURLE_OK &&
	    curl_easy_getinfo(look, CURLINFO_CERTINFO, &info) == CURLE_OK && info &&
	    info->num_of_certs > 0)
		issuer = find_issuer(info->certinfo[0]);
	curl_easy_cleanup(look);
	return issuer;
}

static int bad_certificate(CURL *curl, const char *host, const char *detail,
			   struct err *e)
{
	AUTO_FREE char *issuer = ask_issuer(curl);

	return err_set(e, -EKEYREJECTED,
		       "the certificate of %s, signed by '%s', is not trusted: %s; put "
		       "the certificate of who signed it into "
		       "/etc/containers/certs.d/%s/ca.crt (or a folder for --cert-dir), "
		       "or use --tls-verify=false for this registry",
		       host, issuer ? issuer : "?", detail, host);
}

static int no_certificate(const char *host, bool *again, struct err *e)
{
	*again = false;
	return err_set(e, -EKEYREJECTED,
		       "%s wants a certificate, or another one: put it into "
		       "/etc/containers/certs.d/%s as NAME.cert and NAME.key (or into a "
		       "folder for --cert-dir)",
		       host, host);
}

/* What the proxy said to being asked for a way through; 0: nothing, or it let through. */
static long refusal(CURL *curl)
{
	long status = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &status); /* 0 is fine */
	return status / 100 == 2 ? 0 : status;
}

static int no_way(const char *host, const char *proxy, long status, bool *again,
		  struct err *e)
{
	*again = status >= 500;
	if (status == 407 || status == 401) /* tinyproxy, of a wrong password */
		return err_set(e, -EHOSTUNREACH,
			       "the proxy %s that leads to %s wants a user and a "
			       "password, or others (%ld): " PROXY_LOGIN,
			       proxy, host, status);
	return err_set(
		e, -EHOSTUNREACH,
		"the proxy %s does not lead to %s: it answered %ld; check " PROXY_SETTINGS,
		proxy, host, status);
}

/* SOCKS has words of its own for everything; libcurl's text tells which it was. */
static int no_socks(CURL *curl, const char *host, const char *proxy, const char *detail,
		    bool *again, struct err *e)
{
	long why = CURLPX_OK;

	(void)curl_easy_getinfo(curl, CURLINFO_PROXY_ERROR, &why); /* 0 is fine */
	if (why == CURLPX_RESOLVE_HOST)
		return no_name(curl, host, "a proxy with socks5h://", e);
	if (why == CURLPX_NO_AUTH || why == CURLPX_USER_REJECTED) {
		*again = false;
		return err_set(e, -EHOSTUNREACH,
			       "the proxy %s that leads to %s wants a user and a "
			       "password, or others: " PROXY_LOGIN,
			       proxy, host);
	}
	return err_set(e, -EHOSTUNREACH,
		       "the proxy %s does not lead to %s: %s; check " PROXY_SETTINGS,
		       proxy, host, detail);
}

/* What a server says with TLS 1.3 that has asked for one in vain. */
static bool wants_certificate(const char *detail)
{
	return strstr(detail, "alert bad certificate") ||
	       strstr(detail, "alert certificate required");
}

int http_explain(CURL *curl, const struct http_failure *f, bool *again, struct err *e)
{
	const char *detail = *f->detail ? f->detail : curl_easy_strerror(f->code);
	AUTO_FREE char *host = http_url_host(f->url);

	/* Of a proxy's address that it cannot use, libcurl quotes the password too. */
	if (strchr(detail, '@'))
		detail = curl_easy_strerror(f->code);
	*again = true;
	if (f->proxy && refusal(curl))
		return no_way(host, f->proxy, refusal(curl), again, e);
	if (f->code == CURLE_SSL_CLIENTCERT || wants_certificate(detail))
		return no_certificate(host, again, e);
	switch (f->code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return f->proxy ? no_proxy_name(host, f->proxy, e)
				: no_name(curl, host, "a proxy", e);
	case CURLE_PROXY:
		return no_socks(curl, host, f->proxy, detail, again, e);
	case CURLE_COULDNT_CONNECT:
		return no_connection(curl, f, host, e);
	case CURLE_OPERATION_TIMEDOUT:
		return late(curl, f, host, e);
	case CURLE_PEER_FAILED_VERIFICATION:
		*again = false;
		return bad_certificate(curl, host, detail, e);
	case CURLE_SSL_CONNECT_ERROR:
		return err_set(e, -EPROTO, "%s does not agree on TLS: %s", host, detail);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		*again = false;
		return err_set(e, -EIO, "cannot use the certificates for %s: %s", host,
			       detail);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		*again = false;
		return err_set(e, -EINVAL, "'%s' is no address of a registry", host);
	case CURLE_SEND_FAIL_REWIND: /* see on_seek() */
		return err_set(e, -EIO, "the connection to %s broke while sending", host);
	default:
		return err_set(e, -EIO, "the connection to %s broke (%s, %.1f s): %s",
			       host, phase(curl), seconds(curl), detail);
	}
}
