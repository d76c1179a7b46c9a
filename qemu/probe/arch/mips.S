/* SPDX-License-Identifier: MIT */
/*
 * All three ABIs. The callee may write to the four words at its caller's stack pointer
 * (o32). A failed call leaves a positive errno in $2.
 */
#include "nr.h"

	.set	noreorder
	.globl	_start
	.globl	sys
	.globl	spawn
	.ent	_start
_start:
	move	$4, $sp
	b	probe
#if _MIPS_SIM == _ABIO32
	addiu	$sp, $sp, -16
#else
	nop
#endif
	.end	_start

	.ent	sys
sys:
	move	$2, $7
	syscall
	jr	$31
	nop
	.end	sys

	.ent	spawn
spawn:
	li	$2, NR_clone
	syscall
	beqz	$2, _start
	nop
	jr	$31
	nop
	.end	spawn
