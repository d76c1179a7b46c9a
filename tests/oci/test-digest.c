/* SPDX-License-Identifier: MIT */
#include "oci/digest.h"
#include "tests/tap.h"

/* Of "abc": FIPS 180-2, appendix B.1. */
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct {
	const char *text, *says;
} invalid[] = {
	{"", "digest '' does not begin with 'sha256:'"},
	{"sha512:00", "digest 'sha512:00' does not begin with 'sha256:'"},
	{"sha256:", "digest 'sha256:' has something else than 64 lower-case hexadecimal "
		    "digits"},
	{"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
	 "digest 'sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD' "
	 "has something else than 64 lower-case hexadecimal digits"},
	{ABC "0", "digest '" ABC "0…' is longer than 64 digits"},
};

int main(void)
{
	struct oci_digest d, other;
	char text[OCI_DIGEST_TEXT];
	struct oci_hasher *h = oci_hasher_new();

	oci_digest_of("abc", 3, &d);
	is_str(oci_digest_format(&d, text), ABC, "of bytes");
	is_str(oci_digest_hex(text), &ABC[7], "its file name");
	oci_hasher_add(h, "a", 1);
	oci_hasher_add(h, "bc", 2);
	oci_hasher_finish(h, &other);
	oci_hasher_free(h);
	ok(oci_digest_equal(&d, &other), "of bytes one after the other");
	ok(oci_digest_parse(&other, ABC, NULL) == 0 && oci_digest_equal(&d, &other),
	   "read from text");
	other.bytes[31] ^= 1;
	ok(!oci_digest_equal(&d, &other), "one bit makes another");
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		AUTO_ERR struct err e = ERR_INIT;

		ok(oci_digest_parse(&d, invalid[i].text, &e) < 0, "'%s' is wrong",
		   invalid[i].text);
		is_str(e.text, invalid[i].says, "  and it says why");
	}
	return tap_done();
}
