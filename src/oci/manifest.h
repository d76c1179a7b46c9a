/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Manifests and indexes: the JSON documents that say which blobs an image consists of,
 * and which images there are for which platform. Source: image-spec 1.1 (descriptor,
 * manifest, image index) and Docker's image manifest version 2, schema 2.
 *
 * A digest is of bytes, so a document that was read is handed on as the bytes that came.
 * To change one, parse it, change the structure and write that: members that have no
 * field here survive in `other`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "oci/map.h"
#include "oci/platform.h"

struct json_t;

#define OCI_MEDIA_INDEX		"application/vnd.oci.image.index.v1+json"
#define OCI_MEDIA_MANIFEST	"application/vnd.oci.image.manifest.v1+json"
#define OCI_MEDIA_CONFIG	"application/vnd.oci.image.config.v1+json"
#define OCI_MEDIA_LAYER		"application/vnd.oci.image.layer.v1.tar"
#define OCI_MEDIA_LAYER_GZIP	OCI_MEDIA_LAYER "+gzip"
#define OCI_MEDIA_LAYER_ZSTD	OCI_MEDIA_LAYER "+zstd"
#define OCI_MEDIA_EMPTY		"application/vnd.oci.empty.v1+json"
#define DOCKER_MEDIA_INDEX	"application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MEDIA_MANIFEST	"application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_MEDIA_CONFIG	"application/vnd.docker.container.image.v1+json"
#define DOCKER_MEDIA_LAYER	"application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_MEDIA_LAYER_GZIP DOCKER_MEDIA_LAYER ".gzip"

enum {
	OCI_DOCUMENT_MAX = 4 << 20, /* bytes; what registries take, too */
	OCI_ITEMS_MAX = 4096,	    /* layers of a manifest, manifests of an index */
};

/* An image's documents are written either way. */
enum oci_format { OCI_FORMAT_OCI, OCI_FORMAT_DOCKER };

/* Where a blob is found, and what it is. */
struct oci_descriptor {
	char *media_type;
	struct oci_digest digest;
	uint64_t size;
	bool has_platform;
	struct oci_platform platform; /* as it was written, not in normal form */
	struct oci_map annotations;
	struct json_t *other; /* members without a field here; NULL for none */
};

void oci_descriptor_copy(struct oci_descriptor *d, const struct oci_descriptor *from);

/* Sets a list in the platform, "features" or "os.features"; nothing for an empty one. */
void oci_descriptor_set_features(struct oci_descriptor *d, const char *name,
				 const struct strv *list);
void oci_descriptor_free(struct oci_descriptor *d);

/* A manifest or index as it goes over the wire. */
struct oci_document {
	char *media_type;
	char *data; /* len bytes and a NUL */
	size_t len;
	struct oci_digest digest;
};

/*
 * Takes over data (from malloc, NUL-terminated) also when it fails. declared is the media
 * type from outside, Content-Type or a descriptor's; NULL for none. The one in the
 * document must be the same; where there is neither, the members decide which kind it is.
 */
int oci_document_init(struct oci_document *doc, const char *declared, char *data,
		      size_t len, struct err *e);
void oci_document_copy(struct oci_document *doc, const struct oci_document *from);
bool oci_document_is_index(const struct oci_document *doc);

/* A descriptor of the document itself, without a platform. */
void oci_document_descriptor(const struct oci_document *doc, struct oci_descriptor *d);

/* Its JSON on indented lines, for people; the caller's. */
char *oci_document_indented(const struct oci_document *doc);
void oci_document_free(struct oci_document *doc);

struct oci_manifest {
	enum oci_format format;
	struct oci_descriptor config;
	struct oci_descriptor *layers; /* the lowest first */
	size_t n;
	struct oci_map annotations;
	struct json_t *other;
};

/* Texts of failures name the member: "manifest: layers[2].size is negative". */
int oci_manifest_parse(struct oci_manifest *m, const struct oci_document *doc,
		       struct err *e);

/* Writes the members in a fixed order: equal structures give equal bytes. */
void oci_manifest_write(const struct oci_manifest *m, struct oci_document *doc);
void oci_manifest_free(struct oci_manifest *m);

struct oci_index {
	enum oci_format format;
	struct oci_descriptor *manifests;
	size_t n;
	struct oci_map annotations;
	struct json_t *other;
};

int oci_index_parse(struct oci_index *index, const struct oci_document *doc,
		    struct err *e);
void oci_index_write(const struct oci_index *index, struct oci_document *doc);

/* Adds a zeroed descriptor at the end; valid until the next one is added. */
struct oci_descriptor *oci_index_add(struct oci_index *index);
struct oci_descriptor *oci_manifest_add_layer(struct oci_manifest *m);

/*
 * The manifest that serves the wanted platform best (oci_platform_rank), the first of
 * equals. -ENOENT when none does: the text lists the platforms that there are.
 */
int oci_index_select(const struct oci_index *index, const struct oci_platform *wanted,
		     const struct oci_descriptor **chosen, struct err *e);
void oci_index_free(struct oci_index *index);

/* Which kind of document a media type is; false for both: neither. */
bool oci_media_is_index(const char *media_type);
bool oci_media_is_manifest(const char *media_type);

#define AUTO_OCI_DESCRIPTOR CLEAN(oci_descriptor_free)
#define AUTO_OCI_DOCUMENT   CLEAN(oci_document_free)
#define AUTO_OCI_MANIFEST   CLEAN(oci_manifest_free)
#define AUTO_OCI_INDEX	    CLEAN(oci_index_free)
