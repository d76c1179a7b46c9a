/* SPDX-License-Identifier: MIT */
#include "registry/retry.h"

#include <ctype.h>
#include <stdlib.h>

bool retry_status(long status)
{
	return status == 408 || status == 429 ||
	       (status >= 500 && status != 501 && status != 505 && status != 507);
}

unsigned retry_delay_ms(unsigned first_ms, unsigned n, unsigned char noise)
{
	unsigned long ms = first_ms;

	while (n-- > 1 && ms < RETRY_DELAY_MAX_MS)
		ms *= 2;
	if (ms > RETRY_DELAY_MAX_MS)
		ms = RETRY_DELAY_MAX_MS;
	return (unsigned)(ms - ms / 4 + ms / 2 * noise / 255);
}

long retry_after_s(const char *text, time_t date, time_t now)
{
	if (isdigit((unsigned char)text[0])) {
		long s = strtol(text, NULL, 10); /* LONG_MAX when it is too large */

		return s;
	}
	if (date == (time_t)-1)
		return -1;
	return date > now ? (long)(date - now) : 0;
}
