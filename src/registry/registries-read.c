/* SPDX-License-Identifier: MIT */

/* The files of registries.conf: which ones, and what they may say. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "registry/registries-internal.h"
#include "registry/toml.h"

enum { FILE_MAX = 256 << 10 };

struct reader {
	struct registries *r;
	const char *file;
	struct err *e;
};

/* One setting: how it is read into its member. */
struct field {
	const char *name;
	enum toml_kind kind;
	size_t offset;
	int (*read)(struct reader *s, const struct toml *item, void *member);
};

static int wrong(struct reader *s, const struct toml *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int wrong(struct reader *s, const struct toml *at, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	return err_at(s->e, -EINVAL, s->file, at->line, at->column, "%s", text.data);
}

/* What other programs know, and later versions of the format, does no harm here. */
static void note_unknown(struct reader *s, const struct toml *item,
			 const struct field *fields)
{
	AUTO_STRV struct strv names = STRV_INIT;
	const char *near;

	for (; fields->name; fields++)
		strv_add(&names, fields->name);
	near = strv_nearest(&names, item->key);
	strv_addf(&s->r->notes, "%s:%u:%u: the setting '%.60s' is not known%s%s%s",
		  s->file, item->line, item->column, item->key,
		  near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static int read_field(struct reader *s, const struct toml *item,
		      const struct field *fields, void *into)
{
	for (const struct field *f = fields; f->name; f++) {
		if (strcmp(f->name, item->key) != 0)
			continue;
		if (f->kind != item->kind)
			return wrong(s, item, "'%s' is %s, not %s", f->name,
				     toml_kind_name(f->kind), toml_kind_name(item->kind));
		return f->read(s, item, (char *)into + f->offset);
	}
	note_unknown(s, item, fields);
	return 0;
}

static int read_fields(struct reader *s, const struct toml *table,
		       const struct field *fields, void *into)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < table->n; i++)
		r = read_field(s, &table->items[i], fields, into);
	return r;
}

/* ---- values ---- */

static int read_bool(struct reader *s, const struct toml *item, void *member)
{
	*(bool *)member = item->boolean;
	return 0;
}

/* HOST[:PORT][/PATH…]; an empty one counts as not given. */
static int read_location(struct reader *s, const struct toml *item, void *member)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *image = NULL;
	size_t n = strlen(item->string);

	if (!n)
		return 0;
	while (n && item->string[n - 1] == '/')
		n--;
	text = xstrndup(item->string, n);
	image = strchr(text, '/') ? xstrdup(text) : xasprintf("%s/x", text);
	if (strstr(text, "://"))
		return wrong(s, item, "'%s' is not to begin with http:// or https://",
			     text);
	if (oci_reference_parse(&ref, image, NULL) < 0 || !ref.host)
		return wrong(s, item, "'%s' is not HOST[:PORT][/PATH]", text);
	free(*(char **)member);
	*(char **)member = TAKE_PTR(text);
	return 0;
}

static int read_prefix(struct reader *s, const struct toml *item, void *member)
{
	const char *text = item->string;
	AUTO_FREE char *rest = NULL;
	struct toml host = *item;

	if (strncmp(text, "*.", 2) != 0)
		return read_location(s, item, member);
	host.string = item->string + 2;
	if (strpbrk(text + 2, "*:/") || read_location(s, &host, &rest) < 0 || !rest)
		return wrong(s, item, "'%s' is not *.HOST", text);
	free(*(char **)member);
	*(char **)member = xstrdup(text);
	return 0;
}

static int each_string(struct reader *s, const struct toml *array,
		       int (*read)(struct reader *s, const struct toml *item,
				   void *member),
		       struct strv *list)
{
	strv_free(list);
	for (size_t i = 0; i < array->n; i++) {
		char *text = NULL;
		int r;

		if (array->items[i].kind != TOML_STRING)
			return wrong(s, &array->items[i], "'%s' has strings in it",
				     array->key);
		r = read(s, &array->items[i], &text);
		if (r < 0)
			return r;
		if (text)
			strv_own(list, text);
	}
	return 0;
}

static int read_search(struct reader *s, const struct toml *item, void *member)
{
	s->r->has_search = true;
	return each_string(s, item, read_location, member);
}

static int read_text(struct reader *s, const struct toml *item, void *member)
{
	*(char **)member = xstrdup(item->string);
	return 0;
}

static int read_helpers(struct reader *s, const struct toml *item, void *member)
{
	return each_string(s, item, read_text, member);
}

static int read_mode(struct reader *s, const struct toml *item, void *member)
{
	const char *mode = item->string;

	*(bool *)member = strcmp(mode, "enforcing") == 0;
	if (!*mode || *(bool *)member || strcmp(mode, "permissive") == 0 ||
	    strcmp(mode, "disabled") == 0)
		return 0;
	return wrong(s, item,
		     "short-name-mode is enforcing, permissive or disabled, not '%s'",
		     mode);
}

