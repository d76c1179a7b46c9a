/* SPDX-License-Identifier: MIT */

/*
 * COPY and ADD. Nothing is mounted and nothing below has to be unpacked: where a path
 * leads is seen from the indexes of the layers. What is copied, and to where, is the key
 * of the layer; so one layer serves every platform where it comes to the same.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "build/archive.h"
#include "build/changes.h"
#include "build/internal.h"
#include "build/mode.h"
#include "build/owner.h"
#include "build/tree.h"
#include "registry/fetch.h"

enum { SPOOL_MAX = 4 << 20 }; /* bytes of files that may be written twice */

struct copy {
	struct build *b;
	struct build_step *s;
	bool add; /* ADD */
	struct build_tree tree;
	int owned_root;		/* of the tree when it is not the context's; else -1 */
	struct layer_view view; /* of the layers below */
	struct dockerfile_ignore exclude;
	const char *chmod;
	bool has_owner; /* --chown */
	struct build_owner owner;
	bool parents, to_folder;
	bool several; /* sources: one file may be among them twice */
	char *to;     /* in the form of layers */
	struct build_changes changes;
	struct build_archives archives;
	struct added {
		struct oci_digest digest;
		size_t place; /* among the changes: what comes later counts */
	} * added;	      /* archives that stand for what they hold */
	size_t nadded;
	bool expanding;		      /* they do no longer */
	bool through;		      /* links of the image, where a folder is implied */
	size_t nexpanded;	      /* of them */
	struct build_new_layer layer; /* filled by who had to read files */
	bool filled;
	bool reading; /* holds the lock */
};

static const char *flag(const struct build_step *s, enum dockerfile_flag_id id)
{
	const struct dockerfile_word *word = dockerfile_flag(&s->in, id);

	return word ? word->text : NULL;
}

static bool flag_set(const struct build_step *s, enum dockerfile_flag_id id)
{
	const char *value = flag(s, id);

	return value && strcmp(value, "true") == 0;
}

/* --- Before --- */

static int open_tree(struct copy *c, struct err *e)
{
	struct build *b = c->b;

	if (!c->s->nsources || c->s->sources[0]->folder) {
		c->tree = build_folder_tree(c->s->nsources ? c->s->sources[0]->folder
							   : &b->context);
		return 0;
	}
	c->owned_root = build_chain_open(b, &c->s->sources[0]->layers, e);
	if (c->owned_root < 0)
		return c->owned_root;
	c->tree = (struct build_tree){.root = c->owned_root,
				      .name = flag(c->s, DOCKERFILE_FLAG_FROM),
				      .owners = true,
				      .owner_xattr = b->one_owner};
	return 0;
}

static bool is_folder_name(const char *path)
{
	size_t n = strlen(path);

	return n == 0 || path[n - 1] == '/' || strcmp(path, ".") == 0 ||
	       (n > 1 && strcmp(path + n - 2, "/.") == 0);
}

static int find_target(struct copy *c, struct err *e)
{
	const struct dockerfile_words *args = &c->s->in.args;
	const char *text = args->v[args->n - 1].text;
	AUTO_FREE char *whole =
		*text == '/' ? xstrdup(text) : xasprintf("%s/%s", c->s->cwd, text);
	const struct layer_entry *there;
	bool implied;
	int r = build_chain_view(c->b, &c->s->parent->layers, &c->view, e);

	if (r == 0)
		r = layer_view_resolve(&c->view, whole, true, &c->to, e);
	if (r < 0)
		return r;
	there = layer_view_find(&c->view, c->to, &implied);
	c->to_folder = is_folder_name(text) || implied || !*c->to ||
		       (there && there->type == LAYER_FOLDER);
	return 0;
}

static int set_excludes(struct copy *c, struct err *e)
{
	const struct dockerfile_instruction *in = &c->s->in;
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->nflags; i++)
		if (in->flags[i].id == DOCKERFILE_FLAG_EXCLUDE)
			r = dockerfile_ignore_add(&c->exclude, in->flags[i].value.text,
						  e);
	return r;
}

static int prepare(struct copy *c, struct err *e)
{
	const char *chown = flag(c->s, DOCKERFILE_FLAG_CHOWN);
	int r = open_tree(c, e);

	if (r == 0)
		r = find_target(c, e);
	if (r == 0)
		r = set_excludes(c, e);
	if (r == 0 && chown)
		r = build_owner_find(c->b, &c->s->parent->layers, chown, true, &c->owner,
				     e);
	c->has_owner = chown != NULL;
	c->chmod = flag(c->s, DOCKERFILE_FLAG_CHMOD);
	c->parents = flag_set(c->s, DOCKERFILE_FLAG_PARENTS);
	return r;
}

