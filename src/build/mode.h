/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What --chmod makes of a file's mode: octal or symbolic, as checked by the parser. */
uint32_t build_mode_apply(const char *spec, uint32_t mode, bool folder);
