/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which proxy leads to a host. It is chosen here, not by libcurl, so that messages can
 * name it and that all versions of libcurl do the same. The environment's variables have
 * no standard; read as curl and Go read them.
 */

#include <stdbool.h>

#include "base/err.h"

/*
 * For a URL's scheme, host and port. setting is --proxy, "" for none; when it is NULL,
 * http_proxy or https_proxy count, then all_proxy, each in small letters before capitals;
 * but not to reach this machine. no_proxy excepts hosts: names (and those below them),
 * addresses, networks like 10.0.0.0/8, each with a port or without; "*" excepts all.
 * *proxy: NULL for none, else it points to the setting or into the environment. -EINVAL
 * when it is none that can be used.
 */
int proxy_choose(const char *setting, const char *scheme, const char *host, unsigned port,
		 const char **proxy, struct err *e);

/* "HOST:PORT" of it for messages, without user and password; owned by the caller. */
char *proxy_name(const char *proxy);

/* Whether a host, with a port or without, is this machine by its name or address. */
bool proxy_is_local(const char *host);
