/* SPDX-License-Identifier: MIT */
/*
 * step OPTION... -- COMMAND...: run_step() as a program, for the tests and benches;
 * --user-namespace or --single-id comes first. The
 * exit status is the command's, 128 and the number of the signal that killed it, 124 when
 * cancelled, or 125 with a message.
 */
#include "run/step.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "priv/sealed.h"
#include "priv/userns.h"

enum { MAX = 600 };

static struct priv_overlay overlay = {.upper = -1, .work = -1};
static int lower[MAX];
static struct run_mount mounts[MAX];
static struct run_host hosts[MAX];
static struct run_limit limits[MAX];
static const char *env[MAX];
static size_t nenv;
static struct run_filter_options filtered = {.deny = true};
static bool in_user_namespace, single_id, prefixed;
static long repetitions = 1;
static uint64_t memory;
static const char *cgroup_parent;

static int fail(const struct err *e)
{
	AUTO_FREE char *text = err_message(e);

	fprintf(stderr, "step: %s\n", text);
	return 125;
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "step: %s: %s\n", what, strerror(errno));
	exit(125);
}

/*
 * What the program that builds does once, and before it opens anything: folders must be
 * of the mount namespace that it is in.
 */
static void enter_namespaces(void)
{
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_PRIV_USERNS struct priv_userns ns = {0};
	AUTO_FREE char *shortfall = NULL;
	AUTO_CLOSE int etc = open("/etc", O_PATH | O_CLOEXEC);
	int r;

	if (!in_user_namespace) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			die("cannot make a mount namespace");
		return;
	}
	if (single_id)
		priv_userns_plan_single(&ns);
	else
		priv_userns_plan(&ns, etc);
	r = priv_userns_enter(&ns, &shortfall, &e);
	if (shortfall)
		fprintf(stderr, "step: one id: %s\n", shortfall);
	if (r < 0)
		exit(fail(&e));
}