/* --- What is added --- */

static int check_in_way(const struct copy *c, const struct layer_entry *entry,
			struct err *e)
{
	const struct layer_entry *there = layer_view_find(&c->view, entry->path, NULL);

	if (!there)
		return 0;
	if (entry->type == LAYER_FOLDER && there->type != LAYER_FOLDER)
		return err_set(e, -ENOTDIR, "cannot copy a folder over /%s, which is %s",
			       entry->path,
			       there->type == LAYER_SYMLINK ? "a link" : "a file");
	if (entry->type != LAYER_FOLDER && there->type == LAYER_FOLDER)
		return err_set(e, -EISDIR, "cannot copy a file over the folder /%s",
			       entry->path);
	return 0;
}

/* Owner and mode, as the flags say, for what was added since the first `from`. */
static int dress(struct copy *c, size_t from, struct err *e)
{
	int r = 0;

	for (size_t i = from; r == 0 && i < c->changes.n; i++) {
		struct build_change *change = &c->changes.v[i];
		struct layer_entry *entry = &change->entry;

		if (change->parent)
			continue;
		if (c->has_owner) {
			entry->uid = c->owner.uid;
			entry->gid = c->owner.gid;
		}
		if (c->chmod && entry->type != LAYER_SYMLINK)
			entry->mode = build_mode_apply(c->chmod, entry->mode,
						       entry->type == LAYER_FOLDER);
		r = check_in_way(c, entry, e);
	}
	return r;
}

static char *join(const char *folder, const char *name)
{
	return xasprintf("%s%s%s", folder, *folder && *name ? "/" : "", name);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int add_parents(struct copy *c, const char *path, struct err *e)
{
	return build_changes_add_parents(&c->changes, &c->view, path, c->owner.uid,
					 c->owner.gid, e);
}

/*
 * The folder itself is as it is there, or new: the source's is not copied. below: what it
 * is to the patterns of --exclude.
 */
static int copy_folder(struct copy *c, const char *path, const char *below,
		       const char *to, struct err *e)
{
	AUTO_FREE char *inside = join(to, "x");
	size_t first;
	int r = add_parents(c, inside, e);

	first = c->changes.n;
	if (r == 0)
		r = build_tree_add_all(&c->tree, path, c->exclude.n ? &c->exclude : NULL,
				       below, to, &c->changes, e);
	return r < 0 ? r : dress(c, first, e);
}

static int copy_file(struct copy *c, const char *path, const struct stat *st,
		     const char *to, struct err *e)
{
	size_t first;
	int r = add_parents(c, to, e);

	first = c->changes.n;
	if (r == 0)
		r = build_tree_add(&c->tree, path, st, to, &c->changes, e);
	return r < 0 ? r : dress(c, first, e);
}

/* All that is in a folder which was made for this step, as it is; from *first on. */
static int add_contents(struct copy *c, const struct build_tree *tree, size_t *first,
			struct err *e)
{
	AUTO_FREE char *inside = join(c->to, "x");
	int r = add_parents(c, inside, e);

	*first = c->changes.n;
	return r < 0 ? r
		     : build_tree_add_all(tree, "", c->exclude.n ? &c->exclude : NULL, "",
					  c->to, &c->changes, e);
}

/* --- What archives hold --- */

/* The path in an archive of what has this one in the image. */
static const char *path_in_archive(const struct copy *c, const char *path)
{
	size_t n = strlen(c->to);

	return path + n + (n && path[n] == '/');
}

struct implied {
	const struct copy *c;
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
static const struct layer_entry *find_above(const struct copy *c, const char *path)
{
	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		AUTO_FREE char *above = xstrndup(path, (size_t)(p - path));
		const struct layer_entry *there = layer_view_find(&c->view, above, NULL);

		if (there && there->type != LAYER_FOLDER)
			return there;
	}
	return NULL;
}

static int check_above(const struct copy *c, const char *path, struct err *e)
{
	const struct layer_entry *there = find_above(c, path);

	return there ? err_set(e, -ENOTDIR, "/%s is not a folder, and /%s would be in it",
			       there->path, path)
		     : 0;
}

/* Through a link of the image, where the archive has no folder of its own. */
static int follow_links(struct copy *c, struct build_change *change, struct err *e)
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
		path = join(to, rest);
		free(entry->path);
		entry->path = path;
	}
	return r;
}

