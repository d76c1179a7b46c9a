/* SPDX-License-Identifier: MIT */
#include "build/enter.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "build/key.h"
#include "priv/caps.h"
#include "priv/namespaces.h"
#include "priv/userns.h"

enum { ID_MAP_MAX = 64 * 1024 };

int build_enter(bool own_users, bool *one_owner, char **shortfall, struct err *e)
{
	AUTO_CLOSE int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_PRIV_USERNS struct priv_userns ns = {0};
	bool alone = priv_userns_is_single();
	int r;

	*shortfall = NULL;
	/* Root without need of handlers of its own stays itself: it can make devices. One
	 * that may not do so, in a container say, is like any other user. */
	if (geteuid() == 0 && !own_users && priv_caps_have(CAP_SYS_ADMIN)) {
		r = priv_namespaces_mounts(e);
	} else {
		priv_userns_plan(&ns, etc);
		r = priv_userns_enter(&ns, shortfall, e);
		if (r == 0 && !*shortfall && ns.why_single)
			*shortfall = xstrdup(ns.why_single);
	}
	if (r == 0 && alone && !*shortfall)
		*shortfall = xstrdup("the user namespace that this runs in has no other");
	if (r == 0 && one_owner)
		*one_owner = priv_userns_is_single();
	return r;
}

uint32_t build_enter_ids(void)
{
	static const char *const files[] = {"/proc/self/uid_map", "/proc/self/gid_map"};
	static const char all[] = "         0          0 4294967295\n";
	struct oci_digest digest;
	bool differ = false;
	struct build_key k;
	uint32_t ids;

	build_key_begin(&k, "ids");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		AUTO_FREE char *text = NULL;

		if (file_read_at(AT_FDCWD, files[i], ID_MAP_MAX, &text, NULL, NULL) < 0)
			continue; /* a kernel without user namespaces */
		differ = differ || strcmp(text, all) != 0;
		build_key_text(&k, text);
	}
	build_key_end(&k, &digest);
	memcpy(&ids, digest.bytes, sizeof ids);
	return differ ? ids : 0;
}
