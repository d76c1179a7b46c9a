/* SPDX-License-Identifier: MIT */
#include "run/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"

#define UNIFIED "/sys/fs/cgroup"
#define MEMORY	"/sys/fs/cgroup/memory" /* version 1 */
#define PREFIX	"mab-build-"

#define HOW_TO_GET_ONE                                                                      \
	"`systemd-run --scope -p Delegate=yes mab-build …` runs it in one that will do, " \
	"for others than root with --user"

enum { FILE_MAX = 1 << 20, SECOND = 1000000000 };

static int open_folder(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int put(int fd, const char *name, const char *text)
{
	AUTO_CLOSE int file = openat(fd, name, O_WRONLY | O_CLOEXEC);

	return file < 0 || write(file, text, strlen(text)) < 0 ? -errno : 0;
}

static bool has_word(int fd, const char *name, const char *word)
{
	AUTO_FREE char *text = NULL;
	AUTO_STRV struct strv words = STRV_INIT;

	if (file_read_at(fd, name, FILE_MAX, &text, NULL, NULL) < 0)
		return false;
	strv_split(&words, text, " \n");
	return strv_has(&words, word);
}

static void each_below(int fd, void (*act)(int fd, const char *name))
{
	AUTO_CLOSE int folder = open_folder(fd, ".");
	AUTO_CLOSEDIR DIR *dir = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *entry;

	if (dir)
		folder = -1; /* it is the stream's */
	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			act(fd, entry->d_name);
}

/* --- Removing --- */

/* The kernel may take a moment to part with processes that have ended. */
static void remove_tree(int parent, const char *name)
{
	struct timespec pause = {.tv_nsec = 1000000};
	AUTO_CLOSE int fd = open_folder(parent, name);

	if (fd >= 0)
		each_below(fd, remove_tree);
	while (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno == EBUSY &&
	       pause.tv_nsec < SECOND) {
		(void)nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
	}
}

static void clean_leftover(int parent, const char *name)
{
	bool is_ours = strncmp(name, PREFIX, strlen(PREFIX)) == 0;
	AUTO_CLOSE int fd = is_ours ? open_folder(parent, name) : -1;

	/* Another's, gone, or its maker lives. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		remove_tree(parent, name);
}

void run_cgroup_remove(struct run_cgroups *c, struct run_cgroup *g)
{
	if (g->fd >= 0)
		remove_tree(c->parent, g->name);
	clean_close(&g->fd);
	free(g->name);
	*g = (struct run_cgroup)RUN_CGROUP_INIT;
}

/* --- Making --- */

static int explain(const struct run_cgroups *c, int r, struct err *e)
{
	if (r == -EROFS)
		return err_set(e, r,
			       "cgroups are read-only here (in a container: run it with "
			       "--privileged)");
	if (r == -EACCES || r == -EPERM)
		return err_set(e, r,
			       "processes of this user cannot be put into a cgroup below "
			       "%s (%s)",
			       c->path,
			       c->unified ? HOW_TO_GET_ONE
					  : "--cgroup-parent names another, which root "
					    "can give to a user");
	return err_sys(e, r, "cannot make a cgroup in %s", c->path);
}

/* -EAGAIN when somebody took it for a leftover before it was locked. */
static int make_locked(int parent, const char *name)
{
	AUTO_CLOSE int fd = -1;

	if (mkdirat(parent, name, 0755) < 0)
		return errno == EEXIST ? -EAGAIN : -errno;
	fd = open_folder(parent, name);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 || faccessat(parent, name, F_OK, 0) < 0)
		return -EAGAIN;
	return TAKE_FD(fd);
}

static int make(struct run_cgroups *c, struct run_cgroup *g, struct err *e)
{
	do {
		free(g->name);
		g->name = xasprintf(PREFIX "%ld-%u", (long)getpid(),
				    atomic_fetch_add(&c->serial, 1));
		g->fd = make_locked(c->parent, g->name);
	} while (g->fd == -EAGAIN);
	return g->fd < 0 ? explain(c, g->fd, e) : 0;
}

static int set_memory(const struct run_cgroups *c, const struct run_cgroup *g)
{
	AUTO_FREE char *bytes = xasprintf("%llu", (unsigned long long)c->memory);
	int swap, r = put(g->fd, c->unified ? "memory.max" : "memory.limit_in_bytes",
			  bytes);

	/* A step of which the kernel has ended a part goes on to no good. */
	if (r == 0 && c->unified)
		r = put(g->fd, "memory.oom.group", "1");
	if (r < 0)
		return r;
	swap = c->unified ? put(g->fd, "memory.swap.max", "0")
			  : put(g->fd, "memory.memsw.limit_in_bytes", bytes);
	return swap == -ENOENT ? 0 : swap; /* kernels may be without accounting of it */
}

int run_cgroup_make(struct run_cgroups *c, struct run_cgroup *g, struct err *e)
{
	int r = make(c, g, e);

	if (r < 0 || !c->memory)
		return r;
	r = set_memory(c, g);
	if (r == 0)
		return 0;
	run_cgroup_remove(c, g);
	return err_sys(e, r, "cannot limit the memory of a cgroup in %s", c->path);
}

int run_cgroup_enter(const struct run_cgroup *g, struct err *e)
{
	int r = put(g->fd, "cgroup.procs", "0"); /* who writes */

	return r < 0 ? err_sys(e, r, "cannot go into the cgroup %s", g->name) : 0;
}

bool run_cgroup_lacked_memory(const struct run_cgroups *c, const struct run_cgroup *g)
{
	AUTO_FREE char *text = NULL;
	const char *count;

	if (g->fd < 0 ||
	    file_read_at(g->fd, c->unified ? "memory.events" : "memory.oom_control",
			 FILE_MAX, &text, NULL, NULL) < 0)
		return false; /* it is not limited */
	count = strstr(text, "\noom_kill ");
	return count && count[strlen("\noom_kill ")] != '0';
}

/* --- The parent --- */

static bool is_of(const char *path, long type)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == type;
}

