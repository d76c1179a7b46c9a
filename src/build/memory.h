/* SPDX-License-Identifier: MIT */
#pragma once

/* How much memory there is for what a build runs. */

#include <stdint.h>

/*
 * Bytes that processes can take here without swapping: what the machine has
 * (MemAvailable, proc(5), Linux 3.14), or what is left to this process' control groups
 * and those above them, of either version (cgroups(7)), whichever is less. proc and
 * cgroup are dirfds of /proc and /sys/fs/cgroup, or -1. UINT64_MAX: nothing tells.
 */
uint64_t build_memory_available(int proc, int cgroup);
