/* SPDX-License-Identifier: MIT */
#include "layer/index.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/tap.h"

static void add(struct layer_index *index, enum layer_type type, const char *path,
		const char *target)
{
	AUTO_FREE char *p = xstrdup(path);
	AUTO_FREE char *t = target ? xstrdup(target) : NULL;
	struct layer_entry entry = {.type = type, .path = p, .target = t, .mode = 0755};

	layer_index_add(index, &entry);
}

static void test_order(void)
{
	ok(layer_path_compare("a", "a") == 0, "a path is itself");
	ok(layer_path_compare("a", "a/b") < 0, "a folder is before what is in it");
	ok(layer_path_compare("a/b", "a-b") < 0, "which is before its neighbours");
	ok(layer_path_compare("", "a") < 0, "the root is the first");
	ok(layer_path_compare("a\xff", "a/b") > 0, "bytes have no sign");
}

static void test_form(void)
{
	AUTO_LAYER_INDEX struct layer_index index = LAYER_INDEX_INIT;
	AUTO_LAYER_INDEX struct layer_index again = LAYER_INDEX_INIT;
	AUTO_STRBUF struct strbuf text = STRBUF_INIT, second = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	char path[] = "z\n\xff", target[] = "to", name[] = "user.a", value[] = "\0\n";
	struct layer_xattr xattr = {name, value, 2};
	struct layer_entry entry = {
		LAYER_SYMLINK, false, path, target, 0777, 4294967294U, 7, -5,
		1ULL << 40,    1,     2,    &xattr, 1,	  NULL,	       0, 1536};
	const struct layer_entry *found;

	layer_index_add(&index, &entry);
	add(&index, LAYER_FOLDER, "a", NULL);
	add(&index, LAYER_FILE, "a", NULL);
	layer_index_format(&index, &text);
	is_int(layer_index_parse(&again, text.data, text.len, &e), 0,
	       "reads its own form");
	is_int((long)again.n, 2, "each path once");
	found = layer_index_find(&again, "a");
	ok(found && found->type == LAYER_FILE, "the last entry counts");
	found = layer_index_find(&again, path);
	ok(found && found->uid == entry.uid && found->mtime == -5 &&
		   found->nxattrs == 1 && memcmp(found->xattrs[0].value, value, 2) == 0 &&
		   found->offset == 1536,
	   "with all that it says");
	layer_index_format(&again, &second);
	ok(text.len == second.len && memcmp(text.data, second.data, text.len) == 0,
	   "the same bytes again");
	layer_index_free(&again);
	for (size_t n = 0; n < text.len; n++) {
		AUTO_FREE char *cut = xstrndup("", 0);

		cut = xrealloc(TAKE_PTR(cut), n + 1, 1);
		memcpy(cut, text.data, n);
		cut[n] = '\0';
		if (layer_index_parse(&again, cut, n, NULL) == 0 && again.n == 2)
			ok(false, "cut at %zu it is no index", n);
		layer_index_free(&again);
	}
	is_int(layer_index_parse(&again, "x", 1, &e), -EBADMSG,
	       "refuses what is no index");
}

/* The lowest layer has d/f, a link to d, and o; the upper ones hide and replace. */
struct stack {
	struct layer_index base, middle, top;
	struct layer_index *layers[3];
	struct layer_view view;
};

static void fill(struct stack *s)
{
	*s = (struct stack){LAYER_INDEX_INIT,
			    LAYER_INDEX_INIT,
			    LAYER_INDEX_INIT,
			    {&s->base, &s->middle, &s->top},
			    {s->layers, 3}};
	add(&s->base, LAYER_FOLDER, "d", NULL);
	add(&s->base, LAYER_FILE, "d/f", NULL);
	add(&s->base, LAYER_FILE, "d/g", NULL);
	add(&s->base, LAYER_SYMLINK, "link", "d");
	add(&s->base, LAYER_SYMLINK, "up", "../../d/./f");
	add(&s->base, LAYER_SYMLINK, "loop", "loop");
	add(&s->base, LAYER_FILE, "o/below", NULL);
	add(&s->base, LAYER_FILE, "gone/f", NULL);
	add(&s->base, LAYER_FILE, "was-folder/f", NULL);
	add(&s->middle, LAYER_WHITEOUT, "d/f", NULL);
	add(&s->middle, LAYER_FOLDER, "o", NULL);
	s->middle.entries[s->middle.n - 1].opaque = true;
	add(&s->middle, LAYER_FILE, "o/above", NULL);
	add(&s->middle, LAYER_HARDLINK, "o/hard", "o/above");
	add(&s->middle, LAYER_WHITEOUT, "gone", NULL);
	add(&s->middle, LAYER_FILE, "was-folder", NULL);
	add(&s->top, LAYER_FILE, "d-e", NULL);
	add(&s->top, LAYER_FILE, "implied/deep/f", NULL);
	add(&s->top, LAYER_SYMLINK, "to-deep", "/implied/deep");
}

