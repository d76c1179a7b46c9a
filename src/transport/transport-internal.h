/* SPDX-License-Identifier: MIT */
#pragma once

#include "layer/tar.h"
#include "transport/transport.h"

/* Each kind of place embeds it, and sets all three. */
struct transport_source {
	struct oci_document doc;
	struct oci_blobs *blobs;
	/* Releases s, but not the document. */
	void (*close)(struct transport_source *s);
};

/* One transport each: what transport_open() and transport_write() do. */
int transport_layout_open(const struct transport_name *name, struct transport_source **s,
			  struct err *e);
int transport_layout_write(const struct transport_name *name,
			   const struct oci_document *doc, struct oci_blobs *from,
			   struct err *e);
int transport_archive_open(const struct transport_name *name, struct transport_source **s,
			   struct err *e);
int transport_archive_write(const struct transport_name *name,
			    const struct oci_document *doc, struct oci_blobs *from,
			    struct err *e);
int transport_docker_open(const struct transport_name *name, struct transport_source **s,
			  struct err *e);
int transport_docker_write(const struct transport_name *name,
			   const struct oci_document *doc, struct oci_blobs *from,
			   struct err *e);
int transport_dir_open(const struct transport_name *name, struct transport_source **s,
		       struct err *e);
int transport_dir_write(const struct transport_name *name, const struct oci_document *doc,
			struct oci_blobs *from, struct err *e);
