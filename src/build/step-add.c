/* SPDX-License-Identifier: MIT */

/* What ADD does besides copying: archives, and what it fetches. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/step-copy-internal.h"
#include "registry/fetch.h"

/* All that is in a folder which was made for this step, as it is; from *first on. */
static int add_contents(struct build_copying *c, const struct build_tree *tree,
			size_t *first, struct err *e)
{
	AUTO_FREE char *inside = build_copy_join(c->to, "x");
	int r = build_copy_add_parents(c, inside, e);

	*first = c->changes.n;
	return r < 0 ? r
		     : build_tree_add_all(tree, "", c->exclude.n ? &c->exclude : NULL, "",
					  c->to, &c->changes, e);
}

/* --- What archives hold --- */

/* The path in an archive of what has this one in the image. */
static const char *path_in_archive(const struct build_copying *c, const char *path)
{
	size_t n = strlen(c->to);

	return path + n + (n && path[n] == '/');
}

struct implied {
	const struct build_copying *c;
	struct build_archive *archive;
};

/* The archive does not name it: it is as it is in the image, or new. */
static bool is_implied(void *context, const struct build_change *change)
{
	const struct implied *i = context;

	return change->entry.type == LAYER_FOLDER &&
	       !layer_index_find(&i->archive->index,
				 path_in_archive(i->c, change->entry.path));
}

/* Something that is no folder, where a path needs one. */
static const struct layer_entry *find_above(const struct build_copying *c,
					    const char *path)
{
	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		AUTO_FREE char *above = xstrndup(path, (size_t)(p - path));
		const struct layer_entry *there = layer_view_find(&c->view, above, NULL);

		if (there && there->type != LAYER_FOLDER)
			return there;
	}
	return NULL;
}

static int check_above(const struct build_copying *c, const char *path, struct err *e)
{
	const struct layer_entry *there = find_above(c, path);

	return there ? err_set(e, -ENOTDIR, "/%s is not a folder, and /%s would be in it",
			       there->path, path)
		     : 0;
}

/* Through a link of the image, where the archive has no folder of its own. */
static int follow_links(struct build_copying *c, struct build_change *change,
			struct err *e)
{
	struct layer_entry *entry = &change->entry;
	const struct layer_entry *link;
	int r = 0;

	while (r == 0 && (link = find_above(c, entry->path)) &&
	       link->type == LAYER_SYMLINK) {
		const char *rest = entry->path + strlen(link->path) + 1;
		AUTO_FREE char *to = NULL;
		char *path;

		r = layer_view_resolve(&c->view, link->path, true, &to, e);
		if (r < 0)
			break;
		path = build_copy_join(to, rest);
		free(entry->path);
		entry->path = path;
	}
	return r;
}

static int place_contents(struct build_copying *c, size_t first, struct err *e)
{
	int r = 0;

	for (size_t i = first; c->through && r == 0 && i < c->changes.n; i++)
		r = follow_links(c, &c->changes.v[i], e);
	if (r == 0)
		r = build_copy_dress(c, first, e);
	for (size_t i = first; r == 0 && i < c->changes.n; i++)
		r = check_above(c, c->changes.v[i].entry.path, e);
	return r;
}

/* What an archive holds, with its owners. */
static int expand_archive(struct build_copying *c, int root, const char *path,
			  struct err *e)
{
	struct build_tree tree = {
		.name = path, .owners = true, .owner_xattr = c->b->one_owner};
	struct implied implied = {.c = c};
	size_t first;
	int r = build_archive_unpack(c->b, &c->archives, root, path, &implied.archive, e);

	if (r < 0)
		return r;
	if (c->nexpanded == c->nadded ||
	    !oci_digest_equal(&implied.archive->digest, &c->added[c->nexpanded++].digest))
		return err_set(e, -ESTALE,
			       "%s was changed while it was added: run the build again",
			       path);
	tree.root = implied.archive->draft.fs;
	r = add_contents(c, &tree, &first, e);
	if (r < 0)
		return r;
	build_changes_remove(&c->changes, first, is_implied, &implied);
	return place_contents(c, first, e);
}