/* A line is NUMBER:CONTROLLERS:PATH, where version 2 has no controllers. */
char *run_cgroup_path(const char *text, bool unified)
{
	AUTO_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		AUTO_STRV struct strv controllers = STRV_INIT;
		char *names = strchr(lines.v[i], ':');
		char *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		strv_split(&controllers, names + 1, ",");
		if (unified ? !controllers.n : strv_has(&controllers, "memory"))
			return xstrdup(path);
	}
	return NULL;
}

static int open_below(int root, const char *path)
{
	return path_open(root, path + strspn(path, "/"), PATH_BENEATH,
			 O_RDONLY | O_DIRECTORY, 0);
}

/* A container may see its own cgroup as the root, but have been told another path. */
static int open_own(struct run_cgroups *c, int root, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = file_read_at(AT_FDCWD, "/proc/self/cgroup", FILE_MAX, &text, NULL, e);

	if (r < 0)
		return r;
	c->path = run_cgroup_path(text, c->unified);
	c->parent = c->path ? open_below(root, c->path) : -ENOENT;
	if (c->parent == -ENOENT) {
		free(c->path);
		c->path = xstrdup("/");
		c->parent = open_below(root, c->path);
	}
	return c->parent < 0 ? err_sys(e, c->parent,
				       "cannot open the cgroup %s, in which this runs "
				       "(--cgroup-parent names another)",
				       c->path)
			     : 0;
}

static int open_parent(struct run_cgroups *c, const char *parent, struct err *e)
{
	const char *folder = c->unified ? UNIFIED : MEMORY;
	AUTO_CLOSE int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_sys(e, -errno, "cannot open %s", folder);
	if (!parent)
		return open_own(c, root, e);
	c->path = xstrdup(parent);
	c->parent = open_below(root, parent);
	if (c->parent < 0)
		return err_sys(e, c->parent, "cannot open the cgroup %s in %s", parent,
			       folder);
	return 0;
}