static int place_contents(struct copy *c, size_t first, struct err *e)
{
	int r = 0;

	for (size_t i = first; c->through && r == 0 && i < c->changes.n; i++)
		r = follow_links(c, &c->changes.v[i], e);
	if (r == 0)
		r = dress(c, first, e);
	for (size_t i = first; r == 0 && i < c->changes.n; i++)
		r = check_above(c, c->changes.v[i].entry.path, e);
	return r;
}

/* What an archive holds, with its owners. */
static int expand_archive(struct copy *c, int root, const char *path, struct err *e)
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

/* Others who want the same files wait until this step is done. */
static void lock_reading(struct copy *c)
{
	if (!c->reading)
		pthread_mutex_lock(&c->b->reading);
	c->reading = true;
}

static void unlock_reading(struct copy *c)
{
	if (c->reading)
		pthread_mutex_unlock(&c->b->reading);
	c->reading = false;
}

/* One that nobody has read is unpacked at once, to be read only once. */
static int digest_archive(struct copy *c, int root, const char *path,
			  const struct stat *st, struct oci_digest *digest, struct err *e)
{
	struct build_files *files = c->tree.files;
	struct build_archive *archive;
	struct build_known k;
	int r = 0;

	build_known_init(&k, st);
	if (!build_files_find(files, &k)) {
		lock_reading(c);
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

/* Until the layer is to be made, its digest (NULL: by st) stands for what it holds. */
static int add_archive(struct copy *c, int root, const char *path, const struct stat *st,
		       const struct oci_digest *digest, struct err *e)
{
	AUTO_FREE char *inside = join(c->to, "x");
	struct oci_digest own;
	int r;

	if (c->expanding)
		return expand_archive(c, root, path, e);
	r = add_parents(c, inside, e);
	if (r == 0 && !digest)
		r = digest_archive(c, root, path, st, &own, e);
	if (r < 0)
		return r;
	GROW(c->added, c->nadded);
	c->added[c->nadded++] = (struct added){digest ? *digest : own, c->changes.n};
	return 0;
}

/* ADD unpacks what is an archive, unless it is told otherwise. */
static int is_archive(struct copy *c, const char *path, const struct stat *st,
		      struct err *e)
{
	const char *unpack = flag(c->s, DOCKERFILE_FLAG_UNPACK);

	if (!c->add || !S_ISREG(st->st_mode) || (unpack && strcmp(unpack, "false") == 0))
		return 0;
	return build_archive_is(c->tree.root, path, e);
}

/* The path without what is before `/./`, which --parents leaves out. */
static const char *pivot(const char *source, const char *path)
{
	const char *dot = strstr(source, "/./");
	AUTO_FREE char *before = xstrndup(source, dot ? (size_t)(dot - source) : 0);
	AUTO_STRV struct strv parts = STRV_INIT;
	size_t skip = 0;

	strv_split(&parts, before, "/");
	for (size_t i = 0; i < parts.n; i++)
		if (strcmp(parts.v[i], "..") == 0)
			skip -= skip > 0;
		else if (strcmp(parts.v[i], ".") != 0)
			skip++;
	for (; skip && *path; skip--) {
		path += strcspn(path, "/");
		path += *path == '/';
	}
	return path;
}

/* --parents: the folders on the way, and a folder in the end, are like the source's. */
static int copy_parents(struct copy *c, const char *path, const char *kept, struct err *e)
{
	size_t first = c->changes.n;
	int r = 0;

	for (const char *p = kept; r == 0 && *p; p += *p == '/') {
		AUTO_FREE char *folder = NULL;
		AUTO_FREE char *resolved = NULL;
		AUTO_FREE char *to = NULL;
		struct stat st;

		p += strcspn(p, "/");
		folder = xstrndup(path, (size_t)(p - path));
		r = build_tree_stat(&c->tree, folder, &resolved, &st, e);
		if (r < 0 || !S_ISDIR(st.st_mode))
			break;
		to = join(c->to, folder + (kept - path));
		r = add_parents(c, to, e);
		if (r == 0)
			r = build_tree_add(&c->tree, resolved, &st, to, &c->changes, e);
	}
	return r < 0 ? r : dress(c, first, e);
}

static int copy_one(struct copy *c, const char *source, const char *path, struct err *e)
{
	AUTO_FREE char *resolved = NULL;
	AUTO_FREE char *to = NULL;
	struct stat st;
	int r = build_tree_stat(&c->tree, path, &resolved, &st, e);

	if (r < 0)
		return r;
	if (c->exclude.n && *path && !S_ISDIR(st.st_mode) &&
	    dockerfile_ignore_match(&c->exclude,
				    c->parents ? pivot(source, path) : last_part(path)))
		return 0;
	if (c->parents) {
		to = join(c->to, pivot(source, path));
		r = copy_parents(c, path, pivot(source, path), e);
	} else if (!S_ISDIR(st.st_mode) && (c->to_folder || c->several))
		to = join(c->to, last_part(path));
	else
		to = xstrdup(c->to);
	if (r == 0)
		r = is_archive(c, resolved, &st, e);
	if (r < 0)
		return r;
	if (r == 1)
		return add_archive(c, c->tree.root, resolved, &st, NULL, e);
	if (S_ISDIR(st.st_mode))
		return copy_folder(c, resolved, c->parents ? pivot(source, path) : "", to,
				   e);
	if (!*to)
		return err_set(e, -EISDIR, "cannot copy a file over the root folder");
	return copy_file(c, resolved, &st, to, e);
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
static int add_blob(struct copy *c, const struct build_download *d, const char *path,
		    const char *to, struct err *e)
{
	struct build_change *change;
	size_t first;
	int r = add_parents(c, to, e);

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
	return dress(c, first, e);
}

static int add_url(struct copy *c, const char *url, struct err *e)
{
	const char *checksum = flag(c->s, DOCKERFILE_FLAG_CHECKSUM);
	const struct build_download *d;
	AUTO_FREE char *name = name_of_url(url);
	AUTO_FREE char *to = c->to_folder ? join(c->to, name) : xstrdup(c->to);
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
	if (flag_set(c->s, DOCKERFILE_FLAG_UNPACK)) {
		r = build_archive_is(store_dirfd(c->b->store), path, e);
		if (r != 0)
			return r < 0 ? r
				     : add_archive(c, store_dirfd(c->b->store), path,
						   NULL, &d->digest, e);
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
		.keep_git_dir = flag_set(s, DOCKERFILE_FLAG_KEEP_GIT_DIR),
		.commit = flag(s, DOCKERFILE_FLAG_CHECKSUM),
		.client = b->registry,
		.settings = b->settings->registry,
	};
}

static int add_repository(struct copy *c, const char *url, struct err *e)
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
	return r < 0 ? r : dress(c, first, e);
}

static int copy_source(struct copy *c, const char *source, struct err *e)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	int r;

	if (c->add && build_git_is(source))
		return add_repository(c, source, e);
	if (c->add && build_download_is(source))
		return add_url(c, source, e);
	/* A pattern may fit nothing: that is how what need not be there is copied. */
	r = build_tree_glob(&c->tree, source, c->parents, &paths, e);
	c->several = paths.n > 1 || c->s->in.args.n > 2;
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		r = copy_one(c, source, paths.v[i], e);
	return r;
}

static int copy_heredoc(struct copy *c, const struct dockerfile_heredoc *h, struct err *e)
{
	AUTO_FREE char *to = c->to_folder ? join(c->to, h->name) : xstrdup(c->to);
	struct build_change *change;
	size_t first;
	int r = add_parents(c, to, e);

	if (r < 0)
		return r;
	first = c->changes.n;
	change = build_changes_add(&c->changes, LAYER_FILE, to);
	change->text = dockerfile_heredoc_text(h);
	change->entry.mode = 0644;
	change->entry.size = strlen(change->text);
	change->entry.mtime = c->b->now;
	oci_digest_of(change->text, change->entry.size, &change->content);
	return dress(c, first, e);
}

/* --- The step --- */

/* What the archives hold follows from them and from what is done to it. */
static void key_of_archives(const struct copy *c, struct build_key *k)
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

static void key_of(struct copy *c, struct oci_digest *key)
{
	struct build_key k;
	struct oci_digest source;

	build_key_begin(&k, "copy");
	/* Files of another stage are told by its layers, and need no reading. */
	if (c->s->nsources && !c->s->sources[0]->folder) {
		build_chain_digest(&c->s->sources[0]->layers, &source);
		build_key_digest(&k, &source);
	}
	build_changes_key(&c->changes, &k);
	key_of_archives(c, &k);
	build_key_number(&k, c->b->settings->has_epoch ? c->b->settings->epoch : -1);
	build_key_end(&k, key);
}

static int fill(struct copy *c, struct err *e)
{
	c->filled = true;
	return build_changes_fill(c->b, &c->changes, &c->layer, e);
}

/*
 * The key needs the digests of all files, and each is read only once. A few new ones stay
 * in the spool until it is known whether the layer is there already; of more, the layer
 * is made at once, though it may turn out that it was there. Others who want the same
 * files wait until then, for they may want the same layer.
 */
static int read_unread(struct copy *c, struct err *e)
{
	bool reading = c->reading;
	uint64_t unread;

	lock_reading(c);
	unread = build_changes_unread(&c->changes);
	if (!unread) {
		if (!reading)
			unlock_reading(c);
		return 0;
	}
	if (unread > SPOOL_MAX && !c->nadded)
		return fill(c, e);
	c->changes.spooled = true;
	return build_changes_read(c->b, &c->changes, e);
}

static int copy_all(struct copy *c, struct err *e)
{
	const struct dockerfile_instruction *in = &c->s->in;
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < in->args.n; i++)
		r = copy_source(c, in->args.v[i].text, e);
	for (size_t i = 0; r == 0 && i < in->nheredocs; i++)
		r = copy_heredoc(c, &in->heredocs[i], e);
	build_changes_settle(&c->changes, c->b->now);
	if (c->several)
		build_changes_mark_repeated(&c->changes);
	return r;
}

