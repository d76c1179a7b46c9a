/* SPDX-License-Identifier: MIT */
#include "build/owner.h"

#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "run/user.h"

static bool is_made_of(const char *text, const char *letters)
{
	return text[strspn(text, letters)] == '\0';
}

static bool is_clear(const char *word)
{
	return is_made_of(word, "0123456789") || strcmp(word, "root") == 0;
}

/*
 * Numbers and root need no look at the image's files, which may not be unpacked; but for
 * the group of a user by number, which its entry has.
 */
static bool needs_files(const char *spec, bool own_group)
{
	AUTO_FREE char *user = xstrndup(spec, strcspn(spec, ":"));
	const char *group = strchr(spec, ':');

	if (!is_clear(user) || (group && !is_clear(group + 1)))
		return true;
	return !group && !own_group && strcmp(user, "root") != 0;
}

int build_owner_find(struct build *b, const struct build_chain *layers, const char *spec,
		     bool own_group, struct build_owner *owner, struct err *e)
{
	AUTO_RUN_USER struct run_user u = {0};
	AUTO_CLOSE int root = -1;
	int r;

	if (needs_files(spec, own_group)) {
		root = build_chain_open(b, layers, e);
		if (root < 0)
			return root;
		r = run_user_find(&u, spec, root, e);
	} else {
		r = run_user_parse(&u, spec, "", 0, "", 0, e);
	}
	if (r < 0)
		return r;
	owner->uid = u.uid;
	owner->gid = own_group && is_made_of(spec, "0123456789") ? u.uid : u.gid;
	return 0;
}
