/* SPDX-License-Identifier: MIT */
#include "binfmtctl/persist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "binfmt/bytes.h"

enum { CONF_MAX = 64 * 1024 };

/* Reading */

static int read_bool(const struct conf *c, const char *key, bool *value, struct err *e)
{
	const struct conf_item *item = conf_get(c, key);

	if (!item)
		return 0;
	*value = strcmp(item->value, "yes") == 0;
	if (*value || strcmp(item->value, "no") == 0)
		return 0;
	return conf_error(c, item, e, "%s is `yes` or `no`, not `%s`", key, item->value);
}

static int read_path(const struct conf *c, const char *key, char **path, struct err *e)
{
	const struct conf_item *item = conf_get(c, key);

	if (!item)
		return 0;
	if (item->value[0] != '/')
		return conf_error(c, item, e, "%s is an absolute path, not `%s`", key,
				  item->value);
	*path = xstrdup(item->value);
	return 0;
}

static int read_flags(const struct conf *c, unsigned *flags, bool *given, struct err *e)
{
	const struct conf_item *item = conf_get(c, "flags");
	AUTO_ERR struct err why = ERR_INIT;

	*given = item != NULL;
	if (!item || binfmt_flags_parse(item->value, flags, &why) == 0)
		return 0;
	return conf_error(c, item, e, "%s", why.text);
}

/* Keys that an architecture's file shares with binfmtctl.conf. */
static int read_options(const struct conf *c, struct binfmt_plan_options *options,
			char **qemu_dir, struct err *e)
{
	bool fix_binary = true, credentials = true;
	int r = read_path(c, "qemu-dir", qemu_dir, e);

	if (r == 0)
		r = read_bool(c, "fix-binary", &fix_binary, e);
	if (r == 0)
		r = read_bool(c, "credentials", &credentials, e);
	*options = (struct binfmt_plan_options){.qemu_dir = *qemu_dir,
						.no_fix_binary = !fix_binary,
						.no_credentials = !credentials,
						.flags = -1};
	return r;
}

static int read_architecture(const struct conf *c, struct persisted *p, struct err *e)
{
	bool flags_given;
	unsigned flags;
	int r;

	p->architecture = xstrdup(conf_get(c, "architecture")->value);
	r = read_bool(c, "install", &p->install, e);
	if (r == 0)
		r = read_options(c, &p->options, &p->qemu_dir, e);
	if (r == 0)
		r = read_path(c, "qemu", &p->qemu, e);
	if (r == 0)
		r = read_flags(c, &flags, &flags_given, e);
	if (r < 0)
		return r;
	p->options.qemu = p->qemu;
	if (flags_given)
		p->options.flags = (int)flags;
	return 0;
}

static int read_hex(const struct conf *c, const char *key, uint8_t *bytes, size_t *n,
		    struct err *e)
{
	const struct conf_item *item = conf_get(c, key);
	int count;

	if (!item)
		return 0;
	count = binfmt_bytes_hex(item->value, strlen(item->value), bytes);
	if (count < 0)
		return conf_error(c, item, e,
				  "%s is up to %d bytes in hexadecimal, not `%s`", key,
				  BINFMT_HEAD_SIZE, item->value);
	*n = (size_t)count;
	return 0;
}

static int read_match(const struct conf *c, struct binfmt_entry *entry, struct err *e)
{
	const struct conf_item *item = conf_get(c, "extension");
	size_t mask_size;
	unsigned long offset = 0;
	int r;

	if (item) {
		entry->extension = xstrdup(item->value);
		return 0;
	}
	r = read_hex(c, "magic", entry->magic, &entry->size, e);
	mask_size = entry->size;
	memset(entry->mask, 0xff, entry->size);
	if (r == 0)
		r = read_hex(c, "mask", entry->mask, &mask_size, e);
	if (r < 0)
		return r;
	if (mask_size != entry->size)
		return conf_error(c, conf_get(c, "mask"), e,
				  "mask has %zu bytes, magic has %zu", mask_size,
				  entry->size);
	item = conf_get(c, "offset");
	if (item)
		r = conf_number(c, item, item->value, 0, BINFMT_HEAD_SIZE, &offset, e);
	entry->offset = offset;
	return r;
}

/* An entry may have been taken as it was from a newer kernel. */
static int read_entry_flags(const struct conf *c, struct binfmt_entry *entry,
			    struct err *e)
{
	const struct conf_item *item = conf_get(c, "flags");
	size_t n;

	if (!item)
		return 0;
	n = binfmt_entry_add_flags(entry, item->value, strlen(item->value));
	if (!item->value[n])
		return 0;
	return conf_error(c, item, e, "'%c' is not a flag (there are P, O, C and F)",
			  item->value[n]);
}