static char type_at(struct stack *s, const char *path)
{
	bool implied;
	const struct layer_entry *e = layer_view_find(&s->view, path, &implied);

	return e ? (char)e->type : implied ? 'i' : '-';
}

static void test_view(struct stack *s)
{
	static const struct {
		const char *path;
		char type;
	} cases[] = {
		{"d", 'd'},
		{"d/f", '-'},
		{"d/g", 'f'},
		{"link", 'l'},
		{"link/g", '-'},
		{"o", 'd'},
		{"o/below", '-'},
		{"o/above", 'f'},
		{"o/hard", 'f'},
		{"gone", '-'},
		{"gone/f", '-'},
		{"was-folder", 'f'},
		{"was-folder/f", '-'},
		{"d-e", 'f'},
		{"implied", 'i'},
		{"implied/deep", 'i'},
		{"implied/d", '-'},
		{"", 'i'},
		{"none", '-'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char type = type_at(s, cases[i].path);

		ok(type == cases[i].type, "/%s: %c", cases[i].path, type);
	}
}

static void test_resolve(struct stack *s)
{
	static const struct {
		const char *path, *want;
		bool follow;
	} cases[] = {
		{"/link/g", "d/g", true},
		{"link", "d", true},
		{"link", "link", false},
		{"link/", "link", false},
		{"up", "d/f", true},
		{"/../../up/new", "d/f/new", true},
		{"to-deep/../x", "implied/x", true},
		{"none/../d//./g", "d/g", true},
		{"/", "", true},
		{"", "", true},
	};
	AUTO_ERR struct err e = ERR_INIT;
	char *resolved = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *got = NULL;

		layer_view_resolve(&s->view, cases[i].path, cases[i].follow, &got, NULL);
		is_str(got, cases[i].want, cases[i].path);
	}
	is_int(layer_view_resolve(&s->view, "loop/x", true, &resolved, &e), -ELOOP,
	       "a link to itself leads nowhere");
}

static int add_name(void *context, const char *name, const struct layer_entry *entry)
{
	strbuf_addf(context, "%s%s ", name, entry ? "" : "?");
	return 0;
}

static void test_list(struct stack *s)
{
	static const char *const cases[][2] = {
		{"", "d d-e implied? link loop o to-deep up was-folder "},
		{"d", "g "},
		{"o", "above hard "},
		{"implied", "deep? "},
		{"gone", ""},
		{"none", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_STRBUF struct strbuf names = STRBUF_INIT;

		layer_view_list(&s->view, cases[i][0], add_name, &names);
		is_str(names.data, cases[i][1], cases[i][0]);
	}
}

static int add_path(void *context, const char *path)
{
	strbuf_addf(context, "%s ", path);
	return 0;
}

/* Folders that a layer needs and does not have; "d-e" comes between "d" and "d/x". */
static void test_borrowed(void)
{
	AUTO_LAYER_INDEX struct layer_index index = LAYER_INDEX_INIT;
	AUTO_STRBUF struct strbuf paths = STRBUF_INIT;

	add(&index, LAYER_FILE, "d-e", NULL);
	add(&index, LAYER_FILE, "own/sub/f", NULL);
	add(&index, LAYER_FOLDER, "own", NULL);
	add(&index, LAYER_FILE, "d/x/f", NULL);
	add(&index, LAYER_FILE, "d/x/g", NULL);
	add(&index, LAYER_FILE, "d/y", NULL);
	add(&index, LAYER_WHITEOUT, "w/gone", NULL);
	add(&index, LAYER_FOLDER, "o", NULL);
	index.entries[index.n - 1].opaque = true;
	layer_index_borrowed(&index, add_path, &paths);
	is_str(paths.data, "d d/x o own/sub w ", "folders that look as below");
}

int main(void)
{
	struct stack s;

	test_order();
	test_form();
	fill(&s);
	test_view(&s);
	test_resolve(&s);
	test_list(&s);
	test_borrowed();
	for (int i = 0; i < 3; i++)
		layer_index_free(s.layers[i]);
	return tap_done();
}