/* One that nobody has read is unpacked at once, to be read only once. */
static int digest_archive(struct build_copying *c, int root, const char *path,
			  const struct stat *st, struct oci_digest *digest, struct err *e)
{
	struct build_files *files = c->tree.files;
	struct build_archive *archive;
	struct build_known k;
	int r = 0;

	build_known_init(&k, st);
	if (!build_files_find(files, &k)) {
		build_copy_lock_reading(c);
		if (!build_files_find(files, &k)) {
			r = build_archive_unpack(c->b, &c->archives, root, path, &archive,
						 e);
			if (r == 0) {
				k.digest = archive->digest;
				build_files_add(files, &k);
			}
		}
	}
	*digest = k.digest;
	return r < 0 ? r : 0;
}

int build_add_archive(struct build_copying *c, int root, const char *path,
		      const struct stat *st, const struct oci_digest *digest,
		      struct err *e)
{
	AUTO_FREE char *inside = build_copy_join(c->to, "x");
	struct oci_digest own;
	int r;

	if (c->expanding)
		return expand_archive(c, root, path, e);
	r = build_copy_add_parents(c, inside, e);
	if (r == 0 && !digest)
		r = digest_archive(c, root, path, st, &own, e);
	if (r < 0)
		return r;
	GROW(c->added, c->nadded);
	c->added[c->nadded++] = (struct added){digest ? *digest : own, c->changes.n};
	return 0;
}

int build_add_is_archive(struct build_copying *c, const char *path, const struct stat *st,
			 struct err *e)
{
	const char *unpack = build_copy_flag(c->s, DOCKERFILE_FLAG_UNPACK);

	if (!c->add || !S_ISREG(st->st_mode) || (unpack && strcmp(unpack, "false") == 0))
		return 0;
	return build_archive_is(c->tree.root, path, e);
}

/* What the archives hold follows from them and from what is done to it. */
void build_add_key(const struct build_copying *c, struct build_key *k)
{
	if (!c->nadded)
		return;
	build_key_text(k, "archives");
	for (size_t i = 0; i < c->nadded; i++) {
		build_key_digest(k, &c->added[i].digest);
		build_key_number(k, (int64_t)c->added[i].place);
	}
	build_key_text(k, c->to);
	build_key_text(k, c->chmod);
	build_key_number(k, c->has_owner);
	build_key_number(k, c->owner.uid);
	build_key_number(k, c->owner.gid);
	build_key_number(k, c->b->userxattr); /* then there are no devices */
	for (size_t i = 0; i < c->s->in.nflags; i++)
		if (c->s->in.flags[i].id == DOCKERFILE_FLAG_EXCLUDE)
			build_key_text(k, c->s->in.flags[i].value.text);
}

int build_add_check_layer(const struct build_copying *c, struct build_layer *layer,
			  struct err *e)
{
	struct layer_index *index;
	int r = layer ? build_layer_index(c->b, layer, &index, e) : 0;

	for (size_t i = 0; layer && r == 0 && i < index->n; i++) {
		r = build_copy_check(c, &index->entries[i], e);
		if (r == 0)
			r = check_above(c, index->entries[i].path, e);
	}
	return r;
}

/* --- What ADD fetches --- */

/* The last part of an address's path, which is the file's name. */
static char *name_of_url(const char *url)
{
	const char *start = strstr(url, "://") + 3;
	size_t n = strcspn(start, "?#");
	const char *slash = memrchr(start, '/', n);

	return slash ? xstrndup(slash + 1, (size_t)(start + n - slash - 1)) : xstrdup("");
}

