/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Scope-bound release of what a function owns. A variable marked CLEAN(f) has
 * f(&variable) called when it leaves its scope; TAKE_PTR and TAKE_FD hand the value on
 * and leave the variable empty, so that nothing is released twice.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEAN(function) __attribute__((cleanup(function)))

static inline void clean_free(void *p)
{
	free(*(void **)p);
}

static inline void clean_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void clean_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void clean_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define AUTO_FREE     CLEAN(clean_free)
#define AUTO_CLOSE    CLEAN(clean_close)
#define AUTO_FCLOSE   CLEAN(clean_fclose)
#define AUTO_CLOSEDIR CLEAN(clean_closedir)

#define TAKE_PTR(p)                                                                      \
	__extension__({                                                                  \
		__auto_type take_value_ = (p);                                           \
		(p) = NULL;                                                              \
		take_value_;                                                             \
	})

#define TAKE_FD(fd)                                                                      \
	__extension__({                                                                  \
		int take_value_ = (fd);                                                  \
		(fd) = -1;                                                               \
		take_value_;                                                             \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
