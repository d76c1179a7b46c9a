/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Images by the names that people type: docker://REFERENCE, and those of transport.h.
 * Without a transport, what is read is the store's image of that name, and if it has
 * none, the registry's; what is written goes to the registry. A digest alone, or its
 * first digits, is one of the store and nowhere else.
 */

#include "base/err.h"
#include "cli/option.h"
#include "mab-build/local.h"
#include "mab-build/storage.h"
#include "oci/convert.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "registry/client.h"
#include "transport/transport.h"

struct image_name {
	struct transport_name place; /* TRANSPORT_REGISTRY: ref is it */
	struct oci_reference ref;    /* complete */
	char *typed;		     /* a reference without a host; NULL: it had one */
	char *digest; /* as typed, what may be the digest of one; ref may be empty then */
	bool bare;    /* no transport was given */
};

/* Of what is read. */
int image_source_parse(struct image_name *name, const char *text, struct err *e);

/* Of what is read or written; a digest alone is none. */
int image_name_parse(struct image_name *name, const char *text, struct err *e);
void image_name_free(struct image_name *name);

/* Options that say which of an image's platforms is meant, and the store. */
enum { IMAGE_ALL = 80, IMAGE_PLATFORM };

/* Rows for a command's table. */
#define IMAGE_ALL_OPTION(text)                                                           \
	{                                                                                \
		IMAGE_ALL, "all", .letter = 'a', .help = text                            \
	}
#define IMAGE_OPTIONS(text)                                                              \
	{IMAGE_PLATFORM, "platform", .arg = "OS/ARCH[/VARIANT]", .help = text},          \
		STORAGE_OPTION

struct image_choice {
	bool all;
	const char *platform, *root;
};

/* Takes an option of those above; -ENOENT without words when it is another. */
int image_choice_set(struct image_choice *choice, const struct cli_option *option,
		     const char *value, struct err *e);

/* An image that is open for reading. */
struct image {
	struct oci_document doc; /* the manifest or index that the name stands for */
	struct transport_source *source; /* NULL: it is in none of these */
	struct local_image *local;	 /* NULL: nor in the store, but in a registry */
	struct oci_blobs *remote;
	struct oci_conversion *conversion;
	struct registry *client; /* borrowed, like the name */
	const struct image_name *name;
};

/*
 * A bare name is looked for in the store first; local may be NULL: it is not. A name
 * typed without a host then becomes the one that registries.conf says.
 */
int image_open(struct image *image, struct image_name *name, struct local *local,
	       struct registry *client, struct err *e);

/* The same for a name that is not opened. */
int image_name_complete(struct image_name *name, struct registry *client, struct err *e);

/* The same, but only of the store. */
int image_open_local(struct image *image, const struct image_name *name,
		     struct local *local, struct registry *client, struct err *e);

/* Whether it, and so its layers, were found in a registry. */
bool image_is_remote(const struct image *image);

/* A document that its index names. */
int image_document(struct image *image, const struct oci_descriptor *d,
		   struct oci_document *doc, struct err *e);

/* Goes from an index to one platform's manifest (NULL: this machine's). */
int image_select(struct image *image, const char *platform, struct err *e);

/* Goes to the image's other form: 1 when that is another, 0 when it has this format. */
int image_convert(struct image *image, enum oci_format format, struct err *e);

/*
 * All that the document names; after image_select() and image_convert(). Valid as long as
 * the image is.
 */
struct oci_blobs *image_blobs(struct image *image);

/*
 * The repositories where its layers are in registries, as many as are returned; *refs is
 * the caller's, what they point to is the image's.
 */
size_t image_origins(const struct image *image, struct oci_reference **refs);

/* Writes it under another name, whole or not at all. */
int image_write(struct image *image, const struct image_name *to, struct registry *client,
		struct err *e);

/* Prints its digest unless that is to be quiet; and into a file, if there is one. */
int image_tell_digest(const struct image *image, bool quiet, const char *file,
		      struct err *e);
void image_close(struct image *image);

/*
 * The same for a document and what it names, wherever that is: origins (norigins of
 * them) are repositories of the destination's registry that may have the blobs.
 */
int image_put(const struct image_name *to, struct registry *client,
	      const struct oci_document *doc, struct oci_blobs *from,
	      const struct oci_reference *origins, size_t norigins, struct err *e);

#define AUTO_IMAGE_NAME CLEAN(image_name_free)
#define AUTO_IMAGE	CLEAN(image_close)
