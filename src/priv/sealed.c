/* SPDX-License-Identifier: MIT */
#include "priv/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

enum {
	MAB_MFD_CLOEXEC = 1,
	MAB_MFD_ALLOW_SEALING = 2,
	MAB_MFD_EXEC = 16, /* Linux 6.3 warns where it is missing */
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

static int make_file(void)
{
	unsigned flags = MAB_MFD_CLOEXEC | MAB_MFD_ALLOW_SEALING;
	long fd = syscall(SYS_memfd_create, "sealed", flags | MAB_MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_memfd_create, "sealed", flags);
	return (int)fd;
}

static int copy(int from, int to)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return -errno;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		left -= n;
	}
	return fcntl(to, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int priv_sealed_restart(char **argv, struct err *e)
{
	AUTO_CLOSE int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int file = -1;
	int seals = exe < 0 ? -1 : fcntl(exe, F_GET_SEALS), r;

	if (seals >= 0 && (seals & F_SEAL_WRITE)) {
		/* The kernel has named the process after the descriptor. */
		(void)prctl(PR_SET_NAME, base_name(argv[0]));
		return 0;
	}
	file = exe < 0 ? -1 : make_file();
	r = file < 0 ? -errno : copy(exe, file);
	if (r == 0) {
		/* Safe with any input: what runs is a copy of what runs. */
		(void)syscall(SYS_execveat, file, "", argv, environ, AT_EMPTY_PATH);
		r = -errno;
	}
	return err_sys(e, r, "cannot run from a copy in memory");
}
