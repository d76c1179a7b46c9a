/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From the bytes of a file to logical lines: comments and parser directives are taken
 * out, continued lines joined. A logical line knows where each of its bytes came from.
 */

#include "base/err.h"
#include "base/strbuf.h"
#include "dockerfile/ast.h"

struct dockerfile_lexer {
	struct dockerfile *d; /* gets the directives, the escape and the gaps */
	const char *p;	      /* what is left of the text */
	size_t left;
	unsigned number; /* of the physical line read last */
	bool directives_over;
	bool escape_seen;
	struct strv comments; /* directly above the next logical line */
};

/* One line of the file, without its newline. */
struct dockerfile_physical {
	const char *text;
	size_t len;
	size_t full; /* with the newline */
};

/* A run of the joined text that comes from one line of the file. */
struct dockerfile_segment {
	size_t offset;
	struct dockerfile_pos pos;
};

struct dockerfile_line {
	struct strbuf text;
	struct dockerfile_segment *segments;
	size_t nsegments;
};

/* 1: a line; 0: the end; negative: an error. line is emptied first. */
int dockerfile_lexer_next(struct dockerfile_lexer *x, struct dockerfile_line *line,
			  struct err *e);

/* The next line as it stands; false at the end. */
bool dockerfile_lexer_physical(struct dockerfile_lexer *x, struct dockerfile_physical *p);

void dockerfile_lexer_free(struct dockerfile_lexer *x);

struct dockerfile_pos dockerfile_line_pos(const struct dockerfile_line *line,
					  size_t offset);
void dockerfile_line_free(struct dockerfile_line *line);

/* Blanks of the language; a newline counts, since a heredoc's text may be split. */
bool dockerfile_is_blank(char c);

/*
 * Takes a comment line as a parser directive: 1 when it is one, 0 when it is a comment
 * (which also ends the directives).
 */
int dockerfile_directive(struct dockerfile_lexer *x, const char *text, size_t len,
			 unsigned column, struct err *e);
