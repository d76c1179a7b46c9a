/* SPDX-License-Identifier: MIT */
#pragma once

/* The entry of every fuzz target, called by libFuzzer or by replay.c. */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
