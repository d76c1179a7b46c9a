/* SPDX-License-Identifier: MIT */
#include "priv/caps.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#include "base/alloc.h"
#include "base/strbuf.h"

bool priv_caps_have(unsigned cap)
{
	return capng_have_capability(CAPNG_EFFECTIVE, cap) == 1;
}

int priv_caps_limit(const unsigned *caps, size_t n, struct err *e)
{
	bool keep[CAP_LAST_CAP + 1] = {false};

	for (size_t i = 0; i < n; i++)
		keep[caps[i]] = priv_caps_have(caps[i]);
	/* Safe with any input: it only ever takes away. */
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < n; i++)
		if (keep[caps[i]])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				     caps[i]);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return err_sys(e, -errno, "cannot drop capabilities");
	if (n == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return err_sys(e, -errno, "cannot set no_new_privs");
	return 0;
}

int priv_caps_number(const char *name)
{
	int cap = capng_name_to_capability(strncasecmp(name, "CAP_", 4) == 0 ? name + 4
									     : name);

	return cap < 0 ? -ENOENT : cap;
}

char *priv_caps_name(unsigned cap)
{
	const char *name = cap <= CAP_LAST_CAP ? capng_capability_to_name(cap) : NULL;
	char *full = name ? xasprintf("CAP_%s", name) : NULL;

	if (full)
		str_upper(full);
	return full;
}