static int read_entry(const struct conf *c, struct persisted *p, struct err *e)
{
	struct binfmt_entry *entry = &p->entry;
	AUTO_ERR struct err why = ERR_INIT;
	const struct conf_item *item;
	int r = conf_require(c, "interpreter", &item, e);

	if (r < 0)
		return r;
	entry->name = xstrdup(p->name);
	entry->interpreter = xstrdup(item->value);
	entry->enabled = true;
	r = read_bool(c, "enabled", &entry->enabled, e);
	if (r == 0)
		r = read_entry_flags(c, entry, e);
	if (r == 0)
		r = read_match(c, entry, e);
	if (r == 0 && binfmt_entry_validate(entry, &why) < 0)
		r = err_at(e, -EINVAL, c->file, 0, 0, "%s", why.text);
	return r;
}

static int read_file(const struct conf_file *file, struct persisted *p, struct err *e)
{
	const struct conf *c = &file->conf;
	bool is_arch = conf_get(c, "architecture");
	int r;

	*p = (struct persisted){
		.name = xstrdup(file->name), .install = true, .options = {.flags = -1}};
	r = conf_check_keys(c,
			    is_arch ? "architecture install qemu qemu-dir flags "
				      "fix-binary credentials"
				    : "interpreter magic mask offset extension flags "
				      "enabled architecture",
			    e);
	if (r < 0)
		return r;
	return is_arch ? read_architecture(c, p, e) : read_entry(c, p, e);
}

static int read_main(struct persisted_set *set, const char *config_dir, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/binfmtctl.conf", config_dir);
	AUTO_CONF struct conf c = {0};
	AUTO_FREE char *text = NULL;
	const struct conf_item *item;
	size_t len;
	int r;

	set->options.flags = -1;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = file_read_at(AT_FDCWD, path, CONF_MAX, &text, &len, e);
	if (r == 0)
		r = conf_parse(&c, path, text, len, e);
	if (r < 0)
		return r;
	r = conf_check_keys(&c, "install qemu-dir fix-binary credentials", e);
	if (r < 0)
		return r;
	item = conf_get(&c, "install");
	if (item)
		strv_split(&set->install, item->value, ", \t");
	return read_options(&c, &set->options, &set->qemu_dir, e);
}

int persisted_load(struct persisted_set *set, const char *config_dir, struct err *e)
{
	AUTO_FREE char *folder = xasprintf("%s/handlers.d", config_dir);
	AUTO_CONF_SET struct conf_set files = {0};
	int r;

	*set = (struct persisted_set){0};
	r = read_main(set, config_dir, e);
	if (r == 0)
		r = conf_set_load(&files, NULL, 0, folder, e);
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		GROW(set->v, set->n);
		r = read_file(&files.files[i], &set->v[set->n++], e);
	}
	if (r < 0)
		persisted_free(set);
	return r;
}

void persisted_free(struct persisted_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct persisted *p = &set->v[i];

		free(p->name);
		free(p->architecture);
		free(p->qemu);
		free(p->qemu_dir);
		binfmt_entry_free(&p->entry);
	}
	free(set->v);
	strv_free(&set->install);
	free(set->qemu_dir);
	*set = (struct persisted_set){0};
}

/* Writing */

