/* SPDX-License-Identifier: MIT */
#pragma once

/* Certificates for a registry (containers-certs.d(5)). */

#include "base/err.h"
#include "registry/http.h"

/*
 * From cert_dir, or else from HOST:PORT's folder in ~/.config/containers/certs.d,
 * /etc/containers/certs.d and /etc/docker/certs.d, the first that is there: *.crt are
 * trusted beside the system's, NAME.cert and NAME.key are shown to the registry.
 */
int tls_load(struct http_tls *tls, const char *host, const char *cert_dir, struct err *e);
void tls_free(struct http_tls *tls);
