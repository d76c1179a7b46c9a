/* SPDX-License-Identifier: MIT */
#pragma once

/* When to try again. Source: RFC 9110, 10.2.3 and 15; RFC 6585 for 429. */

#include <stdbool.h>
#include <time.h>

enum {
	RETRY_DELAY_MAX_MS = 30 * 1000,
	RETRY_AFTER_MAX_S = 300, /* whoever asks for more is told no */
};

/* Whether a status may be another one later. */
bool retry_status(long status);

/* The delay before repetition n (from 1): first_ms, doubled each time, and some noise
 * (0 to 255) so that many clients do not come back at once.
 */
unsigned retry_delay_ms(unsigned first_ms, unsigned n, unsigned char noise);

/*
 * Seconds that a Retry-After asks for, a number or a date; date says what the text is as
 * a time, -1 for none. -1 when it is neither.
 */
long retry_after_s(const char *text, time_t date, time_t now);
