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
#include "build/mode.h"
#include "build/step-copy-internal.h"

enum { SPOOL_MAX = 4 << 20 }; /* bytes of files that may be written twice */

const char *build_copy_flag(const struct build_step *s, enum dockerfile_flag_id id)
{
	const struct dockerfile_word *word = dockerfile_flag(&s->in, id);

	return word ? word->text : NULL;
}

bool build_copy_flag_set(const struct build_step *s, enum dockerfile_flag_id id)
{
	const char *value = build_copy_flag(s, id);

	return value && strcmp(value, "true") == 0;
}

/* --- Before --- */

static int open_tree(struct build_copying *c, struct err *e)
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
				      .name = build_copy_flag(c->s, DOCKERFILE_FLAG_FROM),
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

static int find_target(struct build_copying *c, struct err *e)
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

static int set_excludes(struct build_copying *c, struct err *e)
{
	const struct dockerfile_instruction *in = &c->s->in;
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->nflags; i++)
		if (in->flags[i].id == DOCKERFILE_FLAG_EXCLUDE)
			r = dockerfile_ignore_add(&c->exclude, in->flags[i].value.text,
						  e);
	return r;
}

static int prepare(struct build_copying *c, struct err *e)
{
	const char *chown = build_copy_flag(c->s, DOCKERFILE_FLAG_CHOWN);
	int r = open_tree(c, e);

	if (r == 0)
		r = find_target(c, e);
	if (r == 0)
		r = set_excludes(c, e);
	if (r == 0 && chown)
		r = build_owner_find(c->b, &c->s->parent->layers, chown, true, &c->owner,
				     e);
	c->has_owner = chown != NULL;
	c->chmod = build_copy_flag(c->s, DOCKERFILE_FLAG_CHMOD);
	c->parents = build_copy_flag_set(c->s, DOCKERFILE_FLAG_PARENTS);
	return r;
}

/* --- What is added --- */

int build_copy_check(const struct build_copying *c, const struct layer_entry *entry,
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
int build_copy_dress(struct build_copying *c, size_t from, struct err *e)
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
		r = build_copy_check(c, entry, e);
	}
	return r;
}

char *build_copy_join(const char *folder, const char *name)
{
	return xasprintf("%s%s%s", folder, *folder && *name ? "/" : "", name);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int build_copy_add_parents(struct build_copying *c, const char *path, struct err *e)
{
	return build_changes_add_parents(&c->changes, &c->view, path, c->owner.uid,
					 c->owner.gid, e);
}

/*
 * The folder itself is as it is there, or new: the source's is not copied. below: what it
 * is to the patterns of --exclude.
 */
static int copy_folder(struct build_copying *c, const char *path, const char *below,
		       const char *to, struct err *e)
{
	AUTO_FREE char *inside = build_copy_join(to, "x");
	size_t first;
	int r = build_copy_add_parents(c, inside, e);

	first = c->changes.n;
	if (r == 0)
		r = build_tree_add_all(&c->tree, path, c->exclude.n ? &c->exclude : NULL,
				       below, to, &c->changes, e);
	return r < 0 ? r : build_copy_dress(c, first, e);
}

static int copy_file(struct build_copying *c, const char *path, const struct stat *st,
		     const char *to, struct err *e)
{
	size_t first;
	int r = build_copy_add_parents(c, to, e);

	first = c->changes.n;
	if (r == 0)
		r = build_tree_add(&c->tree, path, st, to, &c->changes, e);
	return r < 0 ? r : build_copy_dress(c, first, e);
}

/* Others who want the same files wait until this step is done. */
void build_copy_lock_reading(struct build_copying *c)
{
	if (!c->reading)
		pthread_mutex_lock(&c->b->reading);
	c->reading = true;
}

static void unlock_reading(struct build_copying *c)
{
	if (c->reading)
		pthread_mutex_unlock(&c->b->reading);
	c->reading = false;
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
static int copy_parents(struct build_copying *c, const char *path, const char *kept,
			struct err *e)
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
		to = build_copy_join(c->to, folder + (kept - path));
		r = build_copy_add_parents(c, to, e);
		if (r == 0)
			r = build_tree_add(&c->tree, resolved, &st, to, &c->changes, e);
	}
	return r < 0 ? r : build_copy_dress(c, first, e);
}

