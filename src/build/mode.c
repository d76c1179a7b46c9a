/* SPDX-License-Identifier: MIT */
#include "build/mode.h"

#include <stdlib.h>
#include <string.h>

enum { USER = 04700, GROUP = 02070, OTHERS = 00007, STICKY = 01000 };

/* The bits of a letter for everybody: u, g and o stand for what they have now. */
static uint32_t bits_of(char letter, uint32_t mode, bool folder)
{
	switch (letter) {
	case 'r':
		return 0444;
	case 'w':
		return 0222;
	case 'x':
		return 0111;
	case 'X':
		return folder || (mode & 0111) ? 0111 : 0;
	case 's':
		return 06000;
	case 't':
		return STICKY;
	case 'u':
		return (mode >> 6 & 7) * 0111;
	case 'g':
		return (mode >> 3 & 7) * 0111;
	default:
		return (mode & 7) * 0111;
	}
}

/* One part between commas; *s is moved past it. */
static uint32_t apply_part(const char **s, uint32_t mode, bool folder)
{
	uint32_t who = 0;

	for (; **s && strchr("ugoa", **s); (*s)++)
		who |= **s == 'u'   ? USER
		       : **s == 'g' ? GROUP
		       : **s == 'o' ? OTHERS
				    : 07777;
	if (!who)
		who = 07777;
	who |= STICKY;
	while (**s && strchr("+-=", **s)) {
		char action = *(*s)++;
		uint32_t bits = 0;

		for (; **s && strchr("rwxXstugo", **s); (*s)++)
			bits |= bits_of(**s, mode, folder);
		bits &= who;
		if (action == '=')
			mode &= ~(who & ~(uint32_t)STICKY);
		mode = action == '-' ? mode & ~bits : mode | bits;
	}
	return mode;
}

uint32_t build_mode_apply(const char *spec, uint32_t mode, bool folder)
{
	if (*spec >= '0' && *spec <= '7')
		return (uint32_t)strtoul(spec, NULL, 8);
	for (;;) {
		mode = apply_part(&spec, mode, folder);
		if (*spec != ',')
			return mode;
		spec++;
	}
}
