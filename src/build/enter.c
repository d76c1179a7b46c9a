/* SPDX-License-Identifier: MIT */
#include "build/enter.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "priv/caps.h"
#include "priv/namespaces.h"
#include "priv/userns.h"

int build_enter(bool own_users, bool *one_owner, char **shortfall, struct err *e)
{
	AUTO_CLOSE int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_PRIV_USERNS struct priv_userns ns = {0};
	int r;

	*shortfall = NULL;
	/* Root without need of handlers of its own stays itself: it can make devices. One
	 * that may not do so, in a container say, is like any other user. */
	if (geteuid() == 0 && !own_users && priv_caps_have(CAP_SYS_ADMIN))
		return priv_namespaces_mounts(e);
	priv_userns_plan(&ns, etc);
	r = priv_userns_enter(&ns, shortfall, e);
	if (r == 0 && one_owner)
		*one_owner = ns.ids == PRIV_USERNS_SINGLE;
	return r;
}
