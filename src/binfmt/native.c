/* SPDX-License-Identifier: MIT */
#include "binfmt/native.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "binfmt/elf.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

/*
 * Looking for it ends with ENOTDIR. ENOENT would be ambiguous: a handler that cannot be
 * used, also one in a table that is not seen from here, ends with that.
 */
static const char missing_loader[] = "/proc/self/status/no-such-loader";

enum {
	PROBE_MAX = 256,
	/* Words in EI_PAD and EI_OSABI that no handler's mask lets pass, but that the
	 * kernel's own ELF loader does not look at. */
	ODD_BYTE = 0xbf,
};

struct probe {
	uint8_t bytes[PROBE_MAX]; /* zeros after what it needs */
};

/* Stores a number in the architecture's byte order. */
static void put(const struct binfmt_magic *m, uint8_t *p, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(value >> 8 * (m->big_endian ? n - 1 - i : i));
}

#define PUT(m, base, type, field, value)                                                 \
	do {                                                                             \
		if ((m)->bits == 64)                                                     \
			put((m), (base) + offsetof(Elf64_##type, field), (value),        \
			    sizeof(((Elf64_##type *)0)->field));                         \
		else                                                                     \
			put((m), (base) + offsetof(Elf32_##type, field), (value),        \
			    sizeof(((Elf32_##type *)0)->field));                         \
	} while (0)

static struct probe build_probe(const struct binfmt_magic *m)
{
	struct probe p = {0};
	bool wide = m->bits == 64;
	size_t ehsize = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	size_t phsize = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint8_t *h = p.bytes, *ph = h + ehsize;
	/* Kernels refuse 32-bit Arm programs without an EABI version. */
	uint32_t flags = m->flags | (m->machine == EM_ARM ? EF_ARM_EABI_VER5 : 0);

	memcpy(h, ELFMAG, SELFMAG);
	h[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	h[EI_DATA] = m->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	h[EI_VERSION] = EV_CURRENT;
	h[EI_OSABI] = ODD_BYTE;
	memset(h + EI_PAD, ODD_BYTE, EI_NIDENT - EI_PAD);
	PUT(m, h, Ehdr, e_type, ET_EXEC);
	PUT(m, h, Ehdr, e_machine, m->machine);
	PUT(m, h, Ehdr, e_version, EV_CURRENT);
	PUT(m, h, Ehdr, e_phoff, ehsize);
	PUT(m, h, Ehdr, e_flags, flags);
	PUT(m, h, Ehdr, e_ehsize, ehsize);
	PUT(m, h, Ehdr, e_phentsize, phsize);
	PUT(m, h, Ehdr, e_phnum, 1);
	PUT(m, ph, Phdr, p_type, PT_INTERP);
	PUT(m, ph, Phdr, p_offset, ehsize + phsize);
	PUT(m, ph, Phdr, p_filesz, sizeof missing_loader);
	memcpy(ph + phsize, missing_loader, sizeof missing_loader);
	return p;
}

/* Where a file can be made that may be run: in memory, else in one of these folders. */
static const char *const places[] = {NULL, "/tmp", "/run", "/var/tmp"};

/* The file that is run, with one probe after the other in it. */
struct stage {
	size_t place;
	int fd; /* for reading: a file that is open for writing cannot be run */
};

static int create(const char *place)
{
	int fd;

	if (place)
		return open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0700);
	fd = memfd_create("binfmtctl-probe", MFD_CLOEXEC | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("binfmtctl-probe", MFD_CLOEXEC);
	return fd;
}

static int reopen(int fd, int flags)
{
	char name[32];

	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd); /* fits */
	return open(name, flags | O_CLOEXEC);
}

/* Returns the errno with which the kernel refuses to run the probe. */
static int try_at(const struct probe *p, struct stage *stage)
{
	AUTO_CLOSE int writer = -1;
	/* Linux warns of a program that gets no word at all. */
	char *const words[] = {(char[]){""}, NULL};

	if (stage->fd < 0) {
		writer = create(places[stage->place]);
		stage->fd = reopen(writer, O_RDONLY);
	} else {
		writer = reopen(stage->fd, O_WRONLY);
	}
	if (stage->fd < 0 || pwrite(writer, p, sizeof *p, 0) != sizeof *p)
		return EACCES;
	close(TAKE_FD(writer));
	(void)syscall(SYS_execveat, stage->fd, "", words, words + 1, AT_EMPTY_PATH);
	return errno;
}

static bool runs_natively(const struct binfmt_magic *m, struct stage *stage)
{
	bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	struct probe p = build_probe(m);

	/* The kernel reads headers in its own byte order: no need to ask. */
	if (m->big_endian != big_endian)
		return false;
	for (; stage->place < ARRAY_SIZE(places); stage->place++) {
		int refusal = try_at(&p, stage);

		if (refusal != EACCES && refusal != EPERM)
			return refusal == ENOTDIR;
		clean_close(&stage->fd);
		stage->fd = -1;
	}
	return false;
}

static bool taken_by_entry(const struct binfmt_magic *m,
			   const struct binfmt_entries *entries)
{
	struct probe p = build_probe(m);

	if (!entries)
		return false;
	for (size_t i = 0; i < entries->n; i++)
		if (entries->v[i].enabled &&
		    binfmt_entry_matches(&entries->v[i], p.bytes, sizeof p.bytes))
			return true;
	return false;
}

/*
 * Machines that one kernel may run, besides those that share a number. To ask only about
 * these is not only less to ask: for each file that nothing takes the kernel starts a
 * modprobe, and waits for it.
 */
static const unsigned kin[][3] = {
	{EM_386, EM_X86_64, 6 /* EM_486 */},
	{EM_ARM, EM_AARCH64},
	{EM_PPC, EM_PPC64},
	{EM_SPARC, EM_SPARC32PLUS, EM_SPARCV9},
};

static bool are_kin(unsigned a, unsigned b)
{
	for (size_t i = 0; i < ARRAY_SIZE(kin); i++) {
		bool has_a = false, has_b = false;

		for (size_t k = 0; k < ARRAY_SIZE(kin[i]); k++) {
			has_a = has_a || kin[i][k] == a;
			has_b = has_b || kin[i][k] == b;
		}
		if (has_a && has_b)
			return true;
	}
	return a == b;
}

struct question {
	unsigned own_machine;
	const struct binfmt_archs *archs;
	const struct binfmt_entries *entries;
	bool *native;
	size_t done;
};

/* The child: answers what is not done yet. An exec that works ends it. */
static int answer(void *argument)
{
	struct question *q = argument;
	struct stage stage = {.fd = -1};

	for (; q->done < q->archs->n; q->done++) {
		const struct binfmt_magic *m = &q->archs->v[q->done].magics[0];

		q->native[q->done] = are_kin(m->machine, q->own_machine) &&
				     !taken_by_entry(m, q->entries) &&
				     runs_natively(m, &stage);
	}
	return 0; /* which ends the child */
}

/*
 * The child works in this process's memory, on a stack of its own, while this process
 * waits until it has ended or has become another program: no memory is copied.
 */
static int ask(struct question *q)
{
	enum { STACK_SIZE = 64 * 1024 };
	AUTO_FREE char *stack = xcalloc(STACK_SIZE, 1);
	pid_t pid =
		clone(answer, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, q);

	if (pid < 0)
		return -errno;
	(void)kill(pid, SIGKILL); /* it has ended, or is something that must */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int ask_all(struct question *q)
{
	while (q->done < q->archs->n) {
		int r = ask(q);

		if (r < 0)
			return r;
		if (q->done < q->archs->n) /* something ran: not by the kernel itself */
			q->native[q->done++] = false;
	}
	return 0;
}

static bool is_own(const struct binfmt_magic *m, const uint8_t *own)
{
	for (size_t i = 0; i < m->size; i++)
		if ((m->magic[i] ^ own[i]) & m->mask[i])
			return false;
	return true;
}

int binfmt_native_probe(const struct binfmt_archs *archs,
			const struct binfmt_entries *entries, bool *native, struct err *e)
{
	struct question q = {.archs = archs, .entries = entries, .native = native};
	uint8_t own[BINFMT_ELF_HEADER_MAX];
	Elf32_Half machine; /* at the same place in all headers */
	int r = binfmt_elf_read_own(NULL, own, e);

	if (r < 0)
		return r;
	memcpy(&machine, own + offsetof(Elf32_Ehdr, e_machine), sizeof machine);
	q.own_machine = machine;
	r = ask_all(&q);
	if (r < 0)
		return err_sys(e, r, "cannot ask the kernel what it runs");
	for (size_t i = 0; i < archs->n; i++)
		if (is_own(&archs->v[i].magics[0], own))
			native[i] = true;
	return 0;
}
