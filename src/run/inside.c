/* SPDX-License-Identifier: MIT */
#include "run/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/proc.h"
#include "priv/become.h"
#include "priv/caps.h"
#include "priv/namespaces.h"
#include "priv/tree.h"
#include "run/place.h"

extern char **environ;

enum { STAT_MAX = 4096 };

static void report(const struct run_plan *plan, const struct run_message *message)
{
	/* If the caller is gone, there is nobody to tell. */
	(void)send(plan->report[1], message,
		   offsetof(struct run_message, text) + strlen(message->text) + 1,
		   MSG_NOSIGNAL);
}

static void report_failure(const struct run_plan *plan, int r, const struct err *e)
{
	struct run_message message = {.type = RUN_FAILED, .value = r};
	AUTO_FREE char *text = err_message(e);

	(void)snprintf(message.text, sizeof message.text, "%s", text);
	report(plan, &message);
}

/* --- Files in memory --- */

/*
 * They are made in a tmpfs that goes away with the caller's root, in which it lies over
 * /proc (no longer needed: the step's own is there); what stays is a mount of each.
 */
static int make_files(struct err *e)
{
	static const char *const options[] = {"mode=0700", NULL};
	AUTO_CLOSE int files =
		priv_tree_make("tmpfs", options,
			       PRIV_TREE_NOSUID | PRIV_TREE_NODEV | PRIV_TREE_NOEXEC, e);
	int r = files < 0 ? files : priv_tree_attach(files, AT_FDCWD, "/proc", e);

	return r < 0 ? r : TAKE_FD(files);
}

