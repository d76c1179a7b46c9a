/* SPDX-License-Identifier: MIT */
/* A build as a picture. Steps of one platform that overlap lie in lanes of its row. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/output.h"
#include "mab-build/progress-view.h"

enum { WIDTH = 1200, LEFT = 150, RIGHT = 20, TOP = 50, LANE = 20, GAP = 8 };

struct row {
	const char *platform;
	double *lanes; /* until when each is taken */
	size_t nlanes;
	size_t above; /* lanes of the rows before */
};

struct picture {
	const struct spans *spans;
	struct row *rows;
	size_t nrows;
	size_t *row, *lane; /* of each span */
	double end;
};

static const struct {
	const char *kind, *colour;
} colours[] = {
	{"native", "#4878a8"}, {"emulated", "#d98c3f"},	  {"cached", "#b0b0b0"},
	{"failed", "#c03a3a"}, {"unfinished", "#e0c0c0"},
};

static const char *colour_of(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(colours); i++)
		if (strcmp(colours[i].kind, kind) == 0)
			return colours[i].colour;
	return "black";
}

static size_t row_of(struct picture *p, const char *platform)
{
	for (size_t i = 0; i < p->nrows; i++)
		if (strcmp(p->rows[i].platform, platform) == 0)
			return i;
	GROW(p->rows, p->nrows);
	p->rows[p->nrows] = (struct row){.platform = platform};
	return p->nrows++;
}

static size_t lane_of(struct row *r, const struct span *s)
{
	size_t i = 0;

	while (i < r->nlanes && r->lanes[i] > s->begin)
		i++;
	if (i == r->nlanes) {
		GROW(r->lanes, r->nlanes);
		r->nlanes++;
	}
	r->lanes[i] = s->end;
	return i;
}

static void lay_out(struct picture *p)
{
	size_t above = 0;

	p->row = xcalloc(p->spans->n + 1, sizeof *p->row);
	p->lane = xcalloc(p->spans->n + 1, sizeof *p->lane);
	for (size_t i = 0; i < p->spans->n; i++) {
		const struct span *s = &p->spans->v[i];

		p->row[i] = row_of(p, s->step->platform);
		p->lane[i] = lane_of(&p->rows[p->row[i]], s);
		p->end = s->end > p->end ? s->end : p->end;
	}
	for (size_t i = 0; i < p->nrows; i++) {
		p->rows[i].above = above;
		above += p->rows[i].nlanes;
	}
	if (p->end <= 0)
		p->end = 1;
}

static void escaped(FILE *out, const char *bytes)
{
	AUTO_FREE char *utf8 = cli_utf8(bytes);

	for (const char *text = utf8; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc((unsigned char)*text < 0x20 && *text != '\n' ? '?' : *text,
			      out);
		}
	}
}

static double x_of(const struct picture *p, double seconds)
{
	return LEFT + seconds / p->end * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct row *r, size_t lane)
{
	return TOP + (double)(r->above + lane) * LANE;
}

/* 1, 2 or 5 times a power of ten: about ten of them. */
static double tick_of(double seconds)
{
	double power = 1e-3;

	while (power * 100 < seconds)
		power *= 10;

	for (int i = 1; i <= 5; i += i == 1 ? 1 : 3)
		if (seconds / (i * power) <= 12)
			return i * power;
	return 10 * power;
}

static void draw_axis(const struct picture *p, double bottom, FILE *out)
{
	double tick = tick_of(p->end);

	for (int i = 0; i * tick <= p->end; i++) {
		double x = x_of(p, i * tick);

		fprintf(out,
			"<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.0f\" "
			"stroke=\"#ddd\"/>\n"
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g s</text>\n",
			x, TOP - 4, x, bottom, x, TOP - 8, i * tick);
	}
}

static void draw_legend(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(colours); i++)
		fprintf(out,
			"<rect x=\"%zu\" y=\"8\" width=\"12\" height=\"12\" "
			"fill=\"%s\"/>\n<text x=\"%zu\" y=\"18\">%s</text>\n",
			LEFT + i * 110, colours[i].colour, LEFT + i * 110 + 16,
			colours[i].kind);
}

static void draw_span(const struct picture *p, size_t i, FILE *out)
{
	const struct span *s = &p->spans->v[i];
	double x = x_of(p, s->begin), width = x_of(p, s->end) - x;

	fprintf(out,
		"<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"%s\">"
		"<title>[",
		x, y_of(&p->rows[p->row[i]], p->lane[i]), width < 1 ? 1 : width, LANE - 2,
		colour_of(span_kind(s)));
	escaped(out, s->step->label);
	fputs("] ", out);
	escaped(out, s->text);
	fprintf(out, " (%s, %.2f s)</title></rect>\n", span_kind(s), s->end - s->begin);
}

static void draw(const struct picture *p, FILE *out)
{
	const struct row *last = p->nrows ? &p->rows[p->nrows - 1] : NULL;
	double bottom = last ? y_of(last, last->nlanes) : TOP;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%.0f\" font-family=\"sans-serif\" font-size=\"11\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		WIDTH, bottom + GAP);
	draw_legend(out);
	draw_axis(p, bottom, out);
	for (size_t i = 0; i < p->nrows; i++) {
		fprintf(out, "<text x=\"8\" y=\"%.0f\">", y_of(&p->rows[i], 0) + 13);
		escaped(out, p->rows[i].platform);
		fputs("</text>\n", out);
	}
	for (size_t i = 0; i < p->spans->n; i++)
		draw_span(p, i, out);
	fputs("</svg>\n", out);
}

void timeline_format(const struct spans *spans, FILE *out)
{
	struct picture p = {.spans = spans};

	lay_out(&p);
	draw(&p, out);
	for (size_t i = 0; i < p.nrows; i++)
		free(p.rows[i].lanes);
	free(p.rows);
	free(p.row);
	free(p.lane);
}