/* The blob as a file of the store, which it stays for the whole build. */
static int add_blob(struct build_copying *c, const struct build_download *d,
		    const char *path, const char *to, struct err *e)
{
	struct build_change *change;
	size_t first;
	int r = build_copy_add_parents(c, to, e);

	if (r < 0)
		return r;
	first = c->changes.n;
	change = build_changes_add(&c->changes, LAYER_FILE, to);
	change->entry.mode = 0600;
	change->entry.size = d->size;
	change->entry.mtime = d->mtime;
	change->content = d->digest;
	change->root = store_dirfd(c->b->store);
	change->from = xstrdup(path);
	return build_copy_dress(c, first, e);
}

static int add_url(struct build_copying *c, const char *url, struct err *e)
{
	const char *checksum = build_copy_flag(c->s, DOCKERFILE_FLAG_CHECKSUM);
	const struct build_download *d;
	AUTO_FREE char *name = name_of_url(url);
	AUTO_FREE char *to = c->to_folder ? build_copy_join(c->to, name) : xstrdup(c->to);
	AUTO_FREE char *path = NULL;
	struct oci_digest expected;
	char text[OCI_DIGEST_TEXT];
	int r = checksum ? oci_digest_parse(&expected, checksum, e) : 0;

	if (r == 0)
		r = build_download(&c->b->downloads, url, checksum ? &expected : NULL, &d,
				   e);
	if (r < 0)
		return r;
	path = xasprintf("blobs/sha256/%s",
			 oci_digest_hex(oci_digest_format(&d->digest, text)));
	if (build_copy_flag_set(c->s, DOCKERFILE_FLAG_UNPACK)) {
		r = build_archive_is(store_dirfd(c->b->store), path, e);
		if (r != 0)
			return r < 0 ? r
				     : build_add_archive(c, store_dirfd(c->b->store),
							 path, NULL, &d->digest, e);
	}
	if (c->to_folder && (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
		return err_set(e, -EINVAL,
			       "the address names no file: say what it is to "
			       "be called, in place of a folder");
	return add_blob(c, d, path, to, e);
}

static struct build_git repository(const struct build *b, const struct build_step *s,
				   const char *url)
{
	return (struct build_git){
		.url = url,
		.keep_git_dir = build_copy_flag_set(s, DOCKERFILE_FLAG_KEEP_GIT_DIR),
		.commit = build_copy_flag(s, DOCKERFILE_FLAG_CHECKSUM),
		.client = b->registry,
		.settings = b->settings->registry,
	};
}

static int add_repository(struct build_copying *c, const char *url, struct err *e)
{
	struct build *b = c->b;
	AUTO_FREE char *shown = registry_url_shown(url);
	struct build_tree tree = {.name = shown, .files = &b->context.files};
	const struct build_git g = repository(b, c->s, url);

	size_t first;
	int r;

	tree.root = build_checkout(&b->checkouts, &g, e);
	if (tree.root < 0)
		return tree.root;
	r = add_contents(c, &tree, &first, e);
	return r < 0 ? r : build_copy_dress(c, first, e);
}

bool build_add_is_address(const char *source)
{
	return build_git_is(source) || build_download_is(source);
}

int build_add_address(struct build_copying *c, const char *source, struct err *e)
{
	return build_git_is(source) ? add_repository(c, source, e)
				    : add_url(c, source, e);
}

int build_step_copy_told(struct build *b, const struct build_step *s, struct strbuf *told,
			 struct err *e)
{
	const struct dockerfile_words *args = &s->in.args;
	int r = 0;

	if (s->nsources)
		return !s->sources[0]->folder;
	if (s->in.kind != DOCKERFILE_ADD || args->n < 2)
		return 0;
	for (size_t i = 0; i + 1 < args->n; i++) {
		const struct build_git g = repository(b, s, args->v[i].text);
		const char *text;

		if (!build_git_is(g.url))
			return 0;
		r = build_checkout_ask(&b->checkouts, &g, &text, e);
		if (r < 0 || !*text)
			return r;
		strbuf_addf(told, "%s\n", text);
	}
	return 1;
}
