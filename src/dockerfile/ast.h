/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a Dockerfile says, as it was written: the instructions in order, grouped into
 * stages, with the place of every word. Variables are not expanded here (scope.h does
 * that and yields instructions of the same form) and quotes are still in the words that
 * process them.
 *
 * Every instruction has the same shape; which parts are filled depends on its kind:
 *
 *   FROM                       args: base [AS name]         flag platform
 *   RUN CMD ENTRYPOINT SHELL   args: the words of the JSON form, or one: the command line
 *   HEALTHCHECK                the same, and health         (none: no args)
 *   COPY ADD                   args: sources…, destination; heredocs are further sources
 *   ARG ENV LABEL              pairs
 *   EXPOSE VOLUME              args: a list
 *   USER WORKDIR STOPSIGNAL MAINTAINER   args: one
 *   ONBUILD                    trigger
 *
 * The reference for the language is BuildKit's Dockerfile frontend 1.2x.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

enum dockerfile_kind {
	DOCKERFILE_ADD,
	DOCKERFILE_ARG,
	DOCKERFILE_CMD,
	DOCKERFILE_COPY,
	DOCKERFILE_ENTRYPOINT,
	DOCKERFILE_ENV,
	DOCKERFILE_EXPOSE,
	DOCKERFILE_FROM,
	DOCKERFILE_HEALTHCHECK,
	DOCKERFILE_LABEL,
	DOCKERFILE_MAINTAINER,
	DOCKERFILE_ONBUILD,
	DOCKERFILE_RUN,
	DOCKERFILE_SHELL,
	DOCKERFILE_STOPSIGNAL,
	DOCKERFILE_USER,
	DOCKERFILE_VOLUME,
	DOCKERFILE_WORKDIR,
};

enum dockerfile_flag_id {
	DOCKERFILE_FLAG_CHECKSUM,
	DOCKERFILE_FLAG_CHMOD,
	DOCKERFILE_FLAG_CHOWN,
	DOCKERFILE_FLAG_EXCLUDE, /* may stand several times */
	DOCKERFILE_FLAG_FROM,
	DOCKERFILE_FLAG_INTERVAL,
	DOCKERFILE_FLAG_KEEP_GIT_DIR,
	DOCKERFILE_FLAG_LINK,
	DOCKERFILE_FLAG_MOUNT, /* may stand several times; also parsed into mounts */
	DOCKERFILE_FLAG_NETWORK,
	DOCKERFILE_FLAG_PARENTS,
	DOCKERFILE_FLAG_PLATFORM,
	DOCKERFILE_FLAG_RETRIES,
	DOCKERFILE_FLAG_SECURITY,
	DOCKERFILE_FLAG_START_INTERVAL,
	DOCKERFILE_FLAG_START_PERIOD,
	DOCKERFILE_FLAG_TIMEOUT,
	DOCKERFILE_FLAG_UNPACK,
};

/* Both 1-based; columns in bytes. */
struct dockerfile_pos {
	unsigned line;
	unsigned column;
};

struct dockerfile_word {
	char *text;
	struct dockerfile_pos pos;
};

struct dockerfile_words {
	struct dockerfile_word *v;
	size_t n;
};

/* The value of a boolean flag is "true" or "false". */
struct dockerfile_flag {
	enum dockerfile_flag_id id;
	struct dockerfile_word value;
};

struct dockerfile_pair {
	struct dockerfile_word key;
	struct dockerfile_word value; /* text is NULL when there was none: `ARG name` */
	bool spaced;		      /* the old form `ENV key value` */
};

struct dockerfile_heredoc {
	char *name; /* the delimiter without its quotes; the file's name for COPY */
	struct dockerfile_pos pos;
	char *content;	 /* every line with its newline, as it stands in the file */
	bool expand;	 /* the delimiter was not quoted */
	bool strip_tabs; /* `<<-`: leading tabs of the lines are not meant */
};

enum dockerfile_mount_type {
	DOCKERFILE_MOUNT_BIND,
	DOCKERFILE_MOUNT_CACHE,
	DOCKERFILE_MOUNT_SECRET,
	DOCKERFILE_MOUNT_SSH,
	DOCKERFILE_MOUNT_TMPFS,
};

enum dockerfile_sharing {
	DOCKERFILE_SHARING_SHARED,
	DOCKERFILE_SHARING_PRIVATE,
	DOCKERFILE_SHARING_LOCKED,
};

