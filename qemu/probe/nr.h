/* SPDX-License-Identifier: MIT */
/*
 * The numbers of the system calls that a probe makes, for C and assembler. From the
 * kernel's asm/unistd.h of each architecture, as of 6.1.
 */
#ifndef PROBE_NR_H
#define PROBE_NR_H

#if defined(__alpha__)
#define NR_exit	       1
#define NR_write       4
#define NR_getuid      24 /* getxuid: the effective one in another register */
#define NR_clone       312
#define NR_sched_yield 334
#define NR_exit_group  405
#define NR_geteuid     531

#elif defined(__mips__) && _MIPS_SIM == _ABIO32
#define NR_exit	       4001
#define NR_write       4004
#define NR_getuid      4024
#define NR_geteuid     4049
#define NR_clone       4120
#define NR_sched_yield 4162
#define NR_exit_group  4246

#elif defined(__mips__) && _MIPS_SIM == _ABI64
#define NR_write       5001
#define NR_sched_yield 5023
#define NR_clone       5055
#define NR_exit	       5058
#define NR_getuid      5100
#define NR_geteuid     5105
#define NR_exit_group  5205

#elif defined(__mips__) && _MIPS_SIM == _ABIN32
#define NR_write       6001
#define NR_sched_yield 6023
#define NR_clone       6055
#define NR_exit	       6058
#define NR_getuid      6100
#define NR_geteuid     6105
#define NR_exit_group  6205

#elif defined(__sparc__)
#define NR_exit	       1
#define NR_write       4
#define NR_exit_group  188
#define NR_clone       217
#define NR_sched_yield 245
#if defined(__arch64__)
#define NR_getuid  24
#define NR_geteuid 49
#else
#define NR_getuid  44
#define NR_geteuid 69
#endif

#elif defined(__x86_64__)
#define NR_write       1
#define NR_sched_yield 24
#define NR_clone       56
#define NR_exit	       60
#define NR_getuid      102
#define NR_geteuid     107
#define NR_exit_group  231

#elif defined(__xtensa__) || defined(__XTENSA__)
#define NR_write       13
#define NR_clone       116
#define NR_exit	       118
#define NR_exit_group  119
#define NR_getuid      137
#define NR_geteuid     140
#define NR_sched_yield 219

#elif defined(__arm__) || defined(__hppa__) || defined(__i386__) || defined(__m68k__) || \
	defined(__microblaze__) || defined(__MICROBLAZE__) || defined(__powerpc__) ||    \
	defined(__s390x__) || defined(__sh__)
#define NR_exit	       1
#define NR_write       4
#define NR_clone       120
#define NR_sched_yield 158
#if defined(__hppa__) || defined(__powerpc__)
#define NR_getuid  24
#define NR_geteuid 49
#else
#define NR_getuid  199
#define NR_geteuid 201
#endif
#if defined(__hppa__)
#define NR_exit_group 222
#elif defined(__powerpc__)
#define NR_exit_group 234
#elif defined(__m68k__)
#define NR_exit_group 247
#elif defined(__arm__) || defined(__s390x__)
#define NR_exit_group 248
#else
#define NR_exit_group 252
#endif

#else /* the generic table: aarch64 hexagon loongarch nios2 or1k riscv */
#define NR_write       64
#define NR_exit	       93
#define NR_exit_group  94
#define NR_sched_yield 124
#define NR_getuid      174
#define NR_geteuid     175
#define NR_clone       220
#endif

#endif
