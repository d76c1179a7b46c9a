/* SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "run/inside.h"

enum { FILE_MAX = 1024 * 1024 };

const char *run_hostname(const struct run_spec *spec)
{
	return spec->hostname ? spec->hostname : "build";
}

static char *hosts(const struct run_spec *spec)
{
	struct strbuf s = STRBUF_INIT;

	strbuf_addf(&s,
		    "127.0.0.1\tlocalhost %s\n"
		    "::1\tlocalhost ip6-localhost ip6-loopback\n",
		    run_hostname(spec));
	for (size_t i = 0; i < spec->nhosts; i++)
		strbuf_addf(&s, "%s\t%s\n", spec->hosts[i].address, spec->hosts[i].name);
	return strbuf_take(&s);
}

static char *hostname(const struct run_spec *spec)
{
	return xasprintf("%s\n", run_hostname(spec));
}

static char *resolv_conf(const struct run_spec *spec)
{
	char *text;

	if (spec->resolv_conf)
		return xstrdup(spec->resolv_conf);
	/* A machine without it asks the server on itself (resolv.conf(5)). */
	if (spec->network == RUN_NETWORK_NONE ||
	    file_read_at(AT_FDCWD, "/etc/resolv.conf", FILE_MAX, &text, NULL, NULL) < 0)
		return xstrdup("");
	return text;
}

const struct run_etc_file run_etc_files[3] = {
	{"/etc/hosts", hosts},
	{"/etc/hostname", hostname},
	{"/etc/resolv.conf", resolv_conf},
};
