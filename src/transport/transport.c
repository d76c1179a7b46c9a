/* SPDX-License-Identifier: MIT */
#include "transport/transport.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "transport/transport-internal.h"

struct kind {
	const char *prefix;
	const char *form;
	bool named; /* there may be several images, told by name */
	int (*open)(const struct transport_name *name, struct transport_source **s,
		    struct err *e);
	int (*write)(const struct transport_name *name, const struct oci_document *doc,
		     struct oci_blobs *from, struct err *e);
};

static const struct kind kinds[] = {
	[TRANSPORT_OCI] = {"oci:", "oci:FOLDER[:NAME]", true, transport_layout_open,
			   transport_layout_write},
	[TRANSPORT_OCI_ARCHIVE] = {"oci-archive:", "oci-archive:FILE[:NAME]", true,
				   transport_archive_open, transport_archive_write},
	[TRANSPORT_DOCKER_ARCHIVE] = {"docker-archive:",
				      "docker-archive:FILE[:REFERENCE]", true,
				      transport_docker_open, transport_docker_write},
	[TRANSPORT_DIR] = {"dir:", "dir:FOLDER", false, transport_dir_open,
			   transport_dir_write},
};

static int parse_place(struct transport_name *name, const struct kind *k,
		       const char *text, struct err *e)
{
	const char *rest = text + strlen(k->prefix);
	const char *colon = k->named ? strchr(rest, ':') : NULL;
	size_t n = colon ? (size_t)(colon - rest) : strlen(rest);

	if (!n || (colon && !colon[1]))
		return err_set(e, -EINVAL, "image '%s' is not %s", text, k->form);
	name->path = xstrndup(rest, n);
	name->name = colon ? xstrdup(colon + 1) : NULL;
	return 0;
}

int transport_name_parse(struct transport_name *name, const char *text, struct err *e)
{
	*name = (struct transport_name){TRANSPORT_REGISTRY, NULL, NULL};
	for (size_t i = TRANSPORT_OCI; i < ARRAY_SIZE(kinds); i++) {
		if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		name->transport = (enum transport)i;
		return parse_place(name, &kinds[i], text, e);
	}
	return 0;
}

void transport_name_free(struct transport_name *name)
{
	free(name->path);
	free(name->name);
}

int transport_open(const struct transport_name *name, struct transport_source **s,
		   struct err *e)
{
	return kinds[name->transport].open(name, s, e);
}

const struct oci_document *transport_document(const struct transport_source *s)
{
	return &s->doc;
}

struct oci_blobs *transport_blobs(const struct transport_source *s)
{
	return s->blobs;
}

void transport_close(struct transport_source *s)
{
	if (!s)
		return;
	oci_document_free(&s->doc);
	s->close(s);
}

void transport_close_p(struct transport_source **s)
{
	transport_close(*s);
}

int transport_write(const struct transport_name *name, const struct oci_document *doc,
		    struct oci_blobs *from, struct err *e)
{
	return kinds[name->transport].write(name, doc, from, e);
}
