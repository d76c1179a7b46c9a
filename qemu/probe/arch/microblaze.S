/* SPDX-License-Identifier: MIT */
/*
 * The callee may write to the 28 bytes above its caller's stack pointer. The
 * instruction after a branch whose name ends in d is still executed.
 */
#include "nr.h"

	.globl	_start
	.globl	sys
	.globl	spawn
_start:
	addk	r5, r1, r0
	brid	probe
	addik	r1, r1, -32

sys:
	addk	r12, r8, r0
	brki	r14, 8
	rtsd	r15, 8
	nop

spawn:
	addik	r12, r0, NR_clone
	brki	r14, 8
	beqi	r3, _start
	rtsd	r15, 8
	nop
