/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <stdlib.h>

#include "tests/tap.h"

static void test_json(void)
{
	AUTO_STRV struct strv list = STRV_INIT;
	struct cli_json *j = cli_json_object(), *a = cli_json_array();
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	strv_add(&list, "x");
	strv_add(&list, "a\"b");
	cli_json_set_strings(j, "z", &list);
	cli_json_set_bool(j, "b", true);
	cli_json_set_number(j, "n", -3);
	cli_json_set_string(j, "odd", "\xff");
	cli_json_add(a, cli_json_object());
	cli_json_set(j, "a", a);
	cli_json_print(j, f);
	fclose(f);
	is_str(text,
	       "{\n  \"z\": [\n    \"x\",\n    \"a\\\"b\"\n  ],\n  \"b\": true,\n"
	       "  \"n\": -3,\n  \"odd\": \"\xc3\xbf\",\n  \"a\": [\n    {}\n  ]\n}\n",
	       "JSON in order of insertion; bytes that are no UTF-8 become it");
	free(text);
}

static void test_table(void)
{
	AUTO_TABLE struct cli_table t = {.columns = 3};
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	cli_table_row(&t, (const char *const[]){"A", "LONG", "Z"});
	cli_table_row(&t, (const char *const[]){"wörd", NULL, "last"});
	cli_table_print(&t, f);
	fclose(f);
	is_str(text, "A     LONG  Z\nwörd        last\n", "columns in characters");
	free(text);
}

static void test_line(void)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	cli_line(f, "%s: %d…", "a\033[2J\r\nb", 3);
	fclose(f);
	is_str(text, "a?[2J??b: 3…\n",
	       "a line is one line, and no command to a terminal");
	free(text);
}

int main(void)
{
	test_line();
	test_json();
	test_table();
	return tap_done();
}
