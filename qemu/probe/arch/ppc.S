/* SPDX-License-Identifier: MIT */
/*
 * 32 and 64 bits, both 64-bit ABIs. The callee saves registers above its caller's
 * stack pointer, so that _start makes a frame. A failed call leaves a positive errno
 * in r3.
 */
#include "nr.h"

#if defined(__powerpc64__) && _CALL_ELF != 2
	/* In ELFv1 a program's entry is the address of a function descriptor. */
	.section .opd, "aw"
	.globl	_start
_start:
	.quad	.L_start, .TOC.@tocbase, 0
	.text
#define ENTRY .L_start
#else
	.globl	_start
#define ENTRY _start
#endif
	.globl	sys
	.globl	spawn
ENTRY:
	mr	3, 1
	addi	1, 1, -128
	b	probe

sys:
	mr	0, 6
	sc
	blr

spawn:
	li	0, NR_clone
	sc
	cmpwi	3, 0
	beq	ENTRY
	blr
