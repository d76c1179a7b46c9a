/* SPDX-License-Identifier: MIT */
/*
 * The program that `binfmtctl --verify` runs through the kernel: it reports on standard
 * output what it saw, in the line that the README describes, and exits with PROBE_STATUS.
 * It is the same for every architecture; what differs is in nr.h and arch/.
 *
 * There is no libc, no writable data and no constant in memory, so that an image is a few
 * hundred bytes and needs no relocation. An operation that some target would look for in
 * libgcc (division, a shift by a variable) must not occur.
 */
#include "nr.h"

#define PROBE_STATUS 42

/* Too many for a compiler to take beforehand. */
#define CHECK_ROUNDS 1000

#define HEX_DIGITS 8

/* A thread's stack has this in place of argc, which is never negative. */
#define THREAD_MARK (-1L)

/* Words of stack on each side of where a thread starts: one architecture's grows upwards.
 */
#define THREAD_STACK 256

/* How often the parent gives the processor away before it takes the thread for lost. */
#define THREAD_PATIENCE 1000000

/* What pthread_create() asks for, less the parts that need thread-local storage. */
#define THREAD_FLAGS                                                                     \
	(0x100L /* CLONE_VM */ | 0x200L /* CLONE_FS */ | 0x400L /* CLONE_FILES */ |      \
	 0x800L /* CLONE_SIGHAND */ | 0x10000L /* CLONE_THREAD */ |                      \
	 0x40000L /* CLONE_SYSVSEM */)

enum thread_result {
	THREAD_RAN = 1,
	THREAD_LOST = 2,
};

#pragma GCC visibility push(hidden)

/* arch/<family>.S: any system call, and clone(), whose child begins at _start. */
long sys(long a, long b, long c, long nr);
long spawn(long flags, volatile long *stack);

/* Called by _start with the address of argc, which the argument pointers follow. */
void probe(volatile long *stack);

#pragma GCC visibility pop

/* Steps of xorshift32 from 1: arithmetic whose every bit matters to the result. */
static unsigned int check(void)
{
	unsigned int x = 1;

	for (int i = 0; i < CHECK_ROUNDS; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
	}
	return x;
}

static __attribute__((noinline)) char *put_hex(char *p, unsigned int value)
{
	for (int i = 0; i < HEX_DIGITS; i++) {
		unsigned int digit = value >> 28;

		*p++ = digit + (digit < 10 ? '0' : 'a' - 10);
		value <<= 4;
	}
	*p++ = ' ';
	return p;
}

/* The thread starts in the middle of the array, aligned as the strictest target wants it.
 */
static __attribute__((noinline)) enum thread_result try_thread(void)
{
	long room[2 * THREAD_STACK];
	volatile long *start = (long *)((unsigned long)(room + THREAD_STACK) & -64UL);

	start[0] = THREAD_MARK;
	start[1] = 0;
	spawn(THREAD_FLAGS, start);
	for (long i = 0; i < THREAD_PATIENCE; i++) {
		if (start[1] == THREAD_RAN)
			return THREAD_RAN;
		sys(0, 0, 0, NR_sched_yield);
	}
	return THREAD_LOST;
}

static __attribute__((noinline)) void report(volatile long *stack)
{
	char line[256];
	char *p = line;

	p = put_hex(p, check());
	p = put_hex(p, stack[0]);
	p = put_hex(p, sys(0, 0, 0, NR_getuid));
	p = put_hex(p, sys(0, 0, 0, NR_geteuid));
	p = put_hex(p, try_thread());
	if (stack[0] > 0) {
		const char *s = (const char *)stack[1];

		while (*s && p < line + sizeof(line) - 1)
			*p++ = *s++;
	}
	*p++ = '\n';
	sys(1, (long)line, p - line, NR_write);
}

void probe(volatile long *stack)
{
	if (stack[0] == THREAD_MARK) {
		stack[1] = THREAD_RAN;
		for (;;)
			sys(0, 0, 0, NR_exit);
	}
	report(stack);
	for (;;)
		sys(PROBE_STATUS, 0, 0, NR_exit_group);
}
