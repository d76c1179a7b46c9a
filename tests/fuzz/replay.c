/* SPDX-License-Identifier: MIT */

/*
 * Feeds files to a fuzz target without libFuzzer: those named on the command line, or
 * the target's corpus, tests/fuzz/corpus/NAME for the program fuzz-NAME.
 */

#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strv.h"
#include "tests/fuzz/fuzz.h"
#include "tests/tap.h"

enum { FILE_MAX = 2 << 20 };

static void replay(const char *path)
{
	AUTO_FREE char *data = NULL;
	AUTO_FREE uint8_t *exact = NULL;
	size_t len;

	if (file_read_at(AT_FDCWD, path, FILE_MAX, &data, &len, NULL) < 0) {
		ok(false, "%s can be read", path);
		return;
	}
	/* Without a byte behind the end, so that reading on is noticed. */
	exact = xcalloc(len ? len : 1, 1);
	memcpy(exact, data, len);
	ok(LLVMFuzzerTestOneInput(exact, len) == 0, "%s", path);
}

static void list_corpus(const char *program, struct strv *paths)
{
	const char *root = getenv("top_srcdir");
	const char *name = strrchr(program, '/');
	AUTO_FREE char *folder = NULL;
	AUTO_CLOSEDIR DIR *dir = NULL;
	struct dirent *de;

	name = name ? name + 1 : program;
	name += strncmp(name, "fuzz-", 5) == 0 ? 5 : 0;
	folder = xasprintf("%s/tests/fuzz/corpus/%s", root ? root : ".", name);
	dir = opendir(folder);
	while (dir && (de = readdir(dir)))
		if (de->d_name[0] != '.')
			strv_addf(paths, "%s/%s", folder, de->d_name);
	strv_sort(paths);
	ok(paths->n > 0, "there are files in %s", folder);
}

int main(int argc, char **argv)
{
	AUTO_STRV struct strv paths = STRV_INIT;

	for (int k = 1; k < argc; k++)
		strv_add(&paths, argv[k]);
	if (argc == 1)
		list_corpus(argv[0], &paths);
	for (size_t k = 0; k < paths.n; k++)
		replay(paths.v[k]);
	return tap_done();
}
