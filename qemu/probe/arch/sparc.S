/* SPDX-License-Identifier: MIT */
/*
 * 32 and 64 bits. %sp points, in 64 bits less 2047, to the place where the kernel spills
 * 16 registers; argc follows. The instruction after a jump or branch is still executed. A
 * failed call leaves a positive errno in %o0; %o1 tells the child.
 */
#include "nr.h"

#if defined(__arch64__)
#define SAVE_AREA (2047 + 16 * 8)
#define TRAP 0x6d
#else
#define SAVE_AREA (16 * 4)
#define TRAP 0x10
#endif
	.globl	_start
	.globl	sys
	.globl	spawn
_start:
	add	%sp, SAVE_AREA, %o0
	ba	probe
	sub	%sp, 64, %sp

sys:
	mov	%o3, %g1
	ta	TRAP
	retl
	nop

spawn:
	sub	%o1, SAVE_AREA, %o1
	mov	NR_clone, %g1
	ta	TRAP
	cmp	%o1, 1
	be	_start
	nop
	retl
	nop