/* Everything once more, with what is in the archives. */
static int expand(struct copy *c, struct err *e)
{
	int r;

	build_changes_free(&c->changes);
	c->changes.step = c->s;
	c->expanding = true;
	c->nexpanded = 0;
	r = copy_all(c, e);
	if (r == 0 && build_changes_unread(&c->changes))
		return err_set(e, -ESTALE,
			       "files were changed while they were added: run the build "
			       "again");
	return r;
}

static int make(struct build *b, void *context, struct build_outcome *outcome,
		struct err *e)
{
	struct copy *c = context;
	int r = c->nadded ? expand(c, e) : 0;

	if (r == 0 && !c->filled)
		r = fill(c, e);
	return r < 0 ? r : build_new_layer_end(b, &c->layer, &outcome->layer, e);
}

/* What archives hold, of a layer that is there already, may not fit on these ones. */
static int check_layer(const struct copy *c, struct build_layer *layer, struct err *e)
{
	struct layer_index *index;
	int r = layer ? build_layer_index(c->b, layer, &index, e) : 0;

	for (size_t i = 0; layer && r == 0 && i < index->n; i++) {
		r = check_in_way(c, &index->entries[i], e);
		if (r == 0)
			r = check_above(c, index->entries[i].path, e);
	}
	return r;
}

