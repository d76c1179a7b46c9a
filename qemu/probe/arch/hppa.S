/* SPDX-License-Identifier: MIT */
/*
 * The stack grows upwards: a program starts with argc below its argument pointers
 * (r24), and the stack pointer past both. The instruction after a branch is still
 * executed.
 */
#include "nr.h"

	.level	1.1
	.text
	.globl	_start
	.globl	sys
	.globl	spawn
_start:
	b	probe
	ldo	-4(%r24), %r26

sys:
	ble	0x100(%sr2, %r0)
	copy	%r23, %r20
	bv,n	%r0(%rp)

spawn:
	ble	0x100(%sr2, %r0)
	ldi	NR_clone, %r20
	comib,=,n 0, %r28, 1f
	bv,n	%r0(%rp)
1:	copy	%r30, %r26
	b	probe
	ldo	64(%r30), %r30
