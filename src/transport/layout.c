/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "oci/graph.h"
#include "oci/layout.h"
#include "transport/transport-internal.h"

struct layout_source {
	struct transport_source source; /* first */
	struct oci_layout *layout;
};

static void close_layout(struct transport_source *s)
{
	oci_layout_close(((struct layout_source *)s)->layout);
	free(s);
}

int transport_layout_open(const struct transport_name *name, struct transport_source **s,
			  struct err *e)
{
	AUTO_OCI_LAYOUT struct oci_layout *layout = NULL;
	AUTO_OCI_DESCRIPTOR struct oci_descriptor d = {0};
	struct oci_document doc;
	struct layout_source *new;
	int r = oci_layout_open(AT_FDCWD, name->path, &layout, e);

	if (r == 0)
		r = oci_layout_find(layout, name->name, &d, e);
	if (r == 0)
		r = oci_layout_document(layout, &d, &doc, e);
	if (r < 0)
		return r;
	new = xcalloc(1, sizeof *new);
	new->source =
		(struct transport_source){doc, oci_layout_blobs(layout), close_layout};
	new->layout = TAKE_PTR(layout);
	*s = &new->source;
	return 0;
}

int transport_layout_write(const struct transport_name *name,
			   const struct oci_document *doc, struct oci_blobs *from,
			   struct err *e)
{
	AUTO_OCI_LAYOUT struct oci_layout *layout = NULL;
	AUTO_OCI_DESCRIPTOR struct oci_descriptor d = {0};
	int r = oci_layout_create(AT_FDCWD, name->path, &layout, e);

	if (r == 0)
		r = oci_blobs_copy(doc, from, oci_layout_blobs(layout), e);
	if (r < 0)
		return r;
	oci_document_descriptor(doc, &d);
	return oci_layout_set(layout, name->name, &d, e);
}
