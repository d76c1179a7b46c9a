/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/tap.h"

int main(void)
{
	char folder[] = "/tmp/test-file-XXXXXX";
	AUTO_FREE char *data = NULL;
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_CLOSE int dir = -1;
	struct stat st;
	size_t len;

	if (!mkdtemp(folder))
		return 1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	is_int(file_write_at(dir, "a", "one\0two", 7, 0640, &e), 0, "writes");
	is_int(file_read_at(dir, "a", 7, &data, &len, &e), 0, "reads up to the limit");
	ok(len == 7 && memcmp(data, "one\0two", 8) == 0, "reads what was written");
	ok(fstatat(dir, "a", &st, 0) == 0 && (st.st_mode & 07777) == 0640,
	   "has its mode");
	umask(027);
	ok(file_write_at(dir, "a", "one\0two", 7, 0644, &e) == 0 &&
		   fstatat(dir, "a", &st, 0) == 0 && (st.st_mode & 07777) == 0644,
	   "has it whatever the umask");
	ok(file_write_at(dir, "a", "one\0two", 7, FILE_MODE_UMASK, &e) == 0 &&
		   fstatat(dir, "a", &st, 0) == 0 && (st.st_mode & 07777) == 0640,
	   "has the one that the umask leaves");
	is_int(file_read_at(dir, "a", 6, &data, &len, &e), -EFBIG,
	       "refuses a larger one");
	is_int(file_read_at(dir, "b", 6, &data, &len, &e), -ENOENT,
	       "says what is missing");
	is_str(e.text, "cannot open b: No such file or directory", "in words");
	ok(mkfifoat(dir, "fifo", 0600) == 0, "a FIFO");
	is_int(file_read_at(dir, "fifo", 6, &data, &len, &e), -EINVAL,
	       "does not wait at a FIFO");
	is_int(file_write_at(dir, "a", "", 0, 0600, &e), 0, "replaces");
	free(TAKE_PTR(data));
	is_int(file_read_at(dir, "a", 0, &data, &len, &e), 0, "reads an empty file");
	is_str(data, "", "as an empty string");
	free(TAKE_PTR(data));
	is_int(file_read_at(AT_FDCWD, "/proc/self/status", 65536, &data, &len, &e), 0,
	       "reads a file whose size the kernel does not tell");
	ok(len > 0 && strstr(data, "Pid:"), "whole");
	is_int(file_write_at(dir, "none/a", "", 0, 0600, &e), -ENOENT,
	       "a missing folder is an error");
	ok(unlinkat(dir, "a", 0) == 0 && unlinkat(dir, "fifo", 0) == 0 &&
		   rmdir(folder) == 0,
	   "leaves nothing else behind");
	return tap_done();
}
