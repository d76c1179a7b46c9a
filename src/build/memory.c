/* SPDX-License-Identifier: MIT */
#include "build/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strv.h"
#include "run/cgroup.h"

enum { FILE_MAX = 1 << 20 };

/* The number after a key at the start of a line; with key "", of the whole file. */
static bool read_number(int dirfd, const char *path, const char *key, uint64_t *n)
{
	AUTO_FREE char *text = NULL;
	AUTO_STRV struct strv lines = STRV_INIT;
	size_t len = strlen(key);

	if (dirfd < 0 || file_read_at(dirfd, path, FILE_MAX, &text, NULL, NULL) < 0)
		return false;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *value = lines.v[i] + len;
		char *end;

		if (strncmp(lines.v[i], key, len) != 0)
			continue;
		value += strspn(value, " ");
		*n = strtoull(value, &end, 10);
		return end != value; /* "max" is no number: no limit */
	}
	return false;
}

/* The files of one version of control groups. */
struct names {
	bool unified;
	const char *folder; /* below /sys/fs/cgroup */
	const char *limit, *usage, *cache;
};

static const struct names versions[] = {
	{true, ".", "memory.max", "memory.current", "inactive_file"},
	{false, "memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
	 "total_inactive_file"},
};

static uint64_t left_in(int cgroup, const struct names *names, const char *group)
{
	AUTO_FREE char *limit = xasprintf("%s%s/%s", names->folder, group, names->limit);
	AUTO_FREE char *usage = xasprintf("%s%s/%s", names->folder, group, names->usage);
	AUTO_FREE char *stat = xasprintf("%s%s/memory.stat", names->folder, group);
	uint64_t max, used = 0, cache = 0;

	if (!read_number(cgroup, limit, "", &max))
		return UINT64_MAX;
	(void)read_number(cgroup, usage, "", &used);
	/* Pages of files, which go when memory is wanted, count as used. */
	(void)read_number(cgroup, stat, names->cache, &cache);
	used = used > cache ? used - cache : 0;
	return max > used ? max - used : 0;
}

/* The least of a group and those above it. A container sees its own as the root. */
static uint64_t left_above(int cgroup, const struct names *names, char *group)
{
	uint64_t least = UINT64_MAX;

	for (;;) {
		uint64_t left = left_in(cgroup, names, group);
		char *slash = strrchr(group, '/');

		least = left < least ? left : least;
		if (!slash)
			return least;
		*slash = '\0';
	}
}

uint64_t build_memory_available(int proc, int cgroup)
{
	AUTO_FREE char *groups = NULL;
	uint64_t least = UINT64_MAX;

	if (read_number(proc, "meminfo", "MemAvailable:", &least))
		least *= 1024; /* told in kB */
	if (proc < 0 ||
	    file_read_at(proc, "self/cgroup", FILE_MAX, &groups, NULL, NULL) < 0)
		return least;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		AUTO_FREE char *path = run_cgroup_path(groups, versions[i].unified);
		uint64_t left = path && *path == '/'
					? left_above(cgroup, &versions[i], path)
					: UINT64_MAX;

		least = left < least ? left : least;
	}
	return least;
}
