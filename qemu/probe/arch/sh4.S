/* SPDX-License-Identifier: MIT */
/* The instruction after a jump is still executed. */
#include "nr.h"

	.globl	_start
	.globl	sys
	.globl	spawn
_start:
	mov.l	1f, r0
	jmp	@r0
	mov	r15, r4
	.balign	4
1:	.long	probe

sys:
	mov	r7, r3
	trapa	#0x13
	rts
	nop

spawn:
	mov	#NR_clone, r3
	trapa	#0x12
	tst	r0, r0
	bt	_start
	rts
	nop
