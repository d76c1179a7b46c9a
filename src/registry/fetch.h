/* SPDX-License-Identifier: MIT */
#pragma once

/* Files of web servers, which need not be registries: no login of a registry is sent. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "registry/client.h"

struct registry_file {
	/* What a server calls this state of the file; NULL: nothing. */
	char *etag, *modified;
	int64_t mtime;	/* of Last-Modified, in seconds since 1970; 0: unknown */
	bool unchanged; /* it is as it was when the server gave etag and modified */
};

/*
 * Reads http:// and https:// addresses, after at most ten redirects. write gets the bytes
 * in order, each once, and no more than max of them (-EFBIG). What *file says before is
 * shown to the server, which may answer that it is unchanged; afterwards it is what the
 * server says now. -ENOENT for 404.
 */
int registry_fetch_file(struct registry *r, const char *url, uint64_t max,
			int (*write)(void *data, const char *bytes, size_t n,
				     struct err *e),
			void *data, struct registry_file *file, struct err *e);

/* An address for messages: without user, password and what follows a `?` or `#`. */
char *registry_url_shown(const char *url);

void registry_file_free(struct registry_file *file);

#define AUTO_REGISTRY_FILE CLEAN(registry_file_free)
