/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the parsers of the single instructions share. A new instruction is a kind in
 * ast.h, a row in the table of parser.c and, when none of the parse functions below
 * fits, a file parse-*.c.
 */

#include "base/err.h"
#include "dockerfile/ast.h"
#include "dockerfile/lexer-internal.h"

/* One instruction while it is parsed: line[from, to) is what follows its flags. */
struct dockerfile_parse {
	struct dockerfile *d;
	const struct dockerfile_line *line;
	size_t from, to;
	struct dockerfile_instruction *i;
	unsigned flags; /* that the instruction knows, a bit each */
	struct err *e;
};

typedef int dockerfile_parse_fn(struct dockerfile_parse *p);

dockerfile_parse_fn dockerfile_parse_from;	  /* FROM */
dockerfile_parse_fn dockerfile_parse_command;	  /* RUN CMD ENTRYPOINT */
dockerfile_parse_fn dockerfile_parse_shell;	  /* SHELL */
dockerfile_parse_fn dockerfile_parse_healthcheck; /* HEALTHCHECK */
dockerfile_parse_fn dockerfile_parse_copy;	  /* COPY ADD */
dockerfile_parse_fn dockerfile_parse_pairs;	  /* ENV LABEL */
dockerfile_parse_fn dockerfile_parse_arg;	  /* ARG */
dockerfile_parse_fn dockerfile_parse_list;	  /* EXPOSE VOLUME */
dockerfile_parse_fn dockerfile_parse_one;	  /* USER WORKDIR STOPSIGNAL MAINTAINER */
dockerfile_parse_fn dockerfile_parse_onbuild;	  /* ONBUILD */

/* Parses the instruction in line[from, to); trigger: it stands after ONBUILD. */
int dockerfile_parse_instruction(struct dockerfile *d, const struct dockerfile_line *line,
				 size_t from, bool trigger,
				 struct dockerfile_instruction *i, struct err *e);

/* Fails at an offset of the line, or at a place. */
int dockerfile_parse_error(const struct dockerfile_parse *p, size_t offset,
			   const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int dockerfile_parse_error_at(const struct dockerfile_parse *p, struct dockerfile_pos pos,
			      const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* " (did you mean `x`?)" or "", for the end of a message; owned. */
char *dockerfile_suggest(const struct strv *known, const char *word);

/* Reads the flags at the start of what follows the keyword; moves p->from past them. */
int dockerfile_parse_flags(struct dockerfile_parse *p);

/* Splits at blanks; quotes mean nothing. */
void dockerfile_split_blanks(struct dockerfile_parse *p, struct dockerfile_words *words);

/* Splits at blanks outside quotes; quotes and escapes stay in the words. */
void dockerfile_split_quoted(struct dockerfile_parse *p, struct dockerfile_words *words);

/*
 * Reads a JSON array of strings: 1 when it is one (words are added), 0 when the text is
 * not a JSON array at all, -EINVAL when it is one of something else.
 */
int dockerfile_parse_json(struct dockerfile_parse *p, struct dockerfile_words *words);

/* The heredocs that a line announces, without their contents. */
int dockerfile_heredocs_find(struct dockerfile_parse *p);

/* Reads their contents from the lines that follow. */
int dockerfile_heredocs_read(struct dockerfile_lexer *x, struct dockerfile_instruction *i,
			     struct err *e);

/* `<<EOF`, `3<<-"EOF"`, `<< EOF`. */
bool dockerfile_is_heredoc(const char *word);

/* The heredoc that two words make, as `<<` and `EOF`; owned. NULL: none, or no next. */
char *dockerfile_heredoc_join(const char *word, const char *next);

/*
 * Splits the value of --mount at its commas into fields, and resolves it if no variable
 * is in it. at[k] is the offset in the line of the k-th byte of text.
 */
int dockerfile_mount_split(struct dockerfile_parse *p, const char *text, const size_t *at,
			   struct dockerfile_mount *m);

/* Sets the members of a mount from its fields; file is for messages. */
int dockerfile_mount_resolve(struct dockerfile_mount *m, const char *file, struct err *e);
void dockerfile_mount_clear(struct dockerfile_mount *m);

/* "90s", "1h30m", "1.5h" in nanoseconds; false when it is not a duration. */
bool dockerfile_duration(const char *text, int64_t *ns);

void dockerfile_words_add(struct dockerfile_words *w, char *text,
			  struct dockerfile_pos pos);
void dockerfile_words_free(struct dockerfile_words *w);

/* Checks of values; before they are expanded only of those that will not change. */
int dockerfile_check_values(const struct dockerfile *d,
			    const struct dockerfile_instruction *i, bool expanded,
			    struct err *e);

/* --from and from= name earlier stages, or something that is no stage at all. */
int dockerfile_check_stages(const struct dockerfile *d, struct err *e);
