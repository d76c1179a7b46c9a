/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Files of web servers, as blobs of the store. An address is asked for once in a build,
 * and what the store has of it is used as long as the server says that nothing changed.
 */

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/digest.h"
#include "registry/client.h"
#include "store/store.h"

struct build_download {
	char *url;
	struct oci_digest digest;
	uint64_t size;
	int64_t mtime; /* as the server says; 0: it does not */
	int fd;	       /* the blob, in use; for pread(2) */
};

struct build_downloads {
	struct store *store;
	struct registry *client;
	pthread_mutex_t lock;
	struct build_download **v;
	size_t n;
};

void build_downloads_init(struct build_downloads *d, struct store *store,
			  struct registry *client);

/* Whether a source of ADD is the address of one. */
bool build_download_is(const char *source);

/*
 * expected (NULL: any) is the digest that it must have; if the store has that already,
 * nobody is asked. *download stays with d.
 */
int build_download(struct build_downloads *d, const char *url,
		   const struct oci_digest *expected,
		   const struct build_download **download, struct err *e);
void build_downloads_free(struct build_downloads *d);
