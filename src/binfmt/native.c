/* SPDX-License-Identifier: MIT */
#include "binfmt/native.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
	uint8_t bytes[PROBE_MAX];
	size_t size;
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
	p.size = ehsize + phsize + sizeof missing_loader;
	return p;
}

/* Where a file can be made that may be run: in memory, else in one of these folders. */
static const char *const places[] = {NULL, "/tmp", "/run", "/var/tmp"};

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

/* Returns the errno with which the kernel refuses to run the probe. */
static int try_at(const struct probe *p, const char *place)
{
	AUTO_CLOSE int writer = create(place);
	AUTO_CLOSE int reader = -1;
	char *const no_words[] = {NULL};
	char name[32];

	if (writer < 0)
		return EACCES;
	if (write(writer, p->bytes, p->size) != (ssize_t)p->size)
		return EACCES;
	/* A file that is open for writing cannot be run. */
	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", writer); /* fits */
	reader = open(name, O_RDONLY | O_CLOEXEC);
	if (reader < 0)
		return EACCES;
	close(TAKE_FD(writer));
	(void)syscall(SYS_execveat, reader, "", no_words, no_words, AT_EMPTY_PATH);
	return errno;
}

static bool runs_natively(const struct binfmt_magic *m)
{
	struct probe p = build_probe(m);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int refusal = try_at(&p, places[i]);

		if (refusal != EACCES && refusal != EPERM)
			return refusal == ENOTDIR;
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
		    binfmt_entry_matches(&entries->v[i], p.bytes, p.size))
			return true;
	return false;
}

/* Written by the child, read by the parent. */
struct answers {
	size_t n;
	bool native[];
};

/* The child: one answer per architecture from the first on. An exec that works ends it.
 */
static void answer(const struct binfmt_archs *archs, const struct binfmt_entries *entries,
		   size_t first, struct answers *answers)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a help, not a need */
	for (size_t i = first; i < archs->n; i++) {
		const struct binfmt_magic *m = &archs->v[i].magics[0];

		answers->native[answers->n] =
			!taken_by_entry(m, entries) && runs_natively(m);
		answers->n++;
	}
	_exit(0);
}

/* Waits until the child has ended, or has become another program: both close its end. */
static void wait_closed(int fd)
{
	char c;

	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
}

/* Asks from architecture `first` on. */
static int ask(const struct binfmt_archs *archs, const struct binfmt_entries *entries,
	       size_t first, struct answers *answers)
{
	int ends[2];
	pid_t pid;
	int r = 0;

	answers->n = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		r = -errno;
	if (pid == 0)
		answer(archs, entries, first, answers);
	close(ends[1]);
	if (pid > 0) {
		wait_closed(ends[0]);
		(void)kill(pid, SIGKILL); /* it has ended, or is something that must */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	return r;
}

static int ask_all(const struct binfmt_archs *archs, const struct binfmt_entries *entries,
		   struct answers *answers, bool *native)
{
	for (size_t done = 0; done < archs->n;) {
		int r = ask(archs, entries, done, answers);

		if (r < 0)
			return r;
		memcpy(native + done, answers->native, answers->n * sizeof *native);
		done += answers->n;
		if (done < archs->n) /* something ran: not by the kernel itself */
			native[done++] = false;
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
	size_t size = sizeof(struct answers) + archs->n * sizeof(bool);
	uint8_t own[BINFMT_ELF_HEADER_MAX];
	struct answers *answers;
	int r = binfmt_elf_read_own(NULL, own, e);

	if (r < 0)
		return r;
	answers = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (answers == MAP_FAILED)
		return err_sys(e, -errno, "cannot share memory with a child");
	r = ask_all(archs, entries, answers, native);
	(void)munmap(answers, size); /* it was mapped just now */
	if (r < 0)
		return err_sys(e, r, "cannot ask the kernel what it runs");
	for (size_t i = 0; i < archs->n; i++)
		if (is_own(&archs->v[i].magics[0], own))
			native[i] = true;
	return 0;
}
