/* SPDX-License-Identifier: MIT */
#include "mab-build/manifest-settings.h"

#include <errno.h>

#include "mab-build/option-values.h"

int manifest_set(void *settings, const struct cli_option *option, const char *value,
		 struct err *e)
{
	struct manifest_settings *s = settings;

	switch (option->id) {
	case OPT_ALL:
		s->all = true;
		return 0;
	case OPT_AMEND:
		s->amend = true;
		return 0;
	case OPT_ANNOTATION:
		return value_pair(&s->facts.annotations, option->name, value, e);
	case OPT_ARCH:
		s->facts.architecture = value;
		return 0;
	case OPT_DIGESTFILE:
		s->digestfile = value;
		return 0;
	case OPT_FEATURES:
		strv_split(&s->facts.features, value, ",");
		return 0;
	case OPT_FORMAT:
		s->convert = true;
		return value_format(option->name, value, &s->format, e);
	case OPT_OS:
		s->facts.os = value;
		return 0;
	case OPT_OS_FEATURES:
		strv_split(&s->facts.os_features, value, ",");
		return 0;
	case OPT_OS_VERSION:
		s->facts.os_version = value;
		return 0;
	case OPT_QUIET:
		s->quiet = true;
		return 0;
	case OPT_RM:
		s->rm = true;
		return 0;
	case STORAGE_ROOT:
		s->root = value;
		return 0;
	case OPT_VARIANT:
		s->facts.variant = value;
		return 0;
	default:
		return remote_set(&s->remote, option, value, e);
	}
}

void manifest_release(void *settings)
{
	struct manifest_settings *s = settings;

	strv_free(&s->facts.features);
	strv_free(&s->facts.os_features);
	oci_map_free(&s->facts.annotations);
	remote_free(&s->remote);
}

static int take_words(struct manifest_settings *s, int n, char **words, int least,
		      int most, struct err *e)
{
	if (n < least)
		return err_set(e, -EINVAL,
			       least == 1 ? "a list is to be named"
					  : "a list and an image are to be "
					    "named");
	if (n > most)
		return err_set(e, -EINVAL, "'%s' is one word too many", words[most]);
	s->n = n;
	s->words = words;
	return 0;
}

int manifest_take_none(void *settings, int n, char **words, struct err *e)
{
	return take_words(settings, n, words, 0, 0, e);
}

int manifest_take_list(void *settings, int n, char **words, struct err *e)
{
	return take_words(settings, n, words, 1, 1, e);
}

int manifest_take_image(void *settings, int n, char **words, struct err *e)
{
	return take_words(settings, n, words, 2, 2, e);
}

int manifest_take_place(void *settings, int n, char **words, struct err *e)
{
	return take_words(settings, n, words, 1, 2, e);
}

int manifest_take_several(void *settings, int n, char **words, struct err *e)
{
	return take_words(settings, n, words, 1, n, e);
}

int manifest_list_name(struct image_name *name, const char *text, struct err *e)
{
	int r = image_name_parse(name, text, e);

	if (r == 0 && !name->bare)
		r = err_set(e, -EINVAL, "a list has a name of the store, not '%s'", text);
	return r;
}
