/* SPDX-License-Identifier: MIT */
/* Ranges and reasons; namespaces themselves are entered in tests/kernel/run.bats. */
#include "priv/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "tests/tap.h"

static void ranges(const char *text, const char *want, const char *what)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	struct priv_id_map map = {0};

	priv_subids_parse(text, "ann", 1000, &map);
	for (size_t i = 0; i < map.n; i++)
		strbuf_addf(&s, "%u %u %u;", map.v[i].inside, map.v[i].outside,
			    map.v[i].count);
	is_str(s.data, want, what);
	free(map.v);
}

static void test_subids(void)
{
	ranges("ann:100000:65536\n", "1 100000 65536;", "by name");
	ranges("bob:1:2\n1000:5:6", "1 5 6;", "by number, no final newline");
	ranges("ann:10:5\nann:100:7\n", "1 10 5;6 100 7;",
	       "several, one after the other");
	ranges("", "", "none");
	ranges("anna:1:2\nan:1:2\n", "", "the whole name");
	ranges("ann:10\nann:10:5:6\nann:x:5\nann:10:\nann:-1:5\nann: 1:5\n", "",
	       "damaged");
	ranges("ann:10:0\n", "", "an empty range");
	ranges("ann:4294967294:1\n", "1 4294967294 1;", "up to the last id");
	ranges("ann:4294967294:2\nann:4294967295:1\n", "", "but not over it");
	ranges("ann:1:4294967294\nann:7:1\n", "1 1 4294967294;", "nor inside");
	ranges("ann:99999999999999999999:1\n", "", "nor over any number");
}

/* A folder that looks like /proc as far as it is asked. */
static char fake[] = "/tmp/test-userns-XXXXXX";
static int proc;

static void set(const char *file, const char *value)
{
	if (value)
		file_write_at(proc, file, value, strlen(value), 0644, NULL);
	else
		unlinkat(proc, file, 0);
}

static void reason(int error, const char *part, const char *what)
{
	const char *why = priv_userns_refusal(proc, error);

	if (!part)
		is_str(why, NULL, what);
	else if (!ok(why && strstr(why, part), "%s", what))
		printf("# it is: %s\n", why ? why : "(NULL)");
}

static void test_settings(void)
{
	reason(-EPERM, NULL, "nothing explains it");
	reason(-ENOSPC, "too many", "no room: a limit, whichever");
	set("sys/user/max_user_namespaces", "0\n");
	reason(-ENOSPC, "user.max_user_namespaces is 0", "none allowed");
	reason(-EPERM, NULL, "which does not explain this");
	set("sys/user/max_user_namespaces", "100\n");
	reason(-ENOSPC, "too many", "some allowed");
	set("sys/user/max_mnt_namespaces", "0\n");
	reason(-ENOSPC, "user.max_mnt_namespaces is 0", "no mount namespaces");
	set("sys/kernel/unprivileged_userns_clone", "1\n");
	reason(-EPERM, NULL, "Debian's switch is on");
	set("sys/kernel/unprivileged_userns_clone", "0\n");
	reason(-EPERM, "kernel.unprivileged_userns_clone=1", "Debian's switch is off");
	set("sys/kernel/unprivileged_userns_clone", NULL);
	set("sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	reason(-EACCES, "apparmor_restrict_unprivileged_userns=0", "Ubuntu's");
	set("sys/kernel/apparmor_restrict_unprivileged_userns", "0\n");
	reason(-EACCES, NULL, "Ubuntu's is off");
}

static void test_kernel(void)
{
	set("self/status", "Name:\tx\nSeccomp:\t0\n");
	reason(-EPERM, NULL, "no filter");
	reason(-ENOSYS, "CONFIG_USER_NS", "no such call");
	set("self/status", "Name:\tx\nSeccomp:\t2\n");
	reason(-EPERM, "seccomp", "a filter");
	reason(-ENOSYS, "seccomp", "a filter that hides the call");
	reason(-EINVAL, "CONFIG_USER_NS", "a kernel without them");
	set("self/ns/user", "");
	reason(-EINVAL, NULL, "a kernel with them");
}

/* Whoever runs this, alone in a folder without subuid. */
static void test_plan(void)
{
	AUTO_PRIV_USERNS struct priv_userns ns = {0};

	priv_userns_plan(&ns, proc);
	if (ns.ids == PRIV_USERNS_ALL) {
		is_int(geteuid(), 0, "all ids for root only");
		is_int((long)ns.uids.v[0].inside, (long)ns.uids.v[0].outside,
		       "each as itself");
		return;
	}
	is_int(ns.ids, PRIV_USERNS_SINGLE, "one id");
	is_int((long)ns.uids.n, 1, "and no other");
	is_int((long)ns.uids.v[0].outside, (long)geteuid(), "one's own");
}

int main(void)
{
	static const char *const folders[] = {"sys", "sys/user", "sys/kernel", "self",
					      "self/ns"};
	AUTO_FREE char *command = NULL;

	if (!mkdtemp(fake))
		return 1;
	proc = open(fake, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		mkdirat(proc, folders[i], 0755);
	test_subids();
	test_settings();
	test_kernel();
	test_plan();
	command = xasprintf("rm -r %s", fake);
	is_int(system(command), 0, "cleans up");
	return tap_done();
}
