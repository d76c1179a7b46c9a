/* SPDX-License-Identifier: MIT */
#include "binfmt/arch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/entry.h"
#include "binfmt/kernel.h"

void binfmt_arch_free(struct binfmt_arch *a)
{
	free(a->name);
	free(a->magics);
	strv_free(&a->names);
	strv_free(&a->platforms);
	free(a->qemu);
	free(a->prefix);
}

static const struct conf *find_conf(const struct conf_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->files[i].name, name) == 0)
			return &set->files[i].conf;
	return NULL;
}

static void read_list(const struct conf *c, const char *key, struct strv *list)
{
	const struct conf_item *item = conf_get(c, key);

	if (item)
		strv_split(list, item->value, " \t");
}

static int read_handler(const struct conf *c, struct binfmt_arch *a, struct err *e)
{
	const struct conf_item *item;
	int r = conf_check_keys(c, "names platforms qemu flags", e);

	if (r < 0)
		return r;
	read_list(c, "names", &a->names);
	read_list(c, "platforms", &a->platforms);
	item = conf_get(c, "qemu");
	if (item) {
		free(a->qemu);
		a->qemu = xstrdup(item->value);
	}
	if (!a->qemu[0] || strchr(a->qemu, '/'))
		return conf_error(c, item, e, "qemu is a name such as `%s`, not `%s`",
				  a->name, a->qemu);
	item = conf_get(c, "flags");
	if (item) {
		AUTO_ERR struct err why = ERR_INIT;
		unsigned flags;

		if (binfmt_flags_parse(item->value, &flags, &why) < 0)
			return conf_error(c, item, e, "%s", why.text);
		a->flags = (int)flags;
	}
	return 0;
}

int binfmt_arch_read(struct binfmt_arch *a, const char *name, const struct conf *magic,
		     const struct conf *handler, struct err *e)
{
	int r;

	*a = (struct binfmt_arch){
		.name = xstrdup(name), .qemu = xstrdup(name), .flags = -1};
	r = binfmt_magic_read(magic, &a->magics, &a->nmagics, e);
	if (r == 0)
		r = read_handler(handler, a, e);
	if (r < 0)
		binfmt_arch_free(a);
	return r;
}

static bool is_builtin_magic(const char *name)
{
	for (size_t i = 0; i < binfmt_magic_texts_count; i++)
		if (strcmp(binfmt_magic_texts[i].name, name) == 0)
			return true;
	return false;
}

int binfmt_archs_load(struct binfmt_archs *archs, const char *config, struct err *e)
{
	AUTO_CONF_SET struct conf_set magics = {0};
	AUTO_CONF_SET struct conf_set handlers = {0};
	AUTO_FREE char *magic_folder = config ? xasprintf("%s/magic.d", config) : NULL;
	AUTO_FREE char *qemu_folder = config ? xasprintf("%s/qemu.d", config) : NULL;
	int r;

	*archs = (struct binfmt_archs){0};
	r = conf_set_load(&magics, binfmt_magic_texts, binfmt_magic_texts_count,
			  magic_folder, e);
	if (r == 0)
		r = conf_set_load(&handlers, binfmt_qemu_texts, binfmt_qemu_texts_count,
				  qemu_folder, e);
	/* Both sets are sorted, so what they make is. */
	for (size_t i = 0; r == 0 && i < handlers.n; i++) {
		const struct conf *handler = &handlers.files[i].conf;
		const char *name = handlers.files[i].name;
		const struct conf *magic = find_conf(&magics, name);
		struct binfmt_arch a;

		if (!magic && is_builtin_magic(name)) /* masked in magic.d */
			continue;
		if (!magic) {
			r = err_at(e, -EINVAL, handler->file, 0, 0,
				   "there is no magic for it (put %s.conf into %s too)",
				   name, magic_folder);
			break;
		}
		r = binfmt_arch_read(&a, name, magic, handler, e);
		if (r < 0)
			break;
		GROW(archs->v, archs->n);
		archs->v[archs->n++] = a;
	}
	if (r < 0)
		binfmt_archs_free(archs);
	return r;
}

static const char *without_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : s;
}

