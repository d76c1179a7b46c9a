/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/tap.h"

static int parse(struct conf *c, const char *text, struct err *e)
{
	return conf_parse(c, "f.conf", text, strlen(text), e);
}

static void refused(const char *text, const char *want)
{
	AUTO_CONF struct conf c = {0};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *message = NULL;

	is_int(parse(&c, text, &e), -EINVAL, text);
	message = err_message(&e);
	is_str(message, want, want);
}

static void test_accepted(void)
{
	AUTO_CONF struct conf c = {0};
	AUTO_ERR struct err e = ERR_INIT;
	const struct conf_item *item;
	unsigned long value;

	is_int(parse(&c,
		     "# all\n\n  bits = 64 # of a class\r\nname=a#b c\nempty =\n"
		     "n = 0x1f",
		     &e),
	       0, "comments, blank lines, carriage returns, no final newline");
	item = conf_get(&c, "bits");
	is_str(item->value, "64", "a comment after a value");
	ok(item->line == 3 && item->column == 10, "place of a value");
	is_str(conf_get(&c, "name")->value, "a#b c", "a # within a word is none");
	is_str(conf_get(&c, "empty")->value, "", "an empty value");
	ok(!conf_get(&c, "other"), "a missing key");
	item = conf_get(&c, "n");
	is_int(conf_number(&c, item, item->value, 0, 31, &value, &e), 0, "a hex number");
	is_int((long)value, 31, "its value");
	is_int(conf_number(&c, item, item->value, 0, 30, &value, &e), -EINVAL,
	       "a number beyond the limit");
	is_int(conf_number(&c, item, "0x", 0, 30, &value, &e), -EINVAL, "no digits");
	is_int(conf_number(&c, item, " 1", 0, 30, &value, &e), -EINVAL, "a blank");
	is_int(conf_number(&c, item, "-1", 0, 30, &value, &e), -EINVAL, "a sign");
	is_int(conf_require(&c, "other", &item, &e), -EINVAL, "a key that must be there");
}

static void test_unused(void)
{
	AUTO_CONF struct conf c = {0};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *message = NULL;

	parse(&c, "a = 1\nmachin = 3\n", &e);
	is_int(conf_check_keys(&c, "a machine", &e), -EINVAL, "a key that nobody knows");
	message = err_message(&e);
	is_str(message, "f.conf:2:1: unknown key `machin` (did you mean `machine`?)",
	       "with the nearest one");
}

static void test_set(void)
{
	static const struct conf_text texts[] = {{"b", "k = builtin"},
						 {"a", "k = a"},
						 {"m", "k = masked"},
						 {"z", "k = masked"}};
	char folder[] = "/tmp/test-conf-XXXXXX";
	AUTO_CONF_SET struct conf_set set = {0};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_CLOSE int dir = -1;

	if (!mkdtemp(folder))
		exit(1);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file_write_at(dir, "b.conf", "k = folder\n", 11, 0644, NULL);
	file_write_at(dir, "c.conf", "k = new\n", 8, 0644, NULL);
	file_write_at(dir, "m.conf", "", 0, 0644, NULL);
	file_write_at(dir, "other.txt", "?", 1, 0644, NULL);
	ok(symlinkat("/dev/null", dir, "z.conf") == 0, "a mask");
	is_int(conf_set_load(&set, texts, 4, folder, &e), 0, "a set loads");
	is_int((long)set.n, 3, "without the masked ones");
	is_str(set.files[0].name, "a", "sorted by name");
	is_str(conf_get(&set.files[1].conf, "k")->value, "folder", "the folder wins");
	is_str(set.files[2].name, "c", "and adds");
	conf_set_free(&set);

	file_write_at(dir, "c.conf", "k\n", 2, 0644, NULL);
	is_int(conf_set_load(&set, texts, 4, folder, &e), -EINVAL, "a bad file fails");
	ok(strstr(e.file, "/c.conf") && e.line == 1, "and is named");
	is_int(conf_set_load(&set, texts, 4, "/nonexistent", &e), 0,
	       "a missing folder is none");
	for (const char *const *f = (const char *const[]){"b.conf", "c.conf", "m.conf",
							  "z.conf", "other.txt", NULL};
	     *f; f++)
		unlinkat(dir, *f, 0);
	rmdir(folder);
}

int main(void)
{
	test_accepted();
	refused("a = 1\n b\n", "f.conf:2:3: expected `key = value`");
	refused("= 1", "f.conf:1:1: expected `key = value`");
	refused("a = 1\na = 2\n", "f.conf:2:1: a is set a second time (first in line 1)");
	test_unused();
	test_set();
	return tap_done();
}
