/* SPDX-License-Identifier: MIT */
/* Mount points in roots: where they are made, and that nothing remains of them. */
#include "run/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/tap.h"

static char top[] = "/tmp/test-place-XXXXXX";
static int root = -1;

static const struct timespec old[2] = {{1000, 5}, {2000, 6}};

static void begin(void)
{
	AUTO_FREE char *folder = xasprintf("%s/root", top);

	if (system("rm -rf \"$TEST_TOP\"/* && mkdir -p \"$TEST_TOP/root/etc\"") != 0)
		abort();
	clean_close(&root);
	root = open(folder, O_PATH);
}

static void put_link(int dir, const char *target, const char *path)
{
	(void)unlinkat(dir, path, 0); /* may not be there */
	if (symlinkat(target, dir, path) < 0)
		abort();
}

static bool is_there(const char *path)
{
	return faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make(const char *path, enum run_place_kind kind, struct run_places *places)
{
	int fd = run_place_make(root, path, kind, places, NULL);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void set_time(const char *path)
{
	if (utimensat(root, path, old, 0) < 0)
		abort();
}

static bool has_time(const char *path)
{
	struct stat st;

	return fstatat(root, path, &st, 0) == 0 && st.st_mtim.tv_sec == old[1].tv_sec &&
	       st.st_mtim.tv_nsec == old[1].tv_nsec;
}

static void test_make_and_remove(void)
{
	AUTO_RUN_PLACES struct run_places places = {.base = -1};

	begin();
	places.base = root;
	set_time("etc");
	set_time(".");
	is_int(make("/etc/hosts", RUN_PLACE_FILE, &places), 0, "a file");
	is_int(make("/etc/hostname", RUN_PLACE_FILE, &places), 0, "another");
	is_int(make("/a/b/c", RUN_PLACE_FOLDER, &places), 0, "folders");
	is_int(make("/a/b/d/e", RUN_PLACE_FILE, &places), 0, "a file in one of them");
	ok(is_there("etc/hosts") && is_there("a/b/c") && is_there("a/b/d/e"),
	   "are there");
	run_places_settle(&places);
	run_places_remove(&places);
	ok(!is_there("etc/hosts") && !is_there("etc/hostname") && !is_there("a"),
	   "are not there afterwards");
	ok(has_time("etc") && has_time("."), "the folders have their times back");
}

static void test_what_the_step_did(void)
{
	AUTO_RUN_PLACES struct run_places places = {.base = -1};

	begin();
	places.base = root;
	set_time("etc");
	make("/etc/hosts", RUN_PLACE_FILE, &places);
	make("/a/b", RUN_PLACE_FOLDER, &places);
	run_places_settle(&places);
	file_write_at(root, "etc/mine", "x", 1, 0644, NULL);
	file_write_at(root, "a/mine", "x", 1, 0644, NULL);
	run_places_remove(&places);
	ok(is_there("etc/mine") && is_there("a/mine"), "files of a step stay");
	ok(!is_there("etc/hosts") && !is_there("a/b"), "what was made does not");
	ok(!has_time("etc"), "and the time of a folder is the step's");
}

static void test_links(void)
{
	begin();
	put_link(root, "../../../out", "etc/up");
	is_int(make("/etc/up/x", RUN_PLACE_FILE, NULL), 0, "a link up");
	ok(is_there("out/x"), "stays inside");
	put_link(root, "/run/there", "etc/dangling");
	is_int(make("/etc/dangling", RUN_PLACE_FILE, NULL), 0, "a link to nothing");
	ok(is_there("run/there"), "is made where it leads");
	put_link(root, "self", "self");
	is_int(make("/self/x", RUN_PLACE_FILE, NULL), -ELOOP, "a loop");
	is_int(make("/new/../x", RUN_PLACE_FILE, NULL), -ENOENT,
	       ".. of what is not there");
	is_int(make("/etc/../../../y/./z//", RUN_PLACE_FOLDER, NULL), 0, "dots, slashes");
	ok(is_there("y/z"), "are where they should be");
	file_write_at(root, "file", "x", 1, 0644, NULL);
	is_int(make("/file/x", RUN_PLACE_FILE, NULL), -ENOTDIR, "below a file");
}

/* A step that puts a link where a folder was. */
static void test_removal_follows_no_link(void)
{
	AUTO_RUN_PLACES struct run_places places = {.base = -1};

	begin();
	places.base = root;
	make("/a/b/c", RUN_PLACE_FILE, &places);
	run_places_settle(&places);
	mkdirat(root, "other", 0755);
	mkdirat(root, "other/b", 0755);
	file_write_at(root, "other/b/c", "x", 1, 0644, NULL);
	renameat(root, "a", root, "moved");
	put_link(root, "other", "a");
	run_places_remove(&places);
	ok(is_there("other/b/c"), "what a new link leads to stays");
}

static void test_umask(void)
{
	mode_t mask = umask(077);
	struct stat st = {0};

	begin();
	make("/run/secrets/x", RUN_PLACE_FILE, NULL);
	(void)umask(mask);
	fstatat(root, "run/secrets", &st, 0);
	is_int(st.st_mode & 07777, 0755, "the umask has no say");
}

int main(void)
{
	if (!mkdtemp(top) || setenv("TEST_TOP", top, 1) < 0)
		abort();
	test_make_and_remove();
	test_what_the_step_did();
	test_links();
	test_removal_follows_no_link();
	test_umask();
	return system("rm -rf \"$TEST_TOP\"") == 0 ? tap_done() : 1;
}
