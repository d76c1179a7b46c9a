/* SPDX-License-Identifier: MIT */
/*
 * Every name is resolved twice, by openat2(2) and, once a seccomp filter has taken that
 * away, by the walk; both must answer the same.
 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/tap.h"

static bool without_openat2(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0L, 0L) == 0;
}

static const struct {
	const char *path;
	int beneath, in_root; /* inode's letter, or a negative errno */
} names[] = {
	{"d/f", 'f', 'f'},
	{"d//./f", 'f', 'f'},
	{"", 't', 't'},
	{".", 't', 't'},
	{"d/", 'd', 'd'},
	{"/d/f", -EXDEV, 'f'},
	{"d/../d/f", -EXDEV, 'f'},
	{"..", -EXDEV, 't'},
	{"../../d/f", -EXDEV, 'f'},
	{"none", -ENOENT, -ENOENT},
	{"none/f", -ENOENT, -ENOENT},
	{"d/f/x", -ENOTDIR, -ENOTDIR},
	{"to-d/f", -ELOOP, 'f'},
	{"to-f", -ELOOP, 'f'},
	{"to-f/x", -ELOOP, -ENOTDIR},
	{"absolute/f", -ELOOP, 'f'},
	{"absolute", -ELOOP, 'd'},
	{"out", -ELOOP, 't'},
	{"out/d/f", -ELOOP, 'f'},
	{"chain/f", -ELOOP, 'f'},
	{"loop", -ELOOP, -ELOOP},
	{"loop/f", -ELOOP, -ELOOP},
	{"dangling", -ELOOP, -ENOENT},
};

/* The letter of what an fd is open on, by comparing with the files. */
static int letter(int top, int fd)
{
	static const char *const paths[] = {".", "d", "d/f"};
	struct stat st, other;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return 0;
	close(fd);
	for (size_t i = 0; i < 3; i++)
		if (fstatat(top, paths[i], &other, 0) == 0 && other.st_ino == st.st_ino)
			return "tdf"[i];
	return '?';
}

static void check_names(int top, const char *how)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *path = names[i].path;
		int beneath =
			letter(top, path_open(top, path, PATH_BENEATH, O_RDONLY, 0));
		int in_root =
			letter(top, path_open(top, path, PATH_IN_ROOT, O_RDONLY, 0));

		ok(beneath == names[i].beneath, "%s: '%s' beneath: %d", how, path,
		   beneath);
		ok(in_root == names[i].in_root, "%s: '%s' in root: %d", how, path,
		   in_root);
	}
}

static void check_new(int top, const char *how)
{
	const char *name;
	int fd = path_open(top, "dangling", PATH_IN_ROOT, O_WRONLY | O_CREAT, 0600);

	ok(fd >= 0 && faccessat(top, "new", F_OK, 0) == 0,
	   "%s: creates what a link in the root leads to", how);
	close(fd);
	unlinkat(top, "new", 0);
	fd = path_open(top, "dangling", PATH_IN_ROOT, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ok(fd == -EEXIST, "%s: O_EXCL follows no link", how);
	fd = path_open_parent(top, "to-d/new", PATH_IN_ROOT, &name);
	ok(fd >= 0 && strcmp(name, "new") == 0 && letter(top, fd) == 'd',
	   "%s: the parent of a name", how);
	ok(path_open_parent(top, "d/..", PATH_IN_ROOT, &name) == -EINVAL,
	   "%s: no parent of `..`", how);
	fd = path_open_parent(top, "/x", PATH_BENEATH, &name);
	ok(fd == -EXDEV, "%s: beneath, no absolute parent", how);
}

static void make_link(const char *target, int dirfd, const char *name)
{
	if (symlinkat(target, dirfd, name) < 0)
		abort();
}

/* A chain of folders that is longer than any path or limit of open files. */
static void make_deep(int top, unsigned depth)
{
	int here = dup(top);

	for (unsigned i = 0; i < depth; i++) {
		int next;

		mkdirat(here, "x", 0700);
		make_link("/", here, "link");
		next = openat(here, "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(here);
		here = next;
	}
	close(here);
}

int main(void)
{
	char folder[] = "/tmp/test-path-XXXXXX";
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_CLOSE int top = -1;

	if (!mkdtemp(folder))
		return 1;
	top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_int(path_make_folders(top, "d/deep/er", 0700, &e), 0, "makes folders");
	is_int(path_make_folders(top, "d/deep", 0700, &e), 0, "those are there");
	close(openat(top, "d/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	is_int(path_make_folders(top, "d/f/g", 0700, &e), -ENOTDIR, "not below a file");
	make_link("d", top, "to-d");
	make_link("d/f", top, "to-f");
	make_link("/d", top, "absolute");
	make_link("../../..", top, "out");
	make_link("absolute/../to-d/.", top, "chain");
	make_link("loop", top, "loop");
	make_link("new", top, "dangling");

	check_names(top, "openat2");
	check_new(top, "openat2");
	ok(without_openat2(), "openat2 is taken away");
	check_names(top, "walk");
	check_new(top, "walk");

	make_deep(top, 3000);
	is_int(path_remove(top, "none", &e), 0, "nothing to remove is no error");
	is_int(path_remove(top, "out", &e), 0, "removes a link, not where it leads to");
	is_int(path_remove(AT_FDCWD, folder, &e), 0, "removes a deep tree");
	ok(access(folder, F_OK) < 0 && errno == ENOENT, "wholly");
	return tap_done();
}
