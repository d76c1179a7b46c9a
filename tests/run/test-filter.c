/* SPDX-License-Identifier: MIT */
/* Code that is kept: what it is kept under, and taking it back. */
#include "run/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/tap.h"

static void describe(const struct run_filter *f, struct strbuf *text)
{
	strbuf_trim(text, 0);
	run_filter_describe(f, text);
}

static bool is_same(const struct run_filter_options *o, const char *text)
{
	AUTO_RUN_FILTER struct run_filter f = {0};
	AUTO_STRBUF struct strbuf other = STRBUF_INIT;

	if (run_filter_new(&f, o, NULL) < 0)
		return false;
	describe(&f, &other);
	return strcmp(other.data, text) == 0;
}

static void test_describe(const struct run_filter_options *o, const char *text)
{
	struct run_filter_options other = *o;

	ok(is_same(&other, text), "the same options, the same text");
	other.capabilities = UINT64_MAX;
	ok(!is_same(&other, text), "other capabilities, another one");
	other = *o;
	other.sync = !o->sync;
	ok(!is_same(&other, text), "other calls, another one");
}

static void test_take(struct run_filter *f, const struct run_filter_options *o)
{
	AUTO_RUN_FILTER struct run_filter taker = {0};
	AUTO_FREE char *large = xcalloc(4097, sizeof(struct sock_filter));
	size_t n, taken;
	const void *code;

	ok(!run_filter_is_ready(f) && !run_filter_code(f, &n), "no code yet");
	is_int(run_filter_compile(f, NULL), 0, "compiles");
	code = run_filter_code(f, &n);
	ok(code && n && n % sizeof(struct sock_filter) == 0, "to instructions");
	is_int(run_filter_new(&taker, o, NULL), 0, "another filter");
	is_int(run_filter_take(&taker, code, 0), -EINVAL, "takes nothing empty");
	is_int(run_filter_take(&taker, code, n - 1), -EINVAL, "no half instruction");
	is_int(run_filter_take(&taker, large, 4097 * sizeof(struct sock_filter)), -EINVAL,
	       "and no more than the kernel does");
	ok(!run_filter_is_ready(&taker), "so it has none");
	is_int(run_filter_take(&taker, code, n), 0, "takes what the first one has");
	ok(run_filter_is_ready(&taker) &&
		   memcmp(run_filter_code(&taker, &taken), code, n) == 0 && taken == n,
	   "as it is");
	is_int(run_filter_take(&taker, large, sizeof(struct sock_filter)), 0, "more");
	run_filter_code(&taker, &taken);
	is_int((long)taken, (long)n, "changes nothing");
}

int main(void)
{
	const struct run_filter_options o = {.deny = true, .sync = true};
	AUTO_RUN_FILTER struct run_filter f = {0};
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;

	is_int(run_filter_new(&f, &o, NULL), 0, "makes a filter");
	describe(&f, &text);
	test_describe(&o, text.data);
	test_take(&f, &o);
	return tap_done();
}
