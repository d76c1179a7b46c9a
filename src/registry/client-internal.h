/* SPDX-License-Identifier: MIT */
#pragma once

/* What pulls and pushes are made of: repositories, and requests to them. */

#include <pthread.h>
#include <time.h>

#include "oci/blobs.h"
#include "oci/manifest.h"
#include "registry/client.h"
#include "registry/credentials.h"
#include "registry/http.h"
#include "registry/registries.h"

/* A registry, known by the host of a reference. */
struct registry_host {
	struct registry_host *next;
	struct registry *client;
	char *name;	     /* "docker.io" */
	bool lax;	     /* registries.conf calls it insecure */
	struct http_tls tls; /* certificates */
	pthread_mutex_t lock;
	char *base;    /* "https://registry-1.docker.io"; NULL until it was asked once */
	bool insecure; /* plain HTTP or an unverified certificate */
	char *scheme;  /* what it wants: "basic", "bearer"; NULL for nothing */
	char *realm;
	char *service;
};

struct repository_blob {
	struct oci_digest digest;
	bool there; /* else somebody is about to send it */
};

/* A repository and what is to be done there. It keeps the authorization for that. */
struct repository {
	struct repository *next;
	struct registry_host *host;
	char *path;
	bool foreign; /* a mirror's or another location: --creds are not for it */
	char *scopes; /* separated by blanks: "repository:app:pull,push"; its own first */
	pthread_mutex_t lock;
	struct strv remembered; /* paths that are to be read as well: more scopes */
	bool has_credentials, looked;
	struct credentials credentials;
	bool origins_refused; /* only its own scope is asked for */
	char *authorization;  /* NULL: none yet */
	time_t expires;	      /* of it, by the monotonic clock; 0: never */
	unsigned generation;  /* counts the authorizations */
	struct repository_blob *blobs;
	size_t nblobs;
	pthread_cond_t blobs_changed;
};

struct registry {
	struct registry_settings settings;
	struct registries conf;
	struct http *http;
	pthread_mutex_t lock; /* of the lists */
	struct registry_host *hosts;
	struct repository *repositories;
	struct route *routes;
	pthread_mutex_t events; /* the callbacks run one at a time */
};

/* What repository is wanted. */
struct repository_wish {
	const struct oci_reference *ref;
	bool lax, foreign;
	const char *actions;		     /* "pull" or "pull,push" */
	const struct oci_reference *origins; /* those on the same host are read as well */
	size_t norigins;
};

/* Owned by the client. */
int repository_get(struct registry *r, const struct repository_wish *wish,
		   struct repository **repo, struct err *e);

/* A host's /v2/ itself, as somebody, whose credentials are copied. */
int repository_of_host(struct registry *r, const char *host, const struct credentials *c,
		       struct repository **repo, struct err *e);

/* "https://host/v2/PATH/" and the rest, owned by the caller. */
char *repository_url(const struct repository *repo, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * http_perform() with the authorization that the repository's host wants, which is got
 * and renewed here. q's authorization and TLS settings are set. A denied request is
 * -EACCES.
 */
int repository_perform(struct repository *repo, struct http_request *q,
		       struct http_answer *a, struct err *e);

/* The value for a request now; NULL when none is wanted. Owned by the caller. */
int repository_authorize(struct repository *repo, char **authorization,
			 unsigned *generation, struct err *e);

/*
 * Has a path on the same host be read as well from now on, for a mount. False when there
 * are enough of these.
 */
bool repository_add_origin(struct repository *repo, const char *path);

/* Learns from a 401 what is wanted; forgets the authorization of that generation. */
int repository_challenged(struct repository *repo, const struct http_answer *a,
			  unsigned generation, struct err *e);
void host_challenged(struct registry_host *host, const struct http_answer *a);

/*
 * What an answer says of an error, without the secrets that were sent, of which the
 * authorization is one. Owned by the caller, who holds the repository's lock.
 */
char *repository_message(struct repository *repo, const struct http_answer *a,
			 const char *authorization);

/*
 * "cannot WHAT: HOST answered 404: what the registry says". -ENOENT for 404, -EACCES for
 * 401 and 403, else -EIO.
 */
int repository_refused(struct repository *repo, const struct http_answer *a,
		       const char *what, struct err *e);

/* That it has a blob is to be remembered. */
void repository_note(const struct repository *repo, const struct oci_digest *blob);

void registry_log(struct registry *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void registry_progress(struct registry *r, const struct oci_digest *blob, bool upload,
		       uint64_t done, uint64_t total);

/*
 * The documents of n descriptors, several at once, each into its place of docs. have is
 * where they may be already, or NULL. Those that came stay after a failure.
 */
int registry_load_documents(struct registry *r, const struct oci_reference *ref,
			    struct oci_blobs *have, const struct oci_descriptor *const *d,
			    size_t n, struct oci_document *docs, struct err *e);

/* thread_each() with as many threads as the settings say. */
int registry_parallel(struct registry *r, size_t n,
		      int (*job)(void *context, size_t i, struct err *e), void *context,
		      struct err *e);