static int read_pulls(struct reader *s, const struct toml *item, void *member)
{
	static const char *const words[] = {"all", "digest-only", "tag-only"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(item->string, words[i]) == 0) {
			*(enum registries_pulls *)member = (enum registries_pulls)i;
			return 0;
		}
	if (!*item->string)
		return 0;
	return wrong(s, item,
		     "pull-from-mirror is all, digest-only or tag-only, not '%s'",
		     item->string);
}

/* ---- tables ---- */

#define MIRROR(member) offsetof(struct registries_mirror, member)
#define ENTRY(member)  offsetof(struct registries_entry, member)
#define ALL(member)    offsetof(struct registries, member)

static const struct field mirror_fields[] = {
	{"location", TOML_STRING, MIRROR(location), read_location},
	{"insecure", TOML_BOOLEAN, MIRROR(insecure), read_bool},
	{"pull-from-mirror", TOML_STRING, MIRROR(pulls), read_pulls},
	{0},
};

/* Checks that an array has tables only. */
static int check_tables(struct reader *s, const struct toml *array)
{
	for (size_t i = 0; i < array->n; i++)
		if (array->items[i].kind != TOML_TABLE)
			return wrong(s, &array->items[i], "'%s' has tables in it",
				     array->key);
	return 0;
}

static int read_mirrors(struct reader *s, const struct toml *item, void *member)
{
	struct registries_entry *entry = member;
	int r = check_tables(s, item);

	for (size_t i = 0; r == 0 && i < item->n; i++) {
		struct registries_mirror *mirror;

		GROW(entry->mirrors, entry->n);
		mirror = &entry->mirrors[entry->n++];
		*mirror = (struct registries_mirror){0};
		r = read_fields(s, &item->items[i], mirror_fields, mirror);
		if (r == 0 && !mirror->location)
			r = wrong(s, &item->items[i], "a mirror has no location");
	}
	return r;
}

static const struct field entry_fields[] = {
	{"prefix", TOML_STRING, ENTRY(prefix), read_prefix},
	{"location", TOML_STRING, ENTRY(location), read_location},
	{"insecure", TOML_BOOLEAN, ENTRY(insecure), read_bool},
	{"blocked", TOML_BOOLEAN, ENTRY(blocked), read_bool},
	{"mirror-by-digest-only", TOML_BOOLEAN, ENTRY(mirror_by_digest_only), read_bool},
	{"mirror", TOML_ARRAY, 0, read_mirrors},
	{0},
};

static int check_entry(struct reader *s, const struct toml *table,
		       struct registries_entry *entry)
{
	if (!entry->prefix && !entry->location)
		return wrong(s, table, "a registry has neither prefix nor location");
	if (!entry->prefix)
		entry->prefix = xstrdup(entry->location);
	if (!entry->location && entry->prefix[0] != '*')
		entry->location = xstrdup(entry->prefix);
	for (size_t i = 0; entry->mirror_by_digest_only && i < entry->n; i++)
		if (entry->mirrors[i].pulls != PULLS_ALL)
			return wrong(s, table,
				     "'%s' has mirror-by-digest-only, so its mirrors "
				     "have no pull-from-mirror",
				     entry->prefix);
	return 0;
}

/* In place of the one of the same prefix. */
static void put_entry(struct registries *r, struct registries_entry *entry)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->entries[i].prefix, entry->prefix) == 0) {
			registries_entry_free(&r->entries[i]);
			r->entries[i] = *entry;
			return;
		}
	GROW(r->entries, r->n);
	r->entries[r->n++] = *entry;
}

static int read_entries(struct reader *s, const struct toml *item, void *member)
{
	int r = check_tables(s, item);

	for (size_t i = 0; r == 0 && i < item->n; i++) {
		const struct toml *table = &item->items[i];
		struct registries_entry entry = {.file = xstrdup(s->file),
						 .line = table->line};

		r = read_fields(s, table, entry_fields, &entry);
		if (r == 0)
			r = check_entry(s, table, &entry);
		if (r == 0)
			put_entry(member, &entry);
		else
			registries_entry_free(&entry);
	}
	return r;
}

