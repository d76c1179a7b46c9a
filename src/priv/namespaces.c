/* SPDX-License-Identifier: MIT */
#include "priv/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"

static void wait_for(sem_t *s)
{
	while (sem_wait(s) < 0)
		;
}

static void be_first(struct priv_pidns *ns)
{
	struct pollfd parent = {.fd = ns->alive[0]};

	close(ns->alive[1]);
	/* Had the parent died before the first call, nobody would send the signal. */
	if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) == 0 &&
	    poll(&parent, 1, 0) == 0)
		ns->first(ns->context);
	_exit(127);
}

/*
 * A process cannot go back to its own pid namespace from a new one without rights over
 * the old. So a thread, whose children alone the new one is for, gives birth. It lasts as
 * long as the child: the kernel takes its end for the parent's.
 */
static void *give_birth(void *data)
{
	struct priv_pidns *ns = data;

	/* Safe with any input: it gives no right, and holds for this thread's children.
	 */
	if (unshare(CLONE_NEWPID) < 0 || (ns->pid = fork()) < 0)
		ns->error = -errno;
	if (ns->error == 0 && ns->pid == 0)
		be_first(ns);
	sem_post(&ns->started);
	if (ns->error == 0)
		wait_for(&ns->ended);
	return NULL;
}

int priv_pidns_start(struct priv_pidns *ns, void (*first)(void *), void *context,
		     struct err *e)
{
	int r;

	ns->first = first;
	ns->context = context;
	ns->error = 0;
	if (pipe2(ns->alive, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	sem_init(&ns->started, 0, 0);
	sem_init(&ns->ended, 0, 0);
	r = thread_start(&ns->thread, give_birth, ns);
	if (r == 0) {
		wait_for(&ns->started);
		r = ns->error;
		if (r < 0)
			pthread_join(ns->thread, NULL);
	}
	close(ns->alive[0]);
	if (r < 0) {
		close(ns->alive[1]);
		return err_sys(e, r, "cannot make a pid namespace");
	}
	return 0;
}

int priv_pidns_wait(struct priv_pidns *ns)
{
	int status;

	while (waitpid(ns->pid, &status, 0) < 0)
		if (errno != EINTR) {
			status = W_EXITCODE(127, 0);
			break;
		}
	sem_post(&ns->ended);
	pthread_join(ns->thread, NULL);
	sem_destroy(&ns->started);
	sem_destroy(&ns->ended);
	close(ns->alive[1]);
	return status;
}

static int raise_loopback(struct err *e)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	/* Safe with any input: the network namespace has nothing else. */
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, -errno, "cannot start the loopback interface");
	return 0;
}

static int make_private(struct err *e)
{
	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return err_set(
			e, -errno,
			"cannot make the mounts private: %s (in a container: run it "
			"with --privileged, or --security-opt apparmor=unconfined)",
			strerror(errno));
	return err_sys(e, -errno, "cannot make the mounts private");
}

int priv_namespaces_mounts(struct err *e)
{
	/* Safe with any input: it only parts this process from the mounts of others. */
	if (unshare(CLONE_NEWNS) == 0)
		return make_private(e);
	if (errno == EPERM)
		return err_set(
			e, -EPERM,
			"cannot make a mount namespace: a filter of system calls, or a "
			"security module, does not let root do so");
	return err_sys(e, -errno, "cannot make a mount namespace");
}

int priv_namespaces_enter(const char *hostname, bool own_network, struct err *e)
{
	int flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
	int r;

	/* Safe with any input: all of it is seen by this process and its children. */
	if (unshare(own_network ? flags | CLONE_NEWNET : flags) < 0)
		return err_sys(e, -errno, "cannot make namespaces");
	r = make_private(e);
	if (r < 0)
		return r;
	if (sethostname(hostname, strlen(hostname)) < 0)
		return err_sys(e, -errno, "cannot set the host name %s", hostname);
	return own_network ? raise_loopback(e) : 0;
}
