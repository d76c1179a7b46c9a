/* SPDX-License-Identifier: MIT */
/*
 * CRIS v32: the instruction after a jump or branch is still executed. clone() takes
 * the stack first.
 */
#include "nr.h"

	.globl	_start, sys, spawn
_start:
	ba	probe
	move.d	$sp, $r10

sys:
	move.d	$r13, $r9
	break	13
	ret
	nop

spawn:
	move.d	$r10, $r9
	move.d	$r11, $r10
	move.d	$r9, $r11
	move.d	NR_clone, $r9
	break	13
	cmpq	0, $r10
	beq	_start
	nop
	ret
	nop
