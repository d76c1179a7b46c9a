/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/changes.h"
#include "build/internal.h"
#include "build/owner.h"

static int make(struct build *b, void *context, struct build_outcome *outcome,
		struct err *e)
{
	return build_changes_write(b, context, &outcome->layer, e);
}

/* WORKDIR makes its folder, for the user that runs the next steps. */
static int add_folder(struct build *b, struct build_step *s,
		      const struct layer_view *view, const char *path,
		      struct build_changes *c, struct err *e)
{
	struct build_owner owner = {0};
	struct build_change *change;
	bool implied;
	int r;

	if (!*path || layer_view_find(view, path, &implied) || implied) {
		/* A file in its place shows when the folder is to be used. */
		return 0;
	}
	if (s->user)
		r = build_owner_find(b, &s->parent->layers, s->user, false, &owner, e);
	else
		r = 0;
	if (r == 0)
		r = build_changes_add_parents(c, view, path, owner.uid, owner.gid, e);
	if (r < 0)
		return r;
	change = build_changes_add(c, LAYER_FOLDER, path);
	change->entry.mode = 0755;
	change->entry.uid = owner.uid;
	change->entry.gid = owner.gid;
	change->entry.mtime = b->now;
	return 0;
}

int build_step_workdir(struct build *b, struct build_step *s,
		       struct build_outcome *outcome, bool *cached, struct err *e)
{
	AUTO_CHANGES struct build_changes changes = {0};
	struct layer_view view = {0};
	AUTO_FREE char *path = NULL;
	struct oci_digest key;
	struct build_key k;
	int r;

	r = build_chain_view(b, &s->parent->layers, &view, e);
	if (r == 0)
		r = layer_view_resolve(&view, s->cwd, true, &path, e);
	if (r == 0)
		r = add_folder(b, s, &view, path, &changes, e);
	free(view.layers);
	if (r < 0)
		return r;
	*outcome = (struct build_outcome){NULL, b->now};
	*cached = true;
	if (!changes.n)
		return 0;
	build_changes_settle(&changes, b->now);
	build_key_begin(&k, "folders");
	build_changes_key(&changes, &k);
	build_key_number(&k, b->settings->has_epoch ? b->settings->epoch : -1);
	build_key_end(&k, &key);
	return build_once(b, s, &key, make, &changes, outcome, cached, e);
}