static int open_folder(const struct settings *s, bool create, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/handlers.d", s->config_dir);
	int fd;

	if (create && ((mkdir(s->config_dir, 0755) < 0 && errno != EEXIST) ||
		       (mkdir(path, 0755) < 0 && errno != EEXIST)))
		return err_sys(e, -errno, "cannot make the folder %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, -errno, "cannot open the folder %s", path) : fd;
}

/* What is written must be read back as it is: see the grammar in base/conf.h. */
static int check_value(const char *value, struct err *e)
{
	if (!strpbrk(value, "#\n\r") && value[0] != ' ' &&
	    (!*value || value[strlen(value) - 1] != ' '))
		return 0;
	return err_set(e, -EINVAL, "'%s' cannot stand in a configuration file", value);
}

static int write_conf(const struct settings *s, const char *name,
		      const struct strbuf *text, struct err *e)
{
	AUTO_FREE char *file = xasprintf("%s.conf", name);
	AUTO_CLOSE int dir = open_folder(s, true, e);

	if (dir < 0)
		return dir;
	return file_write_at(dir, file, text->data, text->len, 0644, e);
}

static int remove_conf(const struct settings *s, const char *name, struct err *e)
{
	AUTO_FREE char *file = xasprintf("%s.conf", name);
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_CLOSE int dir = open_folder(s, false, &why);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return err_set(e, dir, "%s", why.text);
	if (unlinkat(dir, file, 0) == 0 || errno == ENOENT)
		return 0;
	return err_sys(e, -errno, "cannot remove %s/handlers.d/%s", s->config_dir, file);
}

static char *arch_file(const struct binfmt_arch *arch)
{
	return arch ? xasprintf("qemu-%s", arch->name) : xstrdup("all");
}

static int add_path(struct strbuf *text, const char *key, const char *path, struct err *e)
{
	AUTO_FREE char *absolute = NULL;
	int r;

	if (!path)
		return 0;
	absolute = realpath(path, NULL);
	if (!absolute)
		return err_sys(e, -errno, "cannot resolve %s", path);
	r = check_value(absolute, e);
	strbuf_addf(text, "%s = %s\n", key, absolute);
	return r;
}

int persist_arch(const struct settings *s, const struct binfmt_arch *arch, struct err *e)
{
	AUTO_FREE char *name = arch_file(arch);
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	int r;

	strbuf_addf(&text, "architecture = %s\n", arch ? arch->name : "all");
	r = add_path(&text, "qemu", s->plan.qemu, e);
	if (r == 0)
		r = add_path(&text, "qemu-dir", s->plan.qemu_dir, e);
	if (r < 0)
		return r;
	if (s->plan.flags >= 0) {
		AUTO_STRBUF struct strbuf flags = STRBUF_INIT;

		binfmt_flags_format((unsigned)s->plan.flags, &flags);
		strbuf_addf(&text, "flags = %s\n", flags.data);
	}
	if (s->plan.no_fix_binary)
		strbuf_adds(&text, "fix-binary = no\n");
	if (s->plan.no_credentials)
		strbuf_adds(&text, "credentials = no\n");
	return write_conf(s, name, &text, e);
}

/* Whether something installs every architecture, or names this one in binfmtctl.conf. */
static bool comes_back(const struct persisted_set *set, const struct binfmt_arch *arch)
{
	for (size_t i = 0; i < set->n; i++) {
		const char *name = set->v[i].architecture;

		if (name && strcmp(name, "all") == 0)
			return true;
	}
	for (size_t i = 0; i < set->install.n; i++) {
		struct binfmt_archs only = {.v = (struct binfmt_arch *)(uintptr_t)arch,
					    .n = 1};

		if (strcmp(set->install.v[i], "all") == 0 ||
		    binfmt_archs_find(&only, set->install.v[i]))
			return true;
	}
	return false;
}

static int remove_all(const struct settings *s, const struct persisted_set *set,
		      struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->n; i++)
		if (set->v[i].architecture)
			r = remove_conf(s, set->v[i].name, e);
	if (r == 0 && set->install.n)
		return err_set(e, -EEXIST,
			       "%s/binfmtctl.conf still installs architectures at boot "
			       "(take out its line `install = …`)",
			       s->config_dir);
	return r;
}

int persist_remove_arch(const struct settings *s, const struct binfmt_arch *arch,
			struct err *e)
{
	struct persisted_set set;
	int r = persisted_load(&set, s->config_dir, e);

	if (r < 0)
		return r;
	if (!arch) {
		r = remove_all(s, &set, e);
	} else {
		AUTO_FREE char *name = arch_file(arch);
		AUTO_STRBUF struct strbuf text = STRBUF_INIT;

		strbuf_addf(&text, "architecture = %s\ninstall = no\n", arch->name);
		r = comes_back(&set, arch) ? write_conf(s, name, &text, e)
					   : remove_conf(s, name, e);
	}
	persisted_free(&set);
	return r;
}

static void add_hex(struct strbuf *text, const char *key, const uint8_t *bytes, size_t n)
{
	strbuf_addf(text, "%s = ", key);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(text, "%02x", bytes[i]);
	strbuf_addc(text, '\n');
}

int persist_entry(const struct settings *s, const struct binfmt_entry *entry,
		  struct err *e)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	AUTO_STRBUF struct strbuf flags = STRBUF_INIT;
	int r = check_value(entry->interpreter, e);

	if (r == 0 && entry->extension)
		r = check_value(entry->extension, e);
	if (r < 0)
		return r;
	binfmt_flags_format(entry->flags, &flags);
	strbuf_addf(&text, "interpreter = %s\nflags = %s%s\n", entry->interpreter,
		    flags.data, entry->other_flags);
	if (entry->extension) {
		strbuf_addf(&text, "extension = %s\n", entry->extension);
	} else {
		strbuf_addf(&text, "offset = %zu\n", entry->offset);
		add_hex(&text, "magic", entry->magic, entry->size);
		add_hex(&text, "mask", entry->mask, entry->size);
	}
	if (!entry->enabled)
		strbuf_adds(&text, "enabled = no\n");
	return write_conf(s, entry->name, &text, e);
}

int persist_remove_entry(const struct settings *s, const char *name, struct err *e)
{
	return remove_conf(s, name, e);
}
