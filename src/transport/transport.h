/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Images in folders and files, by the names that skopeo and podman have for them:
 *
 *     oci:FOLDER[:NAME]           an image layout (oci/layout.h)
 *     oci-archive:FILE[:NAME]     a tar of one
 *     docker-archive:FILE[:REF]   what `docker save` writes and `docker load` reads; to
 *                                 write, several REF with commas between
 *     dir:FOLDER                  one image, each document and blob a file
 *
 * Archives may be compressed as a whole; they are written plain. Whatever is written
 * takes its place as a whole and last: a failure leaves what was there.
 */

#include "base/err.h"
#include "oci/blobs.h"
#include "oci/manifest.h"

enum transport {
	TRANSPORT_REGISTRY, /* in none of these: registry/ has it */
	TRANSPORT_OCI,
	TRANSPORT_OCI_ARCHIVE,
	TRANSPORT_DOCKER_ARCHIVE,
	TRANSPORT_DIR,
};

struct transport_name {
	enum transport transport;
	char *path;
	char *name; /* in the layout or archive; NULL: the only one, or none */
};

/*
 * Reads a name that begins with one of the transports above. For any other the transport
 * is TRANSPORT_REGISTRY, and that is no failure.
 */
int transport_name_parse(struct transport_name *name, const char *text, struct err *e);
void transport_name_free(struct transport_name *name);

/* An image that is open for reading. */
struct transport_source;

/* -ENOENT, with a text that lists the names, when there is no such image. */
int transport_open(const struct transport_name *name, struct transport_source **s,
		   struct err *e);

/* The manifest or index that the name stands for, and all that it names. */
const struct oci_document *transport_document(const struct transport_source *s);
struct oci_blobs *transport_blobs(const struct transport_source *s);

void transport_close(struct transport_source *s);
void transport_close_p(struct transport_source **s);
#define AUTO_TRANSPORT CLEAN(transport_close_p)

/*
 * Writes an image with all that it names, digests verified. A layout gets it beside the
 * images that it has; the others have then this one only. A docker-archive is of one
 * platform: -EINVAL for an index.
 */
int transport_write(const struct transport_name *name, const struct oci_document *doc,
		    struct oci_blobs *from, struct err *e);
