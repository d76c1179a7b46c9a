/* SPDX-License-Identifier: MIT */
#pragma once

/* A port of EXPOSE: `[[ip:]host:]first[-last][/protocol]`, of which ip and host count
 * not. */

#include <stdbool.h>

#include "base/err.h"

struct dockerfile_port {
	unsigned first, last;
	const char *protocol; /* "tcp", "udp" or "sctp" */
	bool upper;	      /* the protocol was not written in lower case */
	bool mapped;	      /* an address or a host port was given */
};

int dockerfile_port_parse(const char *text, struct dockerfile_port *port, struct err *e);
