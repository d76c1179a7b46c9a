/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "priv/userns.h"

enum { SETTING_MAX = 16 * 1024 };

/* Settings that forbid it, each with the value that does. */
static const struct {
	const char *file;
	long forbids;
	int errors[2];
	const char *why;
} settings[] = {
	{"sys/user/max_user_namespaces",
	 0,
	 {ENOSPC, EUSERS},
	 "the setting user.max_user_namespaces is 0 (as root: `sysctl -w "
	 "user.max_user_namespaces=15000`)"},
	{"sys/user/max_mnt_namespaces",
	 0,
	 {ENOSPC, EUSERS},
	 "the setting user.max_mnt_namespaces is 0 (as root: `sysctl -w "
	 "user.max_mnt_namespaces=15000`)"},
	{"sys/kernel/unprivileged_userns_clone",
	 0,
	 {EPERM, EACCES},
	 "the setting kernel.unprivileged_userns_clone keeps them for root (as root: "
	 "`sysctl -w kernel.unprivileged_userns_clone=1`)"},
	{"sys/kernel/apparmor_restrict_unprivileged_userns",
	 1,
	 {EPERM, EACCES},
	 "AppArmor allows them only to programs with a profile that says `userns,` (add "
	 "one in /etc/apparmor.d, or as root: `sysctl -w "
	 "kernel.apparmor_restrict_unprivileged_userns=0`)"},
};

static bool has_value(int proc, const char *file, long value)
{
	AUTO_FREE char *text = NULL;
	char *end;

	return file_read_at(proc, file, SETTING_MAX, &text, NULL, NULL) == 0 &&
	       strtol(text, &end, 10) == value && end != text;
}

/* Mode 2: a filter decides about each system call, in containers for instance. */
static bool is_filtered(int proc)
{
	AUTO_FREE char *text = NULL;

	return file_read_at(proc, "self/status", SETTING_MAX, &text, NULL, NULL) == 0 &&
	       strstr(text, "\nSeccomp:\t2\n");
}

const char *priv_userns_refusal(int proc, int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if ((settings[i].errors[0] == -error ||
		     settings[i].errors[1] == -error) &&
		    has_value(proc, settings[i].file, settings[i].forbids))
			return settings[i].why;
	switch (error) {
	case -EPERM:
	case -EACCES:
	case -ENOSYS:
		if (is_filtered(proc))
			return "a seccomp filter forbids it, as the one of a container "
			       "does (start the container with `--privileged`, or with "
			       "`--security-opt seccomp=unconfined --security-opt "
			       "systempaths=unconfined`)";
		return error == -ENOSYS ? "this kernel has none (CONFIG_USER_NS)" : NULL;
	case -EINVAL:
		if (faccessat(proc, "self/ns/user", F_OK, 0) < 0)
			return "this kernel has none (CONFIG_USER_NS)";
		return NULL;
	case -ENOSPC:
	case -EUSERS:
		return "there are too many already (user.max_user_namespaces and "
		       "user.max_mnt_namespaces, here or in a namespace above)";
	default:
		return NULL;
	}
}
