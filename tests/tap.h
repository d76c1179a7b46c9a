/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Test Anything Protocol for unit tests: call ok() and its kin in main(), then return
 * tap_done().
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_count, tap_failures;

static inline bool __attribute__((format(printf, 2, 3)))
ok(bool passed, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %u - ", passed ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	tap_failures += !passed;
	return passed;
}

static inline bool is_int(long got, long want, const char *what)
{
	bool passed = ok(got == want, "%s", what);

	if (!passed)
		printf("#      got: %ld\n# expected: %ld\n", got, want);
	return passed;
}

static inline bool is_str(const char *got, const char *want, const char *what)
{
	bool passed = ok(got && want ? strcmp(got, want) == 0 : got == want, "%s", what);

	if (!passed)
		printf("#      got: %s\n# expected: %s\n", got ? got : "(NULL)",
		       want ? want : "(NULL)");
	return passed;
}

static inline void skip(const char *what, const char *reason)
{
	printf("ok %u - %s # SKIP %s\n", ++tap_count, what, reason);
}

static inline int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failures != 0;
}
