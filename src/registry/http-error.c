/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/http-internal.h"

enum { ISSUER_MAX = 200 };

static bool passed(CURL *curl, CURLINFO info)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(curl, info, &us) == CURLE_OK && us > 0;
}

/* How far it came. */
static const char *phase(CURL *curl)
{
	if (!passed(curl, CURLINFO_NAMELOOKUP_TIME_T))
		return "looking up its name";
	if (!passed(curl, CURLINFO_CONNECT_TIME_T))
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
static char *address(CURL *curl, const char *host)
{
	char *ip = NULL;
	long port = 0;

	if (curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &ip) != CURLE_OK || !ip || !*ip)
		return xstrdup("");
	if (strncmp(host, ip, strlen(ip)) == 0)
		return xstrdup("");
	(void)curl_easy_getinfo(curl, CURLINFO_PRIMARY_PORT, &port);
	return xasprintf(" (%s port %ld)", ip, port);
}

static int no_name(CURL *curl, const char *host, struct err *e)
{
	return err_set(
		e, -EIO,
		"cannot find the address of %s (looking up its name, %.1f s): check "
		"the name and the network; --add-host NAME:ADDRESS sets an address, "
		"and a proxy looks names up itself",
		host, seconds(curl));
}

static int no_connection(CURL *curl, const char *host, struct err *e)
{
	AUTO_FREE char *where = address(curl, host);
	long number = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number); /* 0 is fine */
	return err_set(
		e, -EIO,
		"cannot connect to %s%s: %s; check that it runs and listens there, "
		"and whether a proxy is needed",
		host, where, number ? strerror((int)number) : "no answer");
}

static int late(CURL *curl, const char *host, struct err *e)
{
	AUTO_FREE char *where = address(curl, host);
	const char *mend = "";

	if (!passed(curl, CURLINFO_NAMELOOKUP_TIME_T))
		mend = "; --add-host NAME:ADDRESS sets an address";
	else if (!passed(curl, CURLINFO_CONNECT_TIME_T))
		mend = "; check whether a proxy or firewall is between";
	return err_set(e, -ETIMEDOUT, "%s%s gave no answer in time (%s, %.1f s)%s", host,
		       where, phase(curl), seconds(curl), mend);
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

static int no_proxy(const char *host, const char *detail, struct err *e)
{
	return err_set(e, -EIO,
		       "cannot reach %s through the proxy: %s; check http_proxy, "
		       "https_proxy, all_proxy and --proxy, and no_proxy for hosts that "
		       "need none",
		       host, detail);
}

int http_explain(CURL *curl, CURLcode code, const char *url, const char *detail,
		 bool *again, struct err *e)
{
	AUTO_FREE char *host = http_url_host(url);

	if (!*detail)
		detail = curl_easy_strerror(code);
	*again = true;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return no_name(curl, host, e);
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return no_proxy(host, detail, e);
	case CURLE_COULDNT_CONNECT:
		return no_connection(curl, host, e);
	case CURLE_OPERATION_TIMEDOUT:
		return late(curl, host, e);
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
