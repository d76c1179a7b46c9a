/* SPDX-License-Identifier: MIT */
/* The instruction after a jump or branch is still executed. */
#include "nr.h"

	.globl	_start
	.globl	sys
	.globl	spawn
_start:
	l.j	probe
	l.ori	r3, r1, 0

sys:
	l.ori	r11, r6, 0
	l.sys	1
	l.jr	r9
	l.nop

spawn:
	l.addi	r11, r0, NR_clone
	l.sys	1
	l.sfeqi	r11, 0
	l.bf	_start
	l.nop
	l.jr	r9
	l.nop
