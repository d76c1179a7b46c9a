/* SPDX-License-Identifier: MIT */
#include "build/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "tests/tap.h"

static char folder[] = "/tmp/test-memory-XXXXXX";
static int top, proc, cgroup;

static void put(int dirfd, const char *path, const char *text)
{
	const char *slash = strrchr(path, '/');

	if (slash) {
		char parent[256] = "";

		memcpy(parent, path, (size_t)(slash - path));
		path_make_folders(dirfd, parent, 0755, NULL);
	}
	file_write_at(dirfd, path, text, strlen(text), 0644, NULL);
}

static int make_folder(const char *name)
{
	path_make_folders(top, name, 0755, NULL);
	return openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void available(uint64_t want, const char *what)
{
	uint64_t got = build_memory_available(proc, cgroup);

	ok(got == want, "%s", what);
	if (got != want)
		printf("# %llu\n", (unsigned long long)got);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	proc = make_folder("proc");
	cgroup = make_folder("cgroup");
	ok(build_memory_available(-1, -1) == UINT64_MAX, "nothing tells");
	available(UINT64_MAX, "nor do empty folders");
	put(proc, "meminfo", "MemTotal:  900 kB\nMemAvailable:     600 kB\nX: 1 kB\n");
	available(600 * 1024, "the machine's");

	put(proc, "self/cgroup", "1:name=systemd:/a/b\n0::/a/b\n");
	available(600 * 1024, "no such groups");
	put(cgroup, "a/b/memory.max", "max\n");
	put(cgroup, "a/memory.max", "300000\n");
	available(300000, "a limit above the own group");
	put(cgroup, "a/memory.current", "200000\n");
	available(100000, "less what is used");
	put(cgroup, "a/memory.stat", "anon 5\ninactive_file 150000\n");
	available(250000, "but for pages of files");
	put(cgroup, "memory.max", "1000\n");
	available(1000, "a container's root");
	put(cgroup, "memory.current", "2000\n");
	available(0, "used up");

	put(proc, "self/cgroup", "4:cpu,memory:/x\n3:cpuset:/y\n");
	available(600 * 1024, "version 1 without a limit");
	put(cgroup, "memory/x/memory.limit_in_bytes", "50000\n");
	put(cgroup, "memory/x/memory.usage_in_bytes", "20000\n");
	put(cgroup, "memory/x/memory.stat",
	    "inactive_file 7\ntotal_inactive_file 5000\n");
	available(35000, "version 1");
	put(cgroup, "memory/memory.limit_in_bytes", "9223372036854771712\n");
	available(35000, "whose root has none");
	put(proc, "self/cgroup", "damaged\n::\n0:\n");
	available(600 * 1024, "damaged lines");
	close(proc);
	close(cgroup);
	path_remove(AT_FDCWD, folder, NULL);
	return tap_done();
}