int run_file_fill(int fd, const struct run_mount *m)
{
	const char *data = m->data;

	for (size_t done = 0; done < m->len;) {
		ssize_t n = write(fd, data + done, m->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n < 0 ? 0 : (size_t)n;
	}
	/* The owner before the mode: a new owner takes the set-user-ID bit away. */
	if (fchown(fd, m->uid, m->gid) < 0 || fchmod(fd, m->mode) < 0)
		return -errno;
	return 0;
}

/* Returns a tree of this file alone. The name is of no importance, but is its own. */
static int make_file(int files, const char *name, const struct run_mount *m,
		     struct err *e)
{
	AUTO_CLOSE int fd =
		openat(files, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : run_file_fill(fd, m);

	return r < 0 ? err_sys(e, r, "cannot make the file")
		     : priv_tree_clone(files, name, e);
}

/* --- Mounts --- */

int run_tmpfs_make(const struct run_mount *m, struct err *e)
{
	AUTO_STRV struct strv options = STRV_INIT;

	strv_addf(&options, "mode=%04o", m->mode);
	strv_addf(&options, "uid=%u", m->uid);
	strv_addf(&options, "gid=%u", m->gid);
	if (m->size)
		strv_addf(&options, "size=%llu", (unsigned long long)m->size);
	return priv_tree_make("tmpfs", (const char *const *)options.v,
			      PRIV_TREE_NOSUID | PRIV_TREE_NODEV, e);
}

/* The fd stays open until the first process closes all that it has. */
static int make_tree(const struct run_plan *plan, size_t i, int files, struct err *e)
{
	const struct run_mount *m = &plan->spec->mounts[i];
	AUTO_FREE char *name = xasprintf("mount-%zu", i);

	switch (m->type) {
	case RUN_MOUNT_BIND:
		return plan->sources[i];
	case RUN_MOUNT_TMPFS:
		return run_tmpfs_make(m, e);
	case RUN_MOUNT_FILE:
		return make_file(files, name, m, e);
	}
	return err_set(e, -EINVAL, "unknown kind of mount");
}

static int mount_tree(int root, int tree, const char *path, bool read_only, struct err *e)
{
	AUTO_CLOSE int place = -1;
	struct stat st;
	int r;

	if (fstat(tree, &st) < 0)
		return err_sys(e, -errno, "cannot examine it");
	place = run_place_make(root, path,
			       S_ISDIR(st.st_mode) ? RUN_PLACE_FOLDER : RUN_PLACE_FILE,
			       NULL, e);
	if (place < 0)
		return place;
	r = read_only ? priv_tree_restrict(tree, PRIV_TREE_RDONLY, e) : 0;
	return r < 0 ? r : priv_tree_attach(tree, place, "", e);
}

static int mount_etc(const struct run_plan *plan, int files, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(run_etc_files); i++) {
		AUTO_FREE char *text = run_etc_files[i].text(plan->spec);
		struct run_mount m = {.data = text, .len = strlen(text), .mode = 0644};
		const char *path = run_etc_files[i].path;
		AUTO_CLOSE int tree = make_file(files, strrchr(path, '/') + 1, &m, e);

		r = tree < 0 ? tree : mount_tree(plan->root, tree, path, false, e);
		if (r < 0)
			return err_wrap(e, r, "cannot mount %s", path);
	}
	return r;
}

static int mount_all(const struct run_plan *plan, int files, struct err *e)
{
	const struct run_spec *spec = plan->spec;

	for (size_t i = 0; i < spec->nmounts; i++) {
		AUTO_FREE char *path = run_mount_path(spec, &spec->mounts[i]);
		int tree = make_tree(plan, i, files, e);
		int r = tree < 0 ? tree
				 : mount_tree(plan->root, tree, path,
					      spec->mounts[i].read_only, e);

		if (r < 0)
			return err_wrap(e, r, "cannot mount %s", path);
	}
	return 0;
}

static int set_up(const struct run_plan *plan, struct err *e)
{
	AUTO_CLOSE int files = -1;
	int r = priv_namespaces_enter(run_hostname(plan->spec),
				      plan->spec->network == RUN_NETWORK_NONE, e);

	if (r == 0 && plan->spec->runtime)
		return run_bundle_set_up(plan, e);
	if (r == 0)
		r = priv_tree_attach(plan->root, AT_FDCWD, "/", e);
	if (r == 0)
		r = run_system_mount(plan->root, plan->spec, e);
	if (r == 0)
		r = files = make_files(e);
	if (r >= 0)
		r = mount_etc(plan, files, e);
	if (r == 0)
		r = mount_all(plan, files, e);
	return r < 0 ? r : priv_tree_pivot(plan->root, e);
}

/* --- The command --- */

/* Without the right to raise a limit, the usual one for files is what there is. */
static int limit_files(struct err *e)
{
	struct rlimit limit, wanted = {RUN_NOFILE_SOFT, RUN_NOFILE_HARD};

	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		return 0;
	if (errno == EPERM && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		if (limit.rlim_cur > RUN_NOFILE_SOFT)
			limit.rlim_cur = RUN_NOFILE_SOFT;
		if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
			return 0;
	}
	return err_sys(e, -errno, "cannot limit open files");
}

static int set_limits(const struct run_spec *spec, struct err *e)
{
	int r = limit_files(e);

	for (size_t i = 0; r == 0 && i < spec->nlimits; i++) {
		const struct run_limit *l = &spec->limits[i];

		if (setrlimit((__rlimit_resource_t)l->resource, &l->value) < 0)
			r = err_sys(e, -errno, "cannot set the limit %s to %lld:%lld",
				    run_limit_name(l->resource),
				    (long long)l->value.rlim_cur,
				    (long long)l->value.rlim_max);
	}
	return r;
}

static int become(const struct run_plan *plan, struct err *e)
{
	unsigned caps[64];
	struct priv_identity id = {
		.uid = plan->user.uid,
		.gid = plan->user.gid,
		.groups = plan->user.groups,
		.ngroups = plan->user.ngroups,
		.caps = caps,
		.all_caps = plan->spec->all_capabilities,
	};

	for (unsigned cap = 0; cap < ARRAY_SIZE(caps); cap++)
		if (plan->spec->capabilities >> cap & 1)
			caps[id.ncaps++] = cap;
	return priv_become(&id, e);
}

/* A working folder that an earlier step removed is made again, as a runtime does. */
static int enter_folder(const char *path, struct err *e)
{
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int made = -1;

	if (chdir(path) == 0)
		return 0;
	if (errno == ENOENT)
		made = run_place_make(root, path, RUN_PLACE_FOLDER, NULL, NULL);
	if (made < 0 || fchdir(made) < 0)
		return err_sys(e, -errno, "cannot enter the working folder %s", path);
	return 0;
}

/* What the caller itself was given, too; with the report at the very end. */
static int close_by_exec(struct err *e)
{
	if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot close the caller's files");
	return 0;
}

/* What the kernel's answers may mean here. */
static int explain(const char *program, int r, struct err *e)
{
	if (r == -ENOEXEC)
		return err_set(e, r,
			       "cannot run %s: it is a program for a platform that this "
			       "machine has no handler for, or no program at all",
			       program);
	if (r == -ENOENT && strchr(program, '/') && access(program, F_OK) == 0)
		return err_set(e, r,
			       "cannot run %s: the program that it needs to be run by "
			       "(loader, interpreter or handler) is not in the image",
			       program);
	return r;
}

static void be_command(const struct run_plan *plan) __attribute__((noreturn));
static void be_command(const struct run_plan *plan)
{
	const struct run_spec *spec = plan->spec;
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	if (spec->runtime) {
		report_failure(plan, run_bundle_exec(plan, &e), &e);
		_exit(127);
	}
	setsid(); /* away from the caller's terminal, into which it could type */
	(void)umask(022);
	r = set_limits(spec, &e);
	if (r == 0)
		r = enter_folder(spec->cwd ? spec->cwd : "/", &e);
	if (r == 0 && spec->filter)
		r = run_filter_load(spec->filter, &e);
	if (r == 0)
		r = become(plan, &e);
	if (r == 0)
		r = close_by_exec(&e);
	if (r == 0) {
		environ = plan->env.v;
		r = explain(spec->argv[0], proc_exec(spec->argv, &e), &e);
	}
	report_failure(plan, r, &e);
	_exit(127);
}

/* --- The first process --- */

/*
 * It is a copy of the caller, with its memory, and root of the step must not learn what
 * is in it: nobody without the right to trace everything on the machine may look (this
 * also holds for /proc/1/fd and /proc/1/root), and the command line, which anybody may
 * see, is wiped.
 */
static void hide_arguments(void)
{
	AUTO_FREE char *stat = NULL;
	unsigned long long start, end;
	const char *fields;

	if (file_read_at(AT_FDCWD, "/proc/self/stat", STAT_MAX, &stat, NULL, NULL) < 0)
		return;
	/* Fields 3 to 47 of proc(5) come before; the second is in parentheses. */
	fields = strrchr(stat, ')');
	for (int i = 2; fields && i < 48; i++)
		fields = strchr(fields + 1, ' ');
	if (fields && sscanf(fields, "%llu %llu", &start, &end) == 2 && start < end)
		memset((void *)(uintptr_t)start, 0, (size_t)(end - start));
}

static void default_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* two of them cannot be changed */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_all_but(int fd)
{
	if (fd > 3)
		(void)syscall(SYS_close_range, 3u, (unsigned)fd - 1, 0u);
	(void)syscall(SYS_close_range, (unsigned)fd + 1, ~0u, 0u);
}

static void take_stdio(const struct run_plan *plan, int out, int err)
{
	if (dup2(plan->null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(127);
}

/* Takes in the children of the others too, until the command ends. */
static int reap(pid_t command)
{
	int status;
	pid_t pid;

	while ((pid = wait(&status)) != command)
		if (pid < 0 && errno != EINTR)
			_exit(127);
	return status;
}

void run_inside(void *data)
{
	const struct run_plan *plan = data;
	struct run_message message = {.type = RUN_ENDED};
	AUTO_ERR struct err e = ERR_INIT;
	pid_t command;
	int r;

	default_signals();
	setsid();
	(void)umask(0);
	take_stdio(plan, plan->out[1], plan->err[1]);
	(void)prctl(PR_SET_NAME, "init");
	r = plan->spec->cgroups ? run_cgroup_enter(&plan->cgroup, &e) : 0;
	if (r == 0)
		r = set_up(plan, &e);
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0)
		r = err_sys(&e, -errno, "cannot hide the first process");
	command = r < 0 ? -1 : fork();
	if (command == 0)
		be_command(plan);
	if (r == 0 && command < 0)
		r = err_sys(&e, -errno, "cannot start a process");
	if (r < 0) {
		report_failure(plan, r, &e);
		_exit(127);
	}
	hide_arguments();
	take_stdio(plan, plan->null, plan->null);
	close_all_but(plan->report[1]);
	message.value = reap(command);
	report(plan, &message);
	_exit(0); /* all other processes end with this one */
}
