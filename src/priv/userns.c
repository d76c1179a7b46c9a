/* SPDX-License-Identifier: MIT */
#include "priv/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "priv/caps.h"

enum {
	FILE_MAX = 1024 * 1024,
	LAST_ID = 0xfffffffe, /* the one after it means "none" */
};

static void add_range(struct priv_id_map *map, unsigned inside, unsigned outside,
		      unsigned count)
{
	GROW(map->v, map->n);
	map->v[map->n++] = (struct priv_id_range){inside, outside, count};
}

static unsigned next_inside(const struct priv_id_map *map)
{
	return map->n ? map->v[map->n - 1].inside + map->v[map->n - 1].count : 1;
}

/* A decimal number and nothing else. */
static bool parse_id(const char *text, unsigned *id)
{
	unsigned long long n;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || n > LAST_ID)
		return false;
	*id = (unsigned)n;
	return true;
}

void priv_subids_parse(const char *text, const char *user, uid_t uid,
		       struct priv_id_map *map)
{
	AUTO_FREE char *number = xasprintf("%u", (unsigned)uid);
	AUTO_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		AUTO_STRV struct strv fields = STRV_INIT;
		unsigned first, count, inside = next_inside(map);

		strv_split(&fields, lines.v[i], ":");
		if (fields.n != 3 || (strcmp(fields.v[0], number) != 0 &&
				      (!user || strcmp(fields.v[0], user) != 0)))
			continue;
		if (parse_id(fields.v[1], &first) && parse_id(fields.v[2], &count) &&
		    count && count - 1 <= LAST_ID - first && inside <= LAST_ID &&
		    count - 1 <= LAST_ID - inside)
			add_range(map, inside, first, count);
	}
}

static void read_subids(int etc, const char *file, struct priv_id_map *map)
{
	const struct passwd *user = getpwuid(geteuid());
	AUTO_FREE char *text = NULL;

	/* No file, no ranges. */
	if (file_read_at(etc, file, FILE_MAX, &text, NULL, NULL) == 0)
		priv_subids_parse(text, user ? user->pw_name : NULL, geteuid(), map);
}

/* The ids of the namespace that the caller is in, each as itself. */
static int read_own(const char *file, struct priv_id_map *map)
{
	AUTO_FREE char *text = NULL;
	AUTO_STRV struct strv lines = STRV_INIT;
	int r = file_read_at(AT_FDCWD, file, FILE_MAX, &text, NULL, NULL);

	if (r < 0)
		return r;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		unsigned inside, outside, count;

		if (sscanf(lines.v[i], "%u %u %u", &inside, &outside, &count) != 3)
			return -EINVAL;
		add_range(map, inside, inside, count);
	}
	return map->n ? 0 : -ENOENT;
}

static void forget(struct priv_id_map *map)
{
	free(map->v);
	*map = (struct priv_id_map){0};
}

void priv_userns_plan_single(struct priv_userns *ns)
{
	priv_userns_free(ns);
	ns->ids = PRIV_USERNS_SINGLE;
	add_range(&ns->uids, 0, geteuid(), 1);
	add_range(&ns->gids, 0, getegid(), 1);
}

