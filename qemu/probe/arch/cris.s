; SPDX-License-Identifier: MIT
;
; The whole of probe.c for CRIS v32, which is what qemu emulates and which gcc dropped with
; release 11. The instruction after a jump or branch is still executed. A system call's number
; is in $r9, its arguments begin at $r10, its result is in $r10, other registers are kept.
;
; $r0 argc, $r1 its address, $r2 argv[0], $r3 end of the line so far, $r4 where the thread leaves
; its mark, $r5 scratch, $r6 where the line must end, $r7 where it begins

	.set	NR_exit, 1
	.set	NR_write, 4
	.set	NR_clone, 120
	.set	NR_sched_yield, 158
	.set	NR_getuid, 199
	.set	NR_geteuid, 201
	.set	NR_exit_group, 252

	.globl	_start
_start:
	move.d	[$sp], $r0
	cmpq	-1, $r0
	beq	thread
	move.d	$sp, $r1
	addq	4, $r1
	move.d	[$r1], $r2
	sub.d	256, $sp
	move.d	$sp, $r3
	move.d	$sp, $r7
	move.d	$sp, $r6
	add.d	255, $r6

; a thousand steps of xorshift32 from 1
	moveq	1, $r10
	move.d	1000, $r5
step:
	move.d	$r10, $r11
	lslq	13, $r11
	xor	$r11, $r10
	move.d	$r10, $r11
	lsrq	17, $r11
	xor	$r11, $r10
	move.d	$r10, $r11
	lslq	5, $r11
	xor	$r11, $r10
	subq	1, $r5
	bne	step
	nop
	bsr	put_hex
	nop

	bsr	put_hex
	move.d	$r0, $r10

	move.d	NR_getuid, $r9
	break	13
	bsr	put_hex
	nop

	move.d	NR_geteuid, $r9
	break	13
	bsr	put_hex
	nop

; clone(), which takes the stack first: two words above ours, -1 in place of argc and the mark
	subq	16, $sp
	move.d	$sp, $r10
	addq	8, $r10
	moveq	-1, $r5
	move.d	$r5, [$r10]
	move.d	$r10, $r4
	addq	4, $r4
	clear.d	[$r4]
	move.d	0x50f00, $r11
	move.d	NR_clone, $r9
	break	13
	cmpq	0, $r10
	beq	_start
	nop
	move.d	1000000, $r5
wait:
	move.d	[$r4], $r10
	cmpq	1, $r10
	beq	waited
	nop
	move.d	NR_sched_yield, $r9
	break	13
	subq	1, $r5
	bne	wait
	nop
	moveq	2, $r10
waited:
	bsr	put_hex
	nop

	cmpq	0, $r0
	ble	newline
	nop
copy:
	movu.b	[$r2+], $r5
	beq	newline
	nop
	cmp.d	$r6, $r3
	bhs	newline
	nop
	ba	copy
	move.b	$r5, [$r3+]
newline:
	moveq	10, $r5
	move.b	$r5, [$r3+]

	moveq	1, $r10
	move.d	$r7, $r11
	move.d	$r3, $r12
	sub.d	$r7, $r12
	moveq	NR_write, $r9
	break	13
end:
	move.d	42, $r10
	move.d	NR_exit_group, $r9
	break	13
	ba	end
	nop

thread:
	addq	4, $r1
	moveq	1, $r10
	move.d	$r10, [$r1]
thread_end:
	moveq	NR_exit, $r9
	break	13
	ba	thread_end
	nop

; put_hex: $r10 in eight digits and a space, to $r3 and on
put_hex:
	moveq	8, $r11
digit:
	move.d	$r10, $r12
	lsrq	28, $r12
	cmpq	10, $r12
	blo	store
	addq	'0', $r12
	addq	'a' - 10 - '0', $r12
store:
	move.b	$r12, [$r3+]
	subq	1, $r11
	bne	digit
	lslq	4, $r10
	move.d	' ', $r12
	ret
	move.b	$r12, [$r3+]
