/* SPDX-License-Identifier: MIT */
#include "priv/become.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What no program that is started later can get beyond. */
static int limit(const struct priv_identity *id, struct err *e)
{
	bool have[CAP_LAST_CAP + 1] = {false};

	if (capng_get_caps_process() != 0)
		return err_sys(e, -errno, "cannot read capabilities");
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		have[cap] = capng_have_capability(CAPNG_PERMITTED, cap);
	/* Safe with any input: it only ever takes away. */
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < id->ncaps; i++)
		if (id->caps[i] <= CAP_LAST_CAP && have[id->caps[i]])
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED |
					     CAPNG_BOUNDING_SET,
				     id->caps[i]);
	if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		return err_sys(e, -errno, "cannot drop capabilities");
	return 0;
}

static int change_ids(const struct priv_identity *id, struct err *e)
{
	/* Safe with any input: the kernel refuses ids that the namespace has not. */
	if (setgroups(id->ngroups, id->groups) < 0 && (errno != EPERM || id->uid != 0))
		return err_sys(e, -errno, "cannot take on the groups of user %u",
			       id->uid);
	if (setresgid(id->gid, id->gid, id->gid) < 0)
		return err_sys(e, -errno, "cannot become group %u", id->gid);
	if (setresuid(id->uid, id->uid, id->uid) < 0)
		return err_sys(e, -errno, "cannot become user %u", id->uid);
	return 0;
}

int priv_become(const struct priv_identity *id, struct err *e)
{
	int r = id->all_caps ? 0 : limit(id, e);

	if (r == 0)
		r = change_ids(id, e);
	if (r < 0) {
		if (r == -EINVAL || r == -EPERM)
			return err_wrap(e, r,
					"this user namespace has not all users and "
					"groups (subordinate ids in /etc/subuid and "
					"/etc/subgid give more)");
		return r;
	}
	/* The kernel has done so for users other than root. */
	if (id->uid == 0 && !id->all_caps && capng_apply(CAPNG_SELECT_CAPS) != 0)
		return err_sys(e, -errno, "cannot drop capabilities");
	return 0;
}
