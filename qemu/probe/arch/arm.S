/* SPDX-License-Identifier: MIT */
/* EABI. Not Thumb, which the oldest processors and some emulated ones lack. */
#include "nr.h"

	.arm
	.globl	_start, sys, spawn
_start:
	mov	r0, sp
	b	probe

sys:
	str	r7, [sp, #-4]!
	mov	r7, r3
	svc	0
	ldr	r7, [sp], #4
	bx	lr

spawn:
	str	r7, [sp, #-4]!
	mov	r7, #NR_clone
	svc	0
	cmp	r0, #0
	beq	_start
	ldr	r7, [sp], #4
	bx	lr
