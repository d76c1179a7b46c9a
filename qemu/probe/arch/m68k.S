/* SPDX-License-Identifier: MIT */
#include "nr.h"

	.globl	_start, sys, spawn
_start:
	move.l	%sp, %a0
	move.l	%a0, -(%sp)
	bsr	probe

sys:
	movem.l	%d2-%d3, -(%sp)
	movem.l	12(%sp), %d1-%d3
	move.l	24(%sp), %d0
	trap	#0
	movem.l	(%sp)+, %d2-%d3
	rts

spawn:
	move.l	%d2, -(%sp)
	movem.l	8(%sp), %d1-%d2
	moveq	#NR_clone, %d0
	trap	#0
	tst.l	%d0
	beq	_start
	move.l	(%sp)+, %d2
	rts