static int open_folder(const char *path)
{
	static bool entered;
	int fd;

	if (!entered)
		enter_namespaces();
	entered = true;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

/* The next part of a colon list; the last one is the rest. */
static char *part(char **list)
{
	static char none[1];
	char *p = strsep(list, ":");

	return p ? p : none;
}

/* SOURCE:TARGET[:ro] */
static void add_bind(struct run_spec *spec, char *list)
{
	struct run_mount *m = &mounts[spec->nmounts++];

	m->type = RUN_MOUNT_BIND;
	m->source = open_folder(part(&list));
	m->target = part(&list);
	m->read_only = list && strcmp(list, "ro") == 0;
}

/* TARGET:SIZE:MODE */
static void add_tmpfs(struct run_spec *spec, char *list)
{
	struct run_mount *m = &mounts[spec->nmounts++];

	m->type = RUN_MOUNT_TMPFS;
	m->target = part(&list);
	m->size = strtoull(part(&list), NULL, 10);
	m->mode = (mode_t)strtoul(list ? list : "755", NULL, 8);
}

/* TARGET:MODE:UID:GID:TEXT */
static void add_file(struct run_spec *spec, char *list)
{
	struct run_mount *m = &mounts[spec->nmounts++];

	m->type = RUN_MOUNT_FILE;
	m->target = part(&list);
	m->mode = (mode_t)strtoul(part(&list), NULL, 8);
	m->uid = (uid_t)strtoul(part(&list), NULL, 10);
	m->gid = (gid_t)strtoul(part(&list), NULL, 10);
	m->data = list ? list : "";
	m->len = strlen(m->data);
}

/* NAME:ADDRESS */
static void add_host(struct run_spec *spec, char *list)
{
	struct run_host *h = &hosts[spec->nhosts++];

	h->name = part(&list);
	h->address = list ? list : "";
}

/* NUMBER:SOFT:HARD */
static void add_limit(struct run_spec *spec, char *list)
{
	struct run_limit *l = &limits[spec->nlimits++];

	l->resource = atoi(part(&list));
	l->value.rlim_cur = strtoul(part(&list), NULL, 10);
	l->value.rlim_max = strtoul(part(&list), NULL, 10);
}

static void print_line(void *context, enum run_stream stream, const char *line,
		       size_t len)
{
	if (prefixed)
		printf("%d:%.*s", (int)stream, (int)len, line);
	else
		fwrite(line, 1, len, stream == RUN_STDOUT ? stdout : stderr);
	fflush(stdout);
}

enum option_id {
	OPT_ROOT = 256,
	OPT_LOWER,
	OPT_UPPER,
	OPT_WORK,
	OPT_USER_NAMESPACE,
	OPT_SINGLE_ID,
	OPT_USER,
	OPT_CWD,
	OPT_ENV,
	OPT_NO_NETWORK,
	OPT_NO_FILTER,
	OPT_PROFILE,
	OPT_SYNC,
	OPT_INSECURE,
	OPT_HOSTNAME,
	OPT_HOST,
	OPT_RESOLV_CONF,
	OPT_BIND,
	OPT_TMPFS,
	OPT_FILE,
	OPT_LIMIT,
	OPT_SHM_SIZE,
	OPT_CANCEL,
	OPT_PREFIX,
	OPT_REPEAT,
	OPT_RUNTIME,
	OPT_MEMORY,
	OPT_CGROUP_PARENT,
};

static const struct option options[] = {
	{"root", 1, NULL, OPT_ROOT},
	{"lower", 1, NULL, OPT_LOWER},
	{"upper", 1, NULL, OPT_UPPER},
	{"work", 1, NULL, OPT_WORK},
	{"user-namespace", 0, NULL, OPT_USER_NAMESPACE},
	{"single-id", 0, NULL, OPT_SINGLE_ID},
	{"user", 1, NULL, OPT_USER},
	{"cwd", 1, NULL, OPT_CWD},
	{"env", 1, NULL, OPT_ENV},
	{"no-network", 0, NULL, OPT_NO_NETWORK},
	{"no-filter", 0, NULL, OPT_NO_FILTER},
	{"profile", 1, NULL, OPT_PROFILE},
	{"sync", 0, NULL, OPT_SYNC},
	{"insecure", 0, NULL, OPT_INSECURE},
	{"hostname", 1, NULL, OPT_HOSTNAME},
	{"host", 1, NULL, OPT_HOST},
	{"resolv-conf", 1, NULL, OPT_RESOLV_CONF},
	{"bind", 1, NULL, OPT_BIND},
	{"tmpfs", 1, NULL, OPT_TMPFS},
	{"file", 1, NULL, OPT_FILE},
	{"limit", 1, NULL, OPT_LIMIT},
	{"shm-size", 1, NULL, OPT_SHM_SIZE},
	{"cancel", 1, NULL, OPT_CANCEL},
	{"prefix", 0, NULL, OPT_PREFIX},
	{"repeat", 1, NULL, OPT_REPEAT},
	{"runtime", 1, NULL, OPT_RUNTIME},
	{"memory", 1, NULL, OPT_MEMORY},
	{"cgroup-parent", 1, NULL, OPT_CGROUP_PARENT},
	{NULL, 0, NULL, 0},
};

static void set_option(struct run_spec *spec, int id)
{
	switch ((enum option_id)id) {
	case OPT_ROOT:
		spec->root = open_folder(optarg);
		break;
	case OPT_LOWER:
		lower[overlay.nlower++] = open_folder(optarg);
		break;
	case OPT_UPPER:
		overlay.upper = open_folder(optarg);
		spec->overlay = &overlay;
		break;
	case OPT_WORK:
		overlay.work = open_folder(optarg);
		break;
	case OPT_USER_NAMESPACE:
		in_user_namespace = true;
		break;
	case OPT_SINGLE_ID:
		in_user_namespace = single_id = true;
		break;
	case OPT_USER:
		spec->user = optarg;
		break;
	case OPT_CWD:
		spec->cwd = optarg;
		break;
	case OPT_ENV:
		env[nenv++] = optarg;
		break;
	case OPT_NO_NETWORK:
		spec->network = RUN_NETWORK_NONE;
		break;
	case OPT_NO_FILTER:
		filtered.deny = false;
		break;
	case OPT_PROFILE:
		filtered.profile = optarg;
		break;
	case OPT_SYNC:
		overlay.sync = true;
		break;
	case OPT_INSECURE:
		spec->all_capabilities = true;
		break;
	case OPT_HOSTNAME:
		spec->hostname = optarg;
		break;
	case OPT_HOST:
		add_host(spec, optarg);
		break;
	case OPT_RESOLV_CONF:
		spec->resolv_conf = optarg;
		break;
	case OPT_BIND:
		add_bind(spec, optarg);
		break;
	case OPT_TMPFS:
		add_tmpfs(spec, optarg);
		break;
	case OPT_FILE:
		add_file(spec, optarg);
		break;
	case OPT_LIMIT:
		add_limit(spec, optarg);
		break;
	case OPT_SHM_SIZE:
		spec->shm_size = strtoull(optarg, NULL, 10);
		break;
	case OPT_CANCEL:
		spec->cancel = atoi(optarg);
		break;
	case OPT_PREFIX:
		prefixed = true;
		break;
	case OPT_RUNTIME:
		spec->runtime = optarg;
		break;
	case OPT_MEMORY:
		memory = strtoull(optarg, NULL, 10);
		break;
	case OPT_CGROUP_PARENT:
		cgroup_parent = optarg;
		break;
	case OPT_REPEAT:
		repetitions = atol(optarg);
		break;
	}
}

static int run(const struct run_spec *spec, struct err *e)
{
	struct run_result result = {0};
	int r = 0;

	for (long i = 0; r == 0 && i < repetitions; i++)
		r = run_step(spec, &result, e);
	if (r == -ECANCELED)
		return 124;
	if (r < 0)
		return fail(e);
	if (result.lacked_memory)
		fputs("step: it lacked memory\n", stderr);
	return result.signal ? 128 + result.signal : result.status;
}

/* In a cgroup of its own, once the namespaces are those of the step's folders. */
static int run_in_cgroup(struct run_spec *spec, struct err *e)
{
	struct run_cgroups cgroups = RUN_CGROUPS_INIT;
	int status = run_cgroups_open(&cgroups, cgroup_parent, memory, e);

	spec->cgroups = &cgroups;
	status = status < 0 ? fail(e) : run(spec, e);
	run_cgroups_close(&cgroups);
	return status;
}

int main(int argc, char **argv)
{
	AUTO_RUN_FILTER struct run_filter filter = {0};
	AUTO_ERR struct err e = ERR_INIT;
	struct run_spec spec = RUN_SPEC_INIT;
	int id;

	if (priv_sealed_restart(argv, &e) < 0)
		return fail(&e);
	overlay.lower = lower;
	spec.mounts = mounts;
	spec.hosts = hosts;
	spec.limits = limits;
	spec.output = print_line;
	spec.env = env;
	env[nenv++] = "PATH=/usr/bin:/bin";
	while ((id = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (id == '?')
			return 125;
		set_option(&spec, id);
	}
	spec.argv = (const char *const *)argv + optind;
	overlay.userxattr = priv_overlay_userxattr();
	filtered.deny = filtered.deny && !spec.all_capabilities;
	filtered.sync = overlay.sync;
	filtered.capabilities = spec.capabilities;
	if (run_filter_new(&filter, &filtered, &e) < 0)
		return fail(&e);
	spec.filter = &filter;
	return memory || cgroup_parent ? run_in_cgroup(&spec, &e) : run(&spec, &e);
}
