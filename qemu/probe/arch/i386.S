/* SPDX-License-Identifier: MIT */
#include "nr.h"

	.globl	_start, sys, spawn
_start:
	push	%esp
	call	probe

sys:
	push	%ebx
	mov	8(%esp), %ebx
	mov	12(%esp), %ecx
	mov	16(%esp), %edx
	mov	20(%esp), %eax
	int	$0x80
	pop	%ebx
	ret

spawn:
	push	%ebx
	mov	8(%esp), %ebx
	mov	12(%esp), %ecx
	mov	$NR_clone, %eax
	int	$0x80
	test	%eax, %eax
	jz	_start
	pop	%ebx
	ret