static int copy_one(struct build_copying *c, const char *source, const char *path,
		    struct err *e)
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
		to = build_copy_join(c->to, pivot(source, path));
		r = copy_parents(c, path, pivot(source, path), e);
	} else if (!S_ISDIR(st.st_mode) && (c->to_folder || c->several))
		to = build_copy_join(c->to, last_part(path));
	else
		to = xstrdup(c->to);
	if (r == 0)
		r = build_add_is_archive(c, resolved, &st, e);
	if (r < 0)
		return r;
	if (r == 1)
		return build_add_archive(c, c->tree.root, resolved, &st, NULL, e);
	if (S_ISDIR(st.st_mode))
		return copy_folder(c, resolved, c->parents ? pivot(source, path) : "", to,
				   e);
	if (!*to)
		return err_set(e, -EISDIR, "cannot copy a file over the root folder");
	return copy_file(c, resolved, &st, to, e);
}

static int copy_source(struct build_copying *c, const char *source, struct err *e)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	int r;

	if (c->add && build_add_is_address(source))
		return build_add_address(c, source, e);
	/* A pattern may fit nothing: that is how what need not be there is copied. */
	r = build_tree_glob(&c->tree, source, c->parents, &paths, e);
	c->several = paths.n > 1 || c->s->in.args.n > 2;
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		r = copy_one(c, source, paths.v[i], e);
	return r;
}

static int copy_heredoc(struct build_copying *c, const struct dockerfile_heredoc *h,
			struct err *e)
{
	AUTO_FREE char *to =
		c->to_folder ? build_copy_join(c->to, h->name) : xstrdup(c->to);
	struct build_change *change;
	size_t first;
	int r = build_copy_add_parents(c, to, e);

	if (r < 0)
		return r;
	first = c->changes.n;
	change = build_changes_add(&c->changes, LAYER_FILE, to);
	change->text = dockerfile_heredoc_text(h);
	change->entry.mode = 0644;
	change->entry.size = strlen(change->text);
	change->entry.mtime = c->b->now;
	oci_digest_of(change->text, change->entry.size, &change->content);
	return build_copy_dress(c, first, e);
}

/* --- The step --- */

static void key_of(struct build_copying *c, struct oci_digest *key)
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
	build_add_key(c, &k);
	build_key_number(&k, c->b->settings->has_epoch ? c->b->settings->epoch : -1);
	build_key_end(&k, key);
}

static int fill(struct build_copying *c, struct err *e)
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
static int read_unread(struct build_copying *c, struct err *e)
{
	bool reading = c->reading;
	uint64_t unread;

	build_copy_lock_reading(c);
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

static int copy_all(struct build_copying *c, struct err *e)
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
static int expand(struct build_copying *c, struct err *e)
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
	struct build_copying *c = context;
	int r = c->nadded ? expand(c, e) : 0;

	if (r == 0 && !c->filled)
		r = fill(c, e);
	return r < 0 ? r : build_new_layer_end(b, &c->layer, &outcome->layer, e);
}

static int make_or_find(struct build_copying *c, const struct oci_digest *key,
			struct build_outcome *outcome, bool *cached, struct err *e)
{
	int r = build_once(c->b, c->s, key, make, c, outcome, cached, e);

	if (r == 0 && c->nadded && !c->expanding)
		r = build_add_check_layer(c, outcome->layer, e);
	return r;
}

/* The layer then depends on the image below. */
static int make_through_links(struct build_copying *c, const struct oci_digest *key,
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

static int find_or_make(struct build_copying *c, struct build_outcome *outcome,
			bool *cached, struct err *e)
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

static void copy_free(struct build_copying *c)
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

int build_step_copy(struct build *b, struct build_step *s, struct build_outcome *outcome,
		    bool *cached, struct err *e)
{
	CLEAN(copy_free)
	struct build_copying c = {
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