/* RUN --mount. Strings are NULL when they were not given and have no default. */
struct dockerfile_mount {
	struct dockerfile_pos pos;
	struct dockerfile_pair *fields; /* as written, key=value or a key alone */
	size_t nfields;
	bool resolved; /* what follows is set: no variable is left in the fields */
	enum dockerfile_mount_type type;
	char *id;     /* cache: default the target; secret: the source or target's name;
			 ssh: default "default" */
	char *from;   /* bind, cache: a stage, image or named context */
	char *source; /* bind, cache; default the root of where it is from */
	char *target; /* NULL is the working directory (bind, cache, tmpfs) */
	char *env;    /* secret: name of a variable that gets it too */
	bool read_only;
	bool required; /* secret, ssh */
	uint64_t size; /* tmpfs: bytes, 0 for no limit */
	enum dockerfile_sharing sharing;
	int64_t mode, uid, gid; /* -1 when not given */
};

/* Nanoseconds as in the image configuration; 0 when not given. */
struct dockerfile_health {
	bool none;
	int64_t interval, timeout, start_period, start_interval;
	unsigned retries;
};

struct dockerfile_instruction {
	enum dockerfile_kind kind;
	struct dockerfile_pos pos;
	unsigned last_line; /* with its heredocs */
	char *keyword;	    /* as written, for its case */
	char *source;	    /* the line, joined, without comments and heredoc contents */
	struct strv comments; /* the comment lines directly above */
	bool json;	      /* the arguments are from a JSON array */

	struct dockerfile_flag *flags;
	size_t nflags;
	struct dockerfile_words args;
	struct dockerfile_pair *pairs;
	size_t npairs;
	struct dockerfile_heredoc *heredocs;
	size_t nheredocs;
	struct dockerfile_mount *mounts;
	size_t nmounts;
	struct dockerfile_health health;
	struct dockerfile_instruction *trigger;
};

struct dockerfile_stage {
	char *name;   /* in lower case; NULL when it has none */
	size_t first; /* index of its FROM */
	size_t n;     /* instructions, FROM included */
};

struct dockerfile {
	char *file;		       /* for messages */
	char escape;		       /* `\` or a backtick */
	struct dockerfile_word syntax; /* the directives; text is NULL when not there */
	struct dockerfile_word check;
	struct dockerfile_instruction *instructions;
	size_t n;
	size_t nglobals; /* the first ones: ARG before the first FROM */
	struct dockerfile_stage *stages;
	size_t nstages;
	struct dockerfile_pos *gaps; /* empty lines inside a continued instruction */
	size_t ngaps;
};

void dockerfile_free(struct dockerfile *d);

#define AUTO_DOCKERFILE CLEAN(dockerfile_free)

/* In capitals. */
const char *dockerfile_kind_name(enum dockerfile_kind kind);

/* Without the dashes. */
const char *dockerfile_flag_name(enum dockerfile_flag_id id);
const char *dockerfile_mount_type_name(enum dockerfile_mount_type type);
const char *dockerfile_sharing_name(enum dockerfile_sharing sharing);

/* The value of a flag, NULL when it was not given; the first when there are several. */
const struct dockerfile_word *dockerfile_flag(const struct dockerfile_instruction *i,
					      enum dockerfile_flag_id id);

/*
 * The stage that a name means (FROM), or a name or number (--from), among the first
 * `before` ones; -1 for none. Case does not matter; the last of several with one name
 * hides the others.
 */
long dockerfile_stage_named(const struct dockerfile *d, const char *name, size_t before);
long dockerfile_stage_find(const struct dockerfile *d, const char *name, size_t before);

/* A deep copy, released by dockerfile_instruction_free(). */
void dockerfile_instruction_copy(struct dockerfile_instruction *copy,
				 const struct dockerfile_instruction *i);
void dockerfile_instruction_free(struct dockerfile_instruction *i);

#define AUTO_INSTRUCTION CLEAN(dockerfile_instruction_free)

/* How a RUN is to be started. */
enum dockerfile_run_form {
	DOCKERFILE_RUN_EXEC,   /* args are the argument vector */
	DOCKERFILE_RUN_SHELL,  /* text goes to the shell as one argument */
	DOCKERFILE_RUN_SCRIPT, /* text, which starts with `#!`, is a program to execute */
};

/*
 * The command of a RUN with its heredocs put back: text is owned by the caller, NULL for
 * the exec form. A RUN that is nothing but one heredoc is that heredoc's content.
 */
enum dockerfile_run_form dockerfile_run_text(const struct dockerfile_instruction *i,
					     char **text);

/* The content of a heredoc, without leading tabs if it asked for that; owned. */
char *dockerfile_heredoc_text(const struct dockerfile_heredoc *h);

/*
 * The text of an ONBUILD trigger for the image configuration, heredocs included; owned.
 * dockerfile_parse_trigger() reads it again.
 */
char *dockerfile_trigger_text(const struct dockerfile_instruction *onbuild);
