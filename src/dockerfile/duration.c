/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "dockerfile/parse-internal.h"

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	/* A unit comes before those that it begins with. */
	{"ns", 1},	 {"us", 1000},	    {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
	{"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},	 {"h", 3600000000000},
};

/* A decimal number of units; moves on past both. */
static bool part(const char **text, int64_t *ns)
{
	const char *s = *text;
	double value = 0, digit = 1;
	bool some = false;

	for (; *s >= '0' && *s <= '9'; s++, some = true)
		value = value * 10 + (*s - '0');
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, some = true)
			value += (*s - '0') * (digit /= 10);
	for (size_t k = 0; some && k < ARRAY_SIZE(units); k++) {
		size_t n = strlen(units[k].name);

		if (strncmp(s, units[k].name, n) != 0)
			continue;
		value *= (double)units[k].ns;
		*text = s + n;
		if (value > 9.2e18 ||
		    __builtin_add_overflow(*ns, (int64_t)(value + 0.5), ns))
			return false;
		return true;
	}
	return false;
}

bool dockerfile_duration(const char *text, int64_t *ns)
{
	bool negative = *text == '-';

	*ns = 0;
	text += *text == '-' || *text == '+';
	if (strcmp(text, "0") == 0)
		return true;
	do {
		if (!part(&text, ns))
			return false;
	} while (*text);
	if (negative)
		*ns = -*ns;
	return true;
}
