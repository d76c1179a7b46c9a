/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include "registry/retry.h"
#include "tests/tap.h"

static void test_status(void)
{
	static const long again[] = {408, 429, 500, 502, 503, 504};
	static const long final[] = {200, 201, 307, 400, 401, 403, 404, 413, 416, 501};

	for (size_t i = 0; i < sizeof again / sizeof *again; i++)
		ok(retry_status(again[i]), "%ld may pass", again[i]);
	for (size_t i = 0; i < sizeof final / sizeof *final; i++)
		ok(!retry_status(final[i]), "%ld does not", final[i]);
}

static void test_delay(void)
{
	is_int(retry_delay_ms(1000, 1, 0), 750, "the shortest");
	is_int(retry_delay_ms(1000, 1, 255), 1250, "the longest");
	is_int(retry_delay_ms(1000, 3, 0), 3000, "doubled twice");
	is_int(retry_delay_ms(1000, 1000, 0), RETRY_DELAY_MAX_MS / 4 * 3, "has a bound");
	is_int(retry_delay_ms(0, 3, 255), 0, "none");
}

int main(void)
{
	test_status();
	test_delay();
	is_int(retry_after_s("120", -1, 50), 120, "seconds");
	is_int(retry_after_s("0", -1, 50), 0, "none of them");
	is_int(retry_after_s("99999999999999999999", -1, 50), LONG_MAX, "very many");
	is_int(retry_after_s("a date", 80, 50), 30, "a date");
	is_int(retry_after_s("a date", 20, 50), 0, "one that has passed");
	is_int(retry_after_s("nonsense", -1, 50), -1, "neither");
	return tap_done();
}
