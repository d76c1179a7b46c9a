/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Magic and masks as text. What is read here has at most BINFMT_HEAD_SIZE bytes: the
 * kernel looks at no more of a file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* "7f454c46", in either case. Returns the number of bytes; -EINVAL, or -E2BIG. */
int binfmt_bytes_hex(const char *text, size_t n, uint8_t *bytes);

/*
 * Text in which `\xHH` is a byte, as in a register string; any other backslash is itself.
 * Returns the number of bytes; -EINVAL where `\x` lacks its two digits, or -E2BIG. *at
 * (may be NULL) is then where in the text.
 */
int binfmt_bytes_unescape(const char *text, size_t n, uint8_t *bytes, size_t *at);

/*
 * What a person types: hexadecimal digits alone, or after 0x, are bytes; anything else is
 * text with `\xHH`. Letters alone that could be either, "BEEF", are refused: these are
 * 0xBEEF or \x42EEF. A mask is no text: there they are bytes. Returns the number of
 * bytes.
 */
int binfmt_bytes_parse(const char *text, bool is_mask, uint8_t *bytes, struct err *e);
