/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who to be at a registry: --creds, and the files that podman, buildah, skopeo and docker
 * keep logins in (containers-auth.json(5); Docker's config.json).
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

struct credentials {
	char *user;
	char *password;
	bool is_identity_token; /* the password is a token to get tokens with */
	char *source;		/* the file or helper that has them; NULL: neither */
};

/* Reads "USER:PASSWORD". */
int credentials_parse(struct credentials *c, const char *text, struct err *e);

/*
 * Looks for those of a repository, "host/path", of which the longest known beginning
 * counts. helpers (may be NULL or empty) are credential helpers to ask in order, and
 * HELPER_FILES among them the files, which are all there is otherwise. authfile is the
 * only file that is read when it is given; else $REGISTRY_AUTH_FILE the same; else
 * $XDG_RUNTIME_DIR/containers/auth.json (without that variable
 * /run/containers/UID/auth.json), ~/.config/containers/auth.json, $DOCKER_CONFIG or
 * ~/.docker/config.json, the first that has some. Returns 1 when there are some, 0 when
 * there are none.
 */
int credentials_find(struct credentials *c, const char *repository, const char *authfile,
		     const struct strv *helpers, struct err *e);

#define HELPER_FILES "containers-auth.json"

/* What Docker's own registry is called in auth files and by helpers. */
#define DOCKER_KEY "https://index.docker.io/v1/"

/* The same in one file's contents; file names it in messages. */
int credentials_in(struct credentials *c, const char *repository, const char *file,
		   const char *text, size_t len, struct err *e);

/* The value of an Authorization header, owned by the caller. */
char *credentials_basic(const struct credentials *c);

/* Overwrites and releases a string; NULL is allowed. */
void secret_free(char *secret);
void secret_free_p(char **secret);
void credentials_free(struct credentials *c);

#define AUTO_SECRET	 CLEAN(secret_free_p)
#define AUTO_CREDENTIALS CLEAN(credentials_free)
