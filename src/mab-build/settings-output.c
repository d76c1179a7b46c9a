/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mab-build/build-options.h"

static int output_field(struct output *o, const char *field, struct err *e)
{
	int r;

	if (strncmp(field, "type=", 5) == 0) {
		r = value_choose("output=type", field + 5, "registry oci oci-archive",
				 "docker-archive docker local tar image", e);
		o->type = (enum output_type)(r < 0 ? 0 : r);
		return r < 0 ? r : 0;
	}
	if (strncmp(field, "dest=", 5) == 0) {
		free(o->dest);
		o->dest = xstrdup(field + 5);
		return 0;
	}
	return err_set(e, -EINVAL, "--output has no '%s' (it has type= and dest=)",
		       field);
}

static int set_output(struct settings *s, const char *value, struct err *e)
{
	AUTO_STRV struct strv fields = STRV_INIT;
	struct output *o;
	int r = 0;

	GROW(s->outputs, s->noutputs);
	o = &s->outputs[s->noutputs++];
	*o = (struct output){0};
	if (strncmp(value, "type=", 5) != 0 && !strstr(value, ",type="))
		return err_set(e, -EINVAL, "--output=%s has no type=", value);
	strv_split(&fields, value, ",");
	for (size_t i = 0; r == 0 && i < fields.n; i++)
		r = output_field(o, fields.v[i], e);
	if (r == 0 && o->type != OUTPUT_REGISTRY && !o->dest)
		return err_set(e, -EINVAL, "--output=%s has no dest=", value);
	s->push = s->push || o->type == OUTPUT_REGISTRY;
	return r;
}

int settings_output(struct settings *s, const struct cli_option *option,
		    const char *value, struct err *e)
{
	switch ((enum build_option)option->id) {
	case OPT_TAG:
		strv_add(&s->tags, value);
		return 0;
	case OPT_PUSH:
		s->push = true;
		return 0;
	case OPT_OUTPUT:
		return set_output(s, value, e);
	case OPT_IIDFILE:
		s->iidfile = value;
		return 0;
	case OPT_METADATA_FILE:
		s->metadata_file = value;
		return 0;
	default:
		return 1;
	}
}