/* --- Its memory controller, version 2 --- */

static bool is_alone(const struct run_cgroups *c)
{
	AUTO_FREE char *processes = NULL;
	AUTO_FREE char *own = xasprintf("%ld\n", (long)getpid());

	return file_read_at(c->parent, "cgroup.procs", FILE_MAX, &processes, NULL,
			    NULL) == 0 &&
	       strcmp(processes, own) == 0;
}

/* Others may have come, whose limits would go with the controller. */
static void go_back(struct run_cgroups *c)
{
	struct stat st;

	if (c->own.fd < 0)
		return;
	if (fstat(c->parent, &st) == 0 && st.st_nlink == 3) {
		(void)put(c->parent, "cgroup.subtree_control", "-memory");
		(void)put(c->parent, "cgroup.procs", "0");
	}
	run_cgroup_remove(c, &c->own);
}

/* -EBUSY when that does not make it empty. */
static int make_room(struct run_cgroups *c, struct err *e)
{
	int r = is_alone(c) ? make(c, &c->own, e) : -EBUSY;

	if (r == 0)
		r = run_cgroup_enter(&c->own, e);
	return r == 0 ? put(c->parent, "cgroup.subtree_control", "+memory") : r;
}

static int give_memory(struct run_cgroups *c, struct err *e)
{
	int r;

	if (!has_word(c->parent, "cgroup.controllers", "memory"))
		return err_set(
			e, -EOPNOTSUPP,
			"the cgroup %s has no memory controller: neither the kernel "
			"nor the cgroups above give it one (" HOW_TO_GET_ONE ")",
			c->path);
	if (has_word(c->parent, "cgroup.subtree_control", "memory"))
		return 0;
	r = put(c->parent, "cgroup.subtree_control", "+memory");
	if (r == -EBUSY)
		r = make_room(c, e);
	if (r == -EBUSY)
		return err_set(e, r,
			       "the cgroup %s has other processes, so that the memory of "
			       "those below it cannot be limited (" HOW_TO_GET_ONE
			       "; --cgroup-parent names one without processes)",
			       c->path);
	return r < 0 ? explain(c, r, e) : 0;
}

/* --- All --- */

/* Also where a cgroup can be made, the way into it may be somebody else's. */
static int try_one(struct run_cgroups *c, struct err *e)
{
	struct run_cgroup g = RUN_CGROUP_INIT;
	int status = 0, r = run_cgroup_make(c, &g, e);
	pid_t pid;

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		_exit(-run_cgroup_enter(&g, NULL));
	if (pid < 0)
		r = err_sys(e, -errno, "cannot start a process");
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	run_cgroup_remove(c, &g);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		r = explain(c, -WEXITSTATUS(status), e);
	return r;
}

int run_cgroups_open(struct run_cgroups *c, const char *parent, uint64_t memory,
		     struct err *e)
{
	int r;

	c->memory = memory;
	c->unified = is_of(UNIFIED, CGROUP2_SUPER_MAGIC);
	if (!c->unified && !is_of(MEMORY, CGROUP_SUPER_MAGIC))
		return err_set(e, -EOPNOTSUPP,
			       "there are neither cgroups of version 2 at " UNIFIED
			       " nor those of version 1's memory controller at " MEMORY
			       " (in a container: run it with --privileged)");
	r = open_parent(c, parent, e);
	if (r < 0)
		return r;
	each_below(c->parent, clean_leftover);
	if (c->unified && memory)
		r = give_memory(c, e);
	return r < 0 ? r : try_one(c, e);
}

void run_cgroups_close(struct run_cgroups *c)
{
	go_back(c);
	clean_close(&c->parent);
	free(c->path);
	*c = (struct run_cgroups)RUN_CGROUPS_INIT;
}
