/* SPDX-License-Identifier: MIT */
#include "dockerfile/port.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

static bool number(const char *text, size_t len, unsigned *n)
{
	*n = 0;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		*n = *n * 10 + (unsigned)(text[i] - '0');
		if (*n > 65535)
			return false;
	}
	return len > 0;
}

static bool range(const char *text, size_t len, unsigned *first, unsigned *last)
{
	const char *dash = memchr(text, '-', len);

	if (!dash) {
		*last = 0;
		if (!number(text, len, first))
			return false;
		*last = *first;
		return true;
	}
	return number(text, (size_t)(dash - text), first) &&
	       number(dash + 1, len - (size_t)(dash - text) - 1, last) && *first <= *last;
}

static bool address(const char *text, size_t len)
{
	unsigned char binary[sizeof(struct in6_addr)];
	AUTO_FREE char *ip = NULL;

	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	ip = xstrndup(text, len);
	return inet_pton(AF_INET, ip, binary) == 1 ||
	       inet_pton(AF_INET6, ip, binary) == 1;
}

static bool protocol(const char *text, struct dockerfile_port *port)
{
	static const char *const names[] = {"tcp", "udp", "sctp"};

	if (!*text)
		text = names[0];
	for (size_t k = 0; k < ARRAY_SIZE(names); k++)
		if (strcasecmp(names[k], text) == 0) {
			port->protocol = names[k];
			port->upper = strcmp(names[k], text) != 0;
			return true;
		}
	return false;
}

/* `[ip:]host`, which may be empty: `::80` has neither. */
static bool host(const char *text, size_t len, const struct dockerfile_port *port)
{
	const char *colon = memrchr(text, ':', len);
	const char *ports = colon ? colon + 1 : text;
	size_t ports_len = len - (size_t)(ports - text);
	unsigned first, last;

	if (colon && colon > text && !address(text, (size_t)(colon - text)))
		return false;
	if (ports_len == 0)
		return true;
	if (!range(ports, ports_len, &first, &last))
		return false;
	/* A range of host ports may stand for one port to choose. */
	return last - first == port->last - port->first || port->first == port->last;
}

int dockerfile_port_parse(const char *text, struct dockerfile_port *port, struct err *e)
{
	const char *colon = strrchr(text, ':');
	const char *ports = colon ? colon + 1 : text;
	size_t len = strcspn(ports, "/");

	*port = (struct dockerfile_port){.mapped = colon != NULL};
	if (!range(ports, len, &port->first, &port->last))
		return err_set(e, -EINVAL, "`%s` is not a port or a range of ports",
			       text);
	if (!protocol(ports[len] ? ports + len + 1 : "", port))
		return err_set(e, -EINVAL, "`%s`: the protocol is tcp, udp or sctp",
			       text);
	if (colon && !host(text, (size_t)(colon - text), port))
		return err_set(e, -EINVAL, "`%s`: what stands before the port is wrong",
			       text);
	return 0;
}
