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

int build_owner_find(struct build *b, const struct build_chain *layers, const char *spec,
		     bool own_group, struct build_owner *owner, struct err *e)
{
	AUTO_RUN_USER struct run_user u = {0};
	AUTO_CLOSE int root = -1;
	int r;

	/* Numbers need no look at the image's files, which may not be unpacked. */
	if (is_made_of(spec, "0123456789:") && (own_group || strchr(spec, ':'))) {
		r = run_user_parse(&u, spec, "", 0, "", 0, e);
	} else {
		root = build_chain_open(b, layers, e);
		if (root < 0)
			return root;
		r = run_user_find(&u, spec, root, e);
	}
	if (r < 0)
		return r;
	owner->uid = u.uid;
	owner->gid = own_group && is_made_of(spec, "0123456789") ? u.uid : u.gid;
	return 0;
}
