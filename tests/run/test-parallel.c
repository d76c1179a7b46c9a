/* SPDX-License-Identifier: MIT */
/*
 * Many steps at once from threads of one process, as --jobs has it: each gets its own
 * output and status, and the process has as many descriptors and children as before.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "priv/userns.h"
#include "run/step.h"
#include "tests/tap.h"

enum { THREADS = 6, STEPS = 8 };

static struct run_filter filter;
static int root;

struct job {
	pthread_t thread;
	int number;
	unsigned wrong;
};

static void collect(void *context, enum run_stream stream, const char *line, size_t len)
{
	strbuf_add(context, line, len);
}

/* sh prints the number, and exits with it. */
static void one(struct job *job)
{
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *script =
		xasprintf("echo %d; echo $$; exit %d", job->number, job->number);
	AUTO_FREE char *want = xasprintf("%d\n2\n", job->number);
	const char *argv[] = {"/busybox", "sh", "-c", script, NULL};
	struct run_spec spec = RUN_SPEC_INIT;
	struct run_result result = {0};

	spec.argv = argv;
	spec.root = root;
	spec.filter = &filter;
	spec.output = collect;
	spec.context = &out;
	if (run_step(&spec, &result, &e) < 0)
		printf("# %s\n", e.text);
	if (strcmp(out.data, want) != 0 || result.status != job->number)
		job->wrong++;
}

static void *run(void *data)
{
	struct job *job = data;

	for (int i = 0; i < STEPS; i++)
		one(job);
	return NULL;
}

static unsigned count_files(void)
{
	AUTO_CLOSEDIR DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	return n;
}

/* A folder with a static busybox, and every mount point, so that none is made. */
static void make_root(const char *path)
{
	static const char *const files[] = {"etc/hosts", "etc/hostname",
					    "etc/resolv.conf"};
	AUTO_FREE char *command = xasprintf("cd %s && mkdir dev proc sys etc && "
					    "cp \"$(command -v busybox)\" busybox",
					    path);

	if (system(command) != 0)
		exit(1);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (file_write_at(root, files[i], "", 0, 0644, NULL) < 0)
			exit(1);
}

static void enter(void)
{
	AUTO_PRIV_USERNS struct priv_userns ns = {0};
	AUTO_FREE char *shortfall = NULL;

	priv_userns_plan_single(&ns);
	if (priv_userns_enter(&ns, &shortfall, NULL) < 0)
		exit(1);
}

int main(void)
{
	char top[] = "/tmp/test-parallel-XXXXXX";
	const struct run_filter_options options = {.deny = true};
	AUTO_FREE char *command = NULL;
	struct job jobs[THREADS];
	unsigned files, wrong = 0;

	if (system("command -v busybox >/dev/null") != 0) {
		puts("1..0 # SKIP there is no busybox");
		return 0;
	}
	if (!mkdtemp(top))
		return 1;
	enter();
	make_root(top);
	if (run_filter_new(&filter, &options, NULL) < 0)
		return 1;
	files = count_files();
	for (int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){.number = i + 10};
		if (pthread_create(&jobs[i].thread, NULL, run, &jobs[i]) != 0)
			return 1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(jobs[i].thread, NULL);
		wrong += jobs[i].wrong;
	}
	is_int(wrong, 0, "each step has its own output and status");
	is_int(count_files(), files, "no descriptor is left");
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no child is left");
	run_filter_free(&filter);
	command = xasprintf("rm -r %s", top);
	return system(command) == 0 ? tap_done() : 1;
}