/* "name" = "host/path", neither with a tag or digest. */
static int read_alias(struct reader *s, const struct toml *item, struct oci_map *aliases)
{
	AUTO_OCI_REFERENCE struct oci_reference name = {0}, value = {0};

	if (oci_reference_parse(&name, item->key, NULL) < 0 || name.host || name.tag ||
	    name.digest)
		return wrong(s, item,
			     "'%.100s' is no short name (without host, tag and digest)",
			     item->key);
	if (item->kind != TOML_STRING)
		return wrong(s, item, "the alias '%s' is %s, not %s", item->key,
			     toml_kind_name(TOML_STRING), toml_kind_name(item->kind));
	if (*item->string && (oci_reference_parse(&value, item->string, NULL) < 0 ||
			      !value.host || value.tag || value.digest))
		return wrong(s, item,
			     "'%.100s' is no whole name (HOST/PATH, without tag and "
			     "digest)",
			     item->string);
	if (*item->string)
		oci_map_set(aliases, item->key, item->string);
	else
		oci_map_remove(aliases, item->key);
	return 0;
}

static int read_aliases(struct reader *s, const struct toml *item, void *member)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < item->n; i++)
		r = read_alias(s, &item->items[i], member);
	return r;
}

static int refuse_version_1(struct reader *s, const struct toml *item, void *member)
{
	return wrong(s, item,
		     "this is version 1 of the format; write "
		     "unqualified-search-registries = […] and [[registry]] "
		     "(containers-registries.conf(5))");
}

static int ignore(struct reader *s, const struct toml *item, void *member)
{
	return 0;
}

static const struct field fields[] = {
	{"unqualified-search-registries", TOML_ARRAY, ALL(search), read_search},
	{"short-name-mode", TOML_STRING, ALL(enforcing), read_mode},
	{"credential-helpers", TOML_ARRAY, ALL(helpers), read_helpers},
	{"registry", TOML_ARRAY, 0, read_entries},
	{"aliases", TOML_TABLE, ALL(aliases), read_aliases},
	{"registries", TOML_TABLE, 0, refuse_version_1},
	/* Of podman's storage, nothing here. */
	{"additional-layer-store-auth-helper", TOML_STRING, 0, ignore},
	{0},
};

int registries_parse(struct registries *r, const char *file, const char *text, size_t len,
		     struct err *e)
{
	struct reader s = {r, file, e};
	AUTO_TOML struct toml root = {0};
	int result = toml_parse(&root, file, text, len, e);

	return result < 0 ? result : read_fields(&s, &root, fields, r);
}

/* ---- files ---- */

/* 1 when it was there. */
static int load_file(struct registries *r, const char *file, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_FREE char *text = NULL;
	struct stat st;
	size_t len;
	int result;

	if (stat(file, &st) == 0 && S_ISCHR(st.st_mode)) /* /dev/null has nothing */
		return 1;
	result = file_read_at(AT_FDCWD, file, FILE_MAX, &text, &len, &why);
	if (result == -ENOENT || result == -ENOTDIR)
		return 0;
	if (result < 0)
		return err_set(e, result, "%s", why.text);
	result = registries_parse(r, file, text, len, e);
	return result < 0 ? result : 1;
}

/* *.conf of FOLDER/registries.conf.d, in order of their names. */
static int load_drop_ins(struct registries *r, const char *folder, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/registries.conf.d", folder);
	AUTO_CLOSEDIR DIR *dir = opendir(path);
	AUTO_STRV struct strv files = STRV_INIT;
	struct dirent *de;
	int result = 0;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_sys(e, -errno, "cannot read %s", path);
	while ((de = readdir(dir))) {
		size_t n = strlen(de->d_name);

		if (n > 5 && de->d_type != DT_DIR &&
		    strcmp(de->d_name + n - 5, ".conf") == 0)
			strv_addf(&files, "%s/%s", path, de->d_name);
	}
	strv_sort(&files);
	for (size_t i = 0; result >= 0 && i < files.n; i++)
		result = load_file(r, files.v[i], e);
	return result < 0 ? result : 0;
}

static int load_main(struct registries *r, const char *folder, struct err *e)
{
	AUTO_FREE char *file = xasprintf("%s/registries.conf", folder);

	return load_file(r, file, e);
}

int registries_load_folders(struct registries *r, const char *system, const char *user,
			    struct err *e)
{
	int result = user ? load_main(r, user, e) : 0;

	if (result == 0) {
		result = load_main(r, system, e);
		if (result >= 0)
			result = load_drop_ins(r, system, e);
	}
	if (result >= 0 && user)
		result = load_drop_ins(r, user, e);
	return result < 0 ? result : 0;
}

int registries_load(struct registries *r, const char *file, struct err *e)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	AUTO_FREE char *user = NULL;
	int result;

	if (!file)
		file = getenv("CONTAINERS_REGISTRIES_CONF");
	if (file && *file) {
		result = load_file(r, file, e);
		return result ? result < 0 ? result : 0
			      : err_set(e, -ENOENT, "there is no file %s", file);
	}
	if (config && *config)
		user = xasprintf("%s/containers", config);
	else if (home && *home)
		user = xasprintf("%s/.config/containers", home);
	return registries_load_folders(r, "/etc/containers", user, e);
}
