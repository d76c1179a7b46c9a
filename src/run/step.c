/* SPDX-License-Identifier: MIT */
#include "run/step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "priv/namespaces.h"
#include "priv/tree.h"
#include "run/inside.h"
#include "run/place.h"

static void close_pair(int fds[2])
{
	clean_close(&fds[0]);
	clean_close(&fds[1]);
}

static void plan_free(struct run_plan *plan)
{
	for (size_t i = 0; plan->sources && i < plan->spec->nmounts; i++)
		clean_close(&plan->sources[i]);
	free(plan->sources);
	strv_free(&plan->env);
	run_user_free(&plan->user);
	run_cgroup_remove(plan->spec->cgroups, &plan->cgroup);
	clean_close(&plan->root);
	clean_close(&plan->null);
	close_pair(plan->out);
	close_pair(plan->err);
	close_pair(plan->report);
}

char *run_mount_path(const struct run_spec *spec, const struct run_mount *mount)
{
	if (mount->target[0] == '/')
		return xstrdup(mount->target);
	return xasprintf("%s/%s", spec->cwd ? spec->cwd : "", mount->target);
}

static int make_place(int root, const char *path, enum run_place_kind kind,
		      struct run_places *places, struct err *e)
{
	int place = run_place_make(root, path, kind, places, e);

	if (place < 0)
		return place;
	close(place);
	return 0;
}

static int make_mount_place(const struct run_plan *plan, size_t i,
			    struct run_places *places, struct err *e)
{
	const struct run_mount *m = &plan->spec->mounts[i];
	AUTO_FREE char *path = run_mount_path(plan->spec, m);
	bool is_folder = m->type == RUN_MOUNT_TMPFS;
	struct stat st;

	if (m->type == RUN_MOUNT_BIND) {
		if (fstat(m->source, &st) < 0)
			return err_sys(e, -errno, "cannot examine the source of %s",
				       path);
		is_folder = S_ISDIR(st.st_mode);
	}
	return make_place(plan->root, path, is_folder ? RUN_PLACE_FOLDER : RUN_PLACE_FILE,
			  places, e);
}

static int make_places(const struct run_plan *plan, struct run_places *places,
		       struct err *e)
{
	static const char *const folders[] = {"dev", "proc", "sys"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++)
		r = make_place(plan->root, folders[i], RUN_PLACE_FOLDER, places, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(run_etc_files); i++)
		r = make_place(plan->root, run_etc_files[i].path, RUN_PLACE_FILE, places,
			       e);
	for (size_t i = 0; r == 0 && i < plan->spec->nmounts; i++)
		r = make_mount_place(plan, i, places, e);
	run_places_settle(places);
	return r;
}

static int clone_sources(struct run_plan *plan, struct err *e)
{
	const struct run_spec *spec = plan->spec;

	plan->sources = xcalloc(spec->nmounts + 1, sizeof *plan->sources);
	for (size_t i = 0; i < spec->nmounts; i++)
		plan->sources[i] = -1;
	for (size_t i = 0; i < spec->nmounts; i++) {
		const struct run_mount *m = &spec->mounts[i];

		if (m->type != RUN_MOUNT_BIND)
			continue;
		plan->sources[i] = priv_tree_clone(m->source, "", e);
		if (plan->sources[i] < 0)
			return err_wrap(e, plan->sources[i], "cannot mount %s",
					m->target);
	}
	return 0;
}

static void make_env(struct run_plan *plan)
{
	bool has_home = false;

	for (const char *const *v = plan->spec->env; v && *v; v++) {
		has_home |= strncmp(*v, "HOME=", 5) == 0;
		strv_add(&plan->env, *v);
	}
	if (!has_home)
		strv_addf(&plan->env, "HOME=%s", plan->user.home);
}

/* As in a terminal, a program may open /dev/stdout and its kin again. */
static int make_output(int fds[2], const struct run_user *user)
{
	if (pipe2(fds, O_CLOEXEC) < 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	/* Where the namespace does not have that user, the step will not start. */
	(void)!fchown(fds[1], user->uid, user->gid);
	return 0;
}

static int make_channels(struct run_plan *plan, struct err *e)
{
	int r = make_output(plan->out, &plan->user);

	if (r == 0)
		r = make_output(plan->err, &plan->user);
	if (r == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, plan->report) < 0)
		r = -errno;
	if (r == 0) {
		plan->null = open("/dev/null", O_RDWR | O_CLOEXEC);
		r = plan->null < 0 ? -errno : 0;
	}
	return r < 0 ? err_sys(e, r, "cannot open the step's pipes") : 0;
}

static int open_root(const struct run_spec *spec, struct err *e)
{
	if (spec->overlay)
		return priv_overlay_new(spec->overlay, e);
	return priv_tree_clone(spec->root, "", e);
}

static int prepare(struct run_plan *plan, struct run_places *places, struct err *e)
{
	struct run_cgroups *cgroups = plan->spec->cgroups;
	int r = plan->root = open_root(plan->spec, e);

	if (r >= 0)
		r = cgroups ? run_cgroup_make(cgroups, &plan->cgroup, e) : 0;
	if (r == 0)
		r = run_user_find(&plan->user, plan->spec->user, plan->root, e);
	if (r == 0)
		r = clone_sources(plan, e);
	if (r == 0 && plan->spec->filter && !plan->spec->runtime)
		r = run_filter_compile(plan->spec->filter, e);
	if (r == 0)
		r = make_channels(plan, e);
	if (r == 0)
		r = make_places(plan, places, e);
	if (r == 0)
		make_env(plan);
	return r;
}

static int follow(struct run_plan *plan, struct run_result *result, struct err *e)
{
	struct run_message message;
	struct priv_pidns ns;
	int r = priv_pidns_start(&ns, run_inside, plan, e);

	if (r < 0)
		return r;
	/* Else their ends would never be seen. */
	clean_close(&plan->out[1]);
	clean_close(&plan->err[1]);
	clean_close(&plan->report[1]);
	plan->out[1] = plan->err[1] = plan->report[1] = -1;
	r = run_follow(plan, &ns, &message);
	if (r < 0)
		return err_set(e, r, "cancelled");
	if (message.type == RUN_FAILED)
		return err_set(e, message.value, "%s", message.text);
	*result = (struct run_result){
		.status = WIFEXITED(message.value) ? WEXITSTATUS(message.value) : 0,
		.signal = WIFSIGNALED(message.value) ? WTERMSIG(message.value) : 0,
		.lacked_memory =
			run_cgroup_lacked_memory(plan->spec->cgroups, &plan->cgroup),
	};
	return 0;
}

int run_step(const struct run_spec *spec, struct run_result *result, struct err *e)
{
	CLEAN(plan_free)
	struct run_plan plan = {
		.spec = spec,
		.root = -1,
		.cgroup = RUN_CGROUP_INIT,
		.null = -1,
		.out = {-1, -1},
		.err = {-1, -1},
		.report = {-1, -1},
	};
	AUTO_RUN_PLACES struct run_places places = {
		.base = spec->overlay ? spec->overlay->upper : spec->root};
	int r = prepare(&plan, &places, e);

	if (r == 0)
		r = follow(&plan, result, e);
	/* The upper folder must not change under a mounted overlay. */
	clean_close(&plan.root);
	plan.root = -1;
	run_places_remove(&places);
	return r;
}
