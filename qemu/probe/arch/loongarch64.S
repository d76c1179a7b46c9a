/* SPDX-License-Identifier: MIT */
#include "nr.h"

	.globl	_start
	.globl	sys
	.globl	spawn
_start:
	move	$a0, $sp
	b	probe

sys:
	move	$a7, $a3
	syscall	0
	jr	$ra

spawn:
	li.w	$a7, NR_clone
	syscall	0
	beqz	$a0, _start
	jr	$ra