static bool plan_all(struct priv_userns *ns)
{
	if (geteuid() != 0 || !priv_caps_have(CAP_SETUID) || !priv_caps_have(CAP_SETGID))
		return false;
	ns->ids = PRIV_USERNS_ALL;
	return read_own("/proc/self/uid_map", &ns->uids) == 0 &&
	       read_own("/proc/self/gid_map", &ns->gids) == 0;
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	AUTO_STRV struct strv folders = STRV_INIT;

	strv_split(&folders, path ? path : "", ":");
	for (size_t i = 0; i < folders.n; i++) {
		AUTO_FREE char *file = xasprintf("%s/%s", folders.v[i], program);

		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* NULL, or why not. */
static const char *plan_subordinate(struct priv_userns *ns, int etc)
{
	if (!in_path("newuidmap") || !in_path("newgidmap"))
		return "newuidmap and newgidmap (package uidmap) are not installed";
	/* They gain their rights by exec, which this forbids. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1)
		return "no_new_privs takes newuidmap its rights";
	ns->ids = PRIV_USERNS_SUBORDINATE;
	add_range(&ns->uids, 0, geteuid(), 1);
	add_range(&ns->gids, 0, getegid(), 1);
	read_subids(etc, "subuid", &ns->uids);
	read_subids(etc, "subgid", &ns->gids);
	return ns->uids.n > 1 && ns->gids.n > 1
		       ? NULL
		       : "/etc/subuid and /etc/subgid have no lines for this user";
}

void priv_userns_plan(struct priv_userns *ns, int etc)
{
	const char *why_single;

	*ns = (struct priv_userns){0};
	if (plan_all(ns))
		return;
	priv_userns_free(ns);
	why_single = plan_subordinate(ns, etc);
	if (!why_single)
		return;
	priv_userns_plan_single(ns);
	ns->why_single = why_single;
}

bool priv_userns_is_single(void)
{
	static const char *const files[] = {"/proc/self/uid_map", "/proc/self/gid_map"};
	bool single = false;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct priv_id_map map = {0};

		if (read_own(files[i], &map) == 0)
			single = single || (map.n == 1 && map.v[0].count == 1);
		forget(&map);
	}
	return single;
}

/* One write: the kernel takes no second one. */
static int write_proc(const char *pid, const char *file, const char *text, struct err *e)
{
	AUTO_FREE char *path = xasprintf("/proc/%s/%s", pid, file);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (write(fd, text, strlen(text)) < 0)
		return err_sys(e, -errno, "cannot write %s", path);
	return 0;
}

static int write_map(const char *pid, const char *file, const struct priv_id_map *map,
		     struct err *e)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	for (size_t i = 0; i < map->n; i++)
		strbuf_addf(&s, "%u %u %u\n", map->v[i].inside, map->v[i].outside,
			    map->v[i].count);
	return write_proc(pid, file, s.data, e);
}

/* newuidmap PID INSIDE OUTSIDE COUNT… */
static int run_newidmap(const char *program, const char *pid,
			const struct priv_id_map *map, struct err *e)
{
	AUTO_STRBUF struct strbuf said = STRBUF_INIT;
	AUTO_STRV struct strv argv = STRV_INIT;

	strv_add(&argv, program);
	strv_add(&argv, pid);
	for (size_t i = 0; i < map->n; i++) {
		strv_addf(&argv, "%u", map->v[i].inside);
		strv_addf(&argv, "%u", map->v[i].outside);
		strv_addf(&argv, "%u", map->v[i].count);
	}
	return proc_run((const char *const *)argv.v, &said, e);
}

static int write_maps(const struct priv_userns *ns, pid_t process, struct err *e)
{
	AUTO_FREE char *pid = xasprintf("%ld", (long)process);
	int r;

	/*
	 * Safe with any input: the kernel, or newuidmap, which asks subuid(5) itself,
	 * lets a caller map only what it may already be.
	 */
	if (ns->ids == PRIV_USERNS_ALL) {
		r = write_map(pid, "uid_map", &ns->uids, e);
		return r < 0 ? r : write_map(pid, "gid_map", &ns->gids, e);
	}
	r = run_newidmap("newuidmap", pid, &ns->uids, e);
	return r < 0 ? r : run_newidmap("newgidmap", pid, &ns->gids, e);
}

/*
 * Ids other than one's own are mapped from outside: a child stays there, waits until the
 * caller has left, and answers with nothing, or with the words for what failed.
 */
struct mapper {
	int go;	    /* a byte written here starts it; it ends when this is closed */
	int answer; /* what it says, until it ends */
	pid_t pid;
};

static void mapper_main(const struct priv_userns *ns, pid_t caller, int go, int answer)
{
	AUTO_ERR struct err e = ERR_INIT;
	char byte;

	(void)signal(SIGCHLD, SIG_DFL); /* proc_run() must see how its program ends */
	if (read(go, &byte, 1) == 1 && write_maps(ns, caller, &e) < 0)
		(void)!write(answer, e.text, strlen(e.text)); /* nobody else to tell */
	_exit(0);
}

static int mapper_start(struct mapper *m, const struct priv_userns *ns, struct err *e)
{
	int go[2], answer[2];
	pid_t caller = getpid();

	if (pipe2(go, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	if (pipe2(answer, O_CLOEXEC) < 0) {
		int r = err_sys(e, -errno, "cannot make a pipe");

		close(go[0]);
		close(go[1]);
		return r;
	}
	m->pid = fork();
	if (m->pid == 0) {
		close(go[1]);
		close(answer[0]);
		mapper_main(ns, caller, go[0], answer[1]);
	}
	close(go[0]);
	close(answer[1]);
	m->go = go[1];
	m->answer = answer[0];
	return m->pid < 0 ? err_sys(e, -errno, "cannot start a process") : 0;
}

/* Returns what it answered, NULL for success; owned by the caller. */
static char *mapper_finish(struct mapper *m, bool go)
{
	struct strbuf words = STRBUF_INIT;
	char bytes[512];
	ssize_t n;

	if (go)
		(void)!write(m->go, "", 1); /* if it is gone, the maps stay empty */
	close(m->go);
	while ((n = read(m->answer, bytes, sizeof bytes)) > 0 ||
	       (n < 0 && errno == EINTR))
		if (n > 0)
			strbuf_add(&words, bytes, (size_t)n);
	close(m->answer);
	while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
		;
	return words.len ? strbuf_take(&words) : NULL;
}

static bool is_mapped(const char *file)
{
	AUTO_FREE char *text = NULL;

	return file_read_at(AT_FDCWD, file, FILE_MAX, &text, NULL, NULL) == 0 && *text;
}

/* What the mapper did not map: each the caller alone. */
static int map_rest(const struct priv_userns *single, struct err *e)
{
	int r = 0;

	/* Safe with any input: the only id that becomes usable is the caller's own. */
	if (!is_mapped("/proc/self/uid_map"))
		r = write_map("self", "uid_map", &single->uids, e);
	if (r < 0 || is_mapped("/proc/self/gid_map"))
		return r;
	r = write_proc("self", "setgroups", "deny", e); /* Linux 3.19 wants it first */
	if (r == -ENOENT)
		err_free(e);
	else if (r < 0)
		return r;
	return write_map("self", "gid_map", &single->gids, e);
}

static int refused(int r, struct err *e)
{
	AUTO_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *why = priv_userns_refusal(proc, r);

	if (why)
		return err_set(e, r, "cannot make a user namespace: %s", why);
	return err_wrap(e, r, "cannot make a user namespace");
}

static int unshare_both(struct err *e)
{
	/* Safe with any input: it takes the caller away from what it could change. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return err_sys(e, -errno, "unshare");
	return 0;
}

static int enter(struct priv_userns *ns, char **shortfall, struct err *e)
{
	AUTO_PRIV_USERNS struct priv_userns single = {0};
	bool mapped_outside = ns->ids != PRIV_USERNS_SINGLE;
	struct mapper m = {.go = -1};
	int r = 0;

	*shortfall = NULL;
	priv_userns_plan_single(&single); /* geteuid() tells something else once inside */
	if (mapped_outside)
		r = mapper_start(&m, ns, e);
	if (r < 0)
		return r;
	r = unshare_both(e);
	if (mapped_outside)
		*shortfall = mapper_finish(&m, r == 0);
	if (r == 0)
		r = map_rest(&single, e);
	if (r < 0)
		return refused(r, e);
	if (mapped_outside && *shortfall) {
		priv_userns_free(ns);
		*ns = single;
		single = (struct priv_userns){0};
	}
	return 0;
}

/*
 * The maps are files of the process, and those of one that may leave no core dump are
 * not its own: while it enters, it may.
 */
int priv_userns_enter(struct priv_userns *ns, char **shortfall, struct err *e)
{
	bool hidden = prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 0;
	int r;

	if (hidden && prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L) < 0)
		return err_sys(e, -errno, "cannot make the process's files its own");
	r = enter(ns, shortfall, e);
	if (hidden && prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0 && r == 0)
		return err_sys(e, -errno, "cannot forbid core dumps");
	return r;
}

void priv_userns_free(struct priv_userns *ns)
{
	forget(&ns->uids);
	forget(&ns->gids);
}