/* "linux/arm64" answers to itself, to "arm64", and with any variant ("arm64/v8"). */
static bool answers_to_platform(const struct binfmt_arch *a, const char *name)
{
	size_t arch_len = strcspn(name, "/");

	for (size_t i = 0; i < a->platforms.n; i++) {
		const char *platform = without_prefix(a->platforms.v[i], "linux/");
		size_t n = strcspn(platform, "/");

		if (strcmp(platform, name) == 0)
			return true;
		if (n != arch_len || strncmp(platform, name, n) != 0)
			continue;
		if (name[n] == '\0' || platform[n] == '\0')
			return true;
	}
	return false;
}

void binfmt_archs_set_prefix(struct binfmt_archs *archs, const char *prefix)
{
	for (size_t i = 0; i < archs->n; i++) {
		free(archs->v[i].prefix);
		archs->v[i].prefix = prefix ? xstrdup(prefix) : NULL;
	}
}

const struct binfmt_arch *binfmt_archs_find(const struct binfmt_archs *archs,
					    const char *name)
{
	const char *bare = without_prefix(name, "qemu-");
	const char *platform = without_prefix(name, "linux/");

	for (size_t i = 0; i < archs->n; i++)
		if (strcmp(archs->v[i].name, bare) == 0)
			return &archs->v[i];
	for (size_t i = 0; i < archs->n; i++)
		if (strv_has(&archs->v[i].names, bare) ||
		    answers_to_platform(&archs->v[i], platform))
			return &archs->v[i];
	return NULL;
}

char *binfmt_archs_nearest(const struct binfmt_archs *archs, const char *name)
{
	AUTO_STRV struct strv all = STRV_INIT;
	const char *near;

	for (size_t i = 0; i < archs->n; i++) {
		const struct binfmt_arch *a = &archs->v[i];

		strv_add(&all, a->name);
		for (size_t k = 0; k < a->names.n; k++)
			strv_add(&all, a->names.v[k]);
		for (size_t k = 0; k < a->platforms.n; k++) {
			strv_add(&all, a->platforms.v[k]);
			strv_add(&all, without_prefix(a->platforms.v[k], "linux/"));
		}
	}
	near = strv_nearest(&all, name);
	return near ? xstrdup(near) : NULL;
}

/* "qemu-NAME", or "qemu-NAME-MACHINE" for a further machine number. */
static char *plain_entry_name(const struct binfmt_arch *arch, size_t i)
{
	if (i == 0)
		return xasprintf("qemu-%s", arch->name);
	return xasprintf("qemu-%s-%u", arch->name, arch->magics[i].machine);
}

char *binfmt_arch_entry_name(const struct binfmt_arch *arch, size_t i)
{
	AUTO_FREE char *plain = plain_entry_name(arch, i);

	return xasprintf("%s%s", arch->prefix ? arch->prefix : "", plain);
}

static bool owns_entry(const struct binfmt_arch *a, const char *entry_name)
{
	const char *bare = without_prefix(entry_name, a->prefix ? a->prefix : "");

	for (size_t i = 0; i < a->nmagics; i++) {
		AUTO_FREE char *name = plain_entry_name(a, i);
		const char *rest = without_prefix(bare, name);

		if (rest != bare && (!*rest || strcmp(rest, BINFMT_BRIDGE_SUFFIX) == 0))
			return true;
	}
	return false;
}

const struct binfmt_arch *binfmt_archs_find_entry(const struct binfmt_archs *archs,
						  const char *entry_name)
{
	for (size_t i = 0; i < archs->n; i++)
		if (owns_entry(&archs->v[i], entry_name))
			return &archs->v[i];
	return NULL;
}

char *binfmt_arch_label(const struct binfmt_arch *arch)
{
	const char *platform;

	if (arch->platforms.n == 0)
		return xstrdup(arch->name);
	platform = without_prefix(arch->platforms.v[0], "linux/");
	return xstrndup(platform, strcspn(platform, "/"));
}

void binfmt_archs_free(struct binfmt_archs *archs)
{
	for (size_t i = 0; i < archs->n; i++)
		binfmt_arch_free(&archs->v[i]);
	free(archs->v);
	*archs = (struct binfmt_archs){0};
}
