/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>

#include "tests/tap.h"

static void message(const struct err *e, const char *want)
{
	AUTO_FREE char *text = err_message(e);

	is_str(text, want, want);
}

int main(void)
{
	AUTO_ERR struct err e = ERR_INIT;

	is_int(err_set(NULL, -EIO, "no holder"), -EIO, "a missing holder is allowed");
	is_int(err_set(&e, -EINVAL, "bad %s", "word"), -EINVAL, "the code is returned");
	message(&e, "bad word");
	err_sys(&e, -ENOENT, "cannot open %s", "x");
	message(&e, "cannot open x: No such file or directory");
	is_int(err_wrap(&e, -EIO, "in %d", 7), -EIO, "wrapping sets the code");
	is_int(e.code, -EIO, "also in the holder");
	message(&e, "in 7: cannot open x: No such file or directory");
	err_at(&e, -EINVAL, "f.conf", 3, 9, "unknown key");
	message(&e, "f.conf:3:9: unknown key");
	err_wrap(&e, -EINVAL, "loading");
	message(&e, "loading: f.conf:3:9: unknown key");
	err_at(&e, -EINVAL, "f.conf", 3, 0, "x");
	message(&e, "f.conf:3: x");
	err_at(&e, -EINVAL, "f.conf", 0, 0, "x");
	message(&e, "f.conf: x");
	err_free(&e);
	is_int(e.code, 0, "released and empty");
	err_wrap(&e, -EPERM, "outer");
	message(&e, "outer: Operation not permitted");
	return tap_done();
}