static int make_or_find(struct copy *c, const struct oci_digest *key,
			struct build_outcome *outcome, bool *cached, struct err *e)
{
	int r = build_once(c->b, c->s, key, make, c, outcome, cached, e);

	if (r == 0 && c->nadded && !c->expanding)
		r = check_layer(c, outcome->layer, e);
	return r;
}

/* The layer then depends on the image below. */
static int make_through_links(struct copy *c, const struct oci_digest *key,
			      struct build_outcome *outcome, bool *cached, struct err *e)
{
	struct oci_digest below, through;
	struct build_key k;

	build_key_begin(&k, "through links");
	build_key_digest(&k, key);
	build_chain_digest(&c->s->parent->layers, &below);
	build_key_digest(&k, &below);
	build_key_end(&k, &through);
	if (e)
		err_free(e);
	c->through = true;
	c->expanding = false;
	return make_or_find(c, &through, outcome, cached, e);
}

static int find_or_make(struct copy *c, struct build_outcome *outcome, bool *cached,
			struct err *e)
{
	struct oci_digest key;
	int r = read_unread(c, e);

	if (r < 0)
		return r;
	key_of(c, &key);
	r = make_or_find(c, &key, outcome, cached, e);
	return r == -ENOTDIR && c->nadded
		       ? make_through_links(c, &key, outcome, cached, e)
		       : r;
}

static void copy_free(struct copy *c)
{
	clean_close(&c->owned_root);
	free(c->view.layers);
	free(c->to);
	dockerfile_ignore_free(&c->exclude);
	build_changes_free(&c->changes);
	build_archives_free(&c->archives);
	if (c->filled)
		build_new_layer_free(&c->layer);
	free(c->added);
	unlock_reading(c);
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

int build_step_copy(struct build *b, struct build_step *s, struct build_outcome *outcome,
		    bool *cached, struct err *e)
{
	CLEAN(copy_free)
	struct copy c = {
		.b = b, .s = s, .add = s->in.kind == DOCKERFILE_ADD, .owned_root = -1};
	int r = prepare(&c, e);

	c.changes.step = s;
	if (r == 0)
		r = copy_all(&c, e);
	if (r < 0)
		return r;
	*outcome = (struct build_outcome){NULL, b->now};
	*cached = false;
	if (!c.changes.n && !c.nadded) {
		build_say(b, BUILD_NOTE, s, "nothing is there to be copied");
		return 0;
	}
	return find_or_make(&c, outcome, cached, e);
}
