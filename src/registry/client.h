/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A client of registries: what pulls and pushes have in common. One serves all hosts and
 * may be used by several threads at once; it keeps connections and tokens. Source:
 * distribution-spec 1.1; for tokens, Docker's token authentication specification.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "oci/reference.h"

/*
 * Where registries have blobs, as far as is known from earlier calls. Whoever keeps that
 * embeds the struct and fills in the functions. Any thread calls them, also at once.
 */
struct registry_memory {
	/* The repository has the blob. */
	void (*note)(struct registry_memory *m, const char *host, const char *path,
		     const struct oci_digest *blob);
	/* Another repository there that had it, owned by the caller; NULL: none known. */
	char *(*recall)(struct registry_memory *m, const char *host, const char *path,
			const struct oci_digest *blob);
};

struct registry_settings {
	bool skip_tls_verify;	/* accept every certificate, and plain HTTP */
	bool always_tls_verify; /* even where registries.conf says insecure */
	const char *cert_dir; /* *.crt, *.cert and *.key instead of certs.d; NULL: none */
	const char *creds;    /* "USER:PASSWORD"; NULL: from the auth files */
	const char *authfile; /* NULL: the usual ones */
	const char *registries_conf;  /* NULL: the usual ones */
	const char *proxy;	      /* NULL: as the environment says; "": none */
	const struct strv *add_hosts; /* "name:address"; NULL: none */
	unsigned jobs;		      /* blobs at once; 0: 4 */
	unsigned attempts;	      /* of one request; 0: 5 */
	unsigned retry_delay_ms; /* before the second; 0: 500. It doubles each time */

	unsigned connect_seconds; /* for name, connection and TLS; 0: 30 */
	unsigned stall_seconds;	  /* of silence are a failure; 0: 60. Uploads: 5 times */

	struct registry_memory *memory; /* NULL: none */

	/* May be NULL. Called by any thread, one at a time; must not call the client. */
	void (*log)(void *data, const char *line);
	void (*progress)(void *data, const struct oci_digest *blob, bool upload,
			 uint64_t done, uint64_t total);
	void *data;
};

struct registry;

/*
 * The settings' strings must live as long as the client. The process makes no core dump
 * from here on, as the client will know passwords; a user namespace is to be entered
 * before (the files in /proc that this needs are root's then).
 */
int registry_new(const struct registry_settings *settings, struct registry **r,
		 struct err *e);

/* Lets every transfer that runs end soon with -ECANCELED. Safe in a signal handler. */
void registry_cancel(struct registry *r);
bool registry_is_canceled(const struct registry *r);

void registry_free(struct registry *r);
void registry_free_p(struct registry **r);
#define AUTO_REGISTRY CLEAN(registry_free_p)
