/* SPDX-License-Identifier: MIT */
#include "oci/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "sha256:";
enum { PREFIX = sizeof prefix - 1 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int oci_digest_parse(struct oci_digest *digest, const char *text, struct err *e)
{
	struct oci_digest d;

	if (strncmp(text, prefix, PREFIX) != 0)
		return err_set(e, -EINVAL, "digest '%.80s' does not begin with 'sha256:'",
			       text);
	for (size_t i = 0; i < OCI_DIGEST_SIZE; i++) {
		const char *p = text + PREFIX + 2 * i;
		int high = hex_digit(p[0]);
		int low = high < 0 ? -1 : hex_digit(p[1]);

		if (low < 0)
			return err_set(e, -EINVAL,
				       "digest '%.80s' has something else than 64 "
				       "lower-case hexadecimal digits",
				       text);
		d.bytes[i] = (uint8_t)(high << 4 | low);
	}
	if (text[PREFIX + 2 * OCI_DIGEST_SIZE])
		return err_set(e, -EINVAL, "digest '%.80s…' is longer than 64 digits",
			       text);
	*digest = d;
	return 0;
}

const char *oci_digest_format(const struct oci_digest *digest, char text[OCI_DIGEST_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text + PREFIX;

	memcpy(text, prefix, PREFIX);
	for (size_t i = 0; i < OCI_DIGEST_SIZE; i++) {
		*p++ = digits[digest->bytes[i] >> 4];
		*p++ = digits[digest->bytes[i] & 15];
	}
	*p = '\0';
	return text;
}

const char *oci_digest_hex(const char text[OCI_DIGEST_TEXT])
{
	return text + PREFIX;
}

bool oci_digest_equal(const struct oci_digest *a, const struct oci_digest *b)
{
	return memcmp(a->bytes, b->bytes, OCI_DIGEST_SIZE) == 0;
}

/* SHA-256 has no failure but a lack of memory. */
static void checked(int ok)
{
	if (!ok)
		abort();
}

void oci_digest_of(const void *data, size_t n, struct oci_digest *digest)
{
	checked(EVP_Digest(data, n, digest->bytes, NULL, EVP_sha256(), NULL));
}

/* struct oci_hasher is libcrypto's context under a name that does not tie callers to it.
 */
static EVP_MD_CTX *context(struct oci_hasher *hasher)
{
	return (EVP_MD_CTX *)hasher;
}

struct oci_hasher *oci_hasher_new(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	checked(c && EVP_DigestInit_ex(c, EVP_sha256(), NULL));
	return (struct oci_hasher *)c;
}

void oci_hasher_add(struct oci_hasher *hasher, const void *data, size_t n)
{
	checked(EVP_DigestUpdate(context(hasher), data, n));
}

void oci_hasher_finish(struct oci_hasher *hasher, struct oci_digest *digest)
{
	checked(EVP_DigestFinal_ex(context(hasher), digest->bytes, NULL));
}

void oci_hasher_free(struct oci_hasher *hasher)
{
	EVP_MD_CTX_free(context(hasher));
}
