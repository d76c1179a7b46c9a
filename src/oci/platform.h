/* SPDX-License-Identifier: MIT */
#pragma once

/* Platforms, `os/architecture[/variant]` (image-spec, image index). */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct oci_platform {
	char os[32];
	char architecture[32];
	char variant[32];    /* empty for none */
	char os_version[64]; /* empty for none */
};

/*
 * Reads what people write: "linux/arm64", "arm64", "linux/arm/v7". Other names of an
 * architecture (x86_64, aarch64, armhf, i386) become its image name, and a variant that
 * says nothing (arm64/v8) is left out.
 */
int oci_platform_parse(struct oci_platform *platform, const char *text, struct err *e);

/* The same normal form for values that were read from an image. */
void oci_platform_normalize(struct oci_platform *platform);

/* Fills text, "linux/arm/v7", and returns it. */
enum { OCI_PLATFORM_TEXT = 3 * 32 };
const char *oci_platform_format(const struct oci_platform *platform,
				char text[OCI_PLATFORM_TEXT]);

bool oci_platform_equal(const struct oci_platform *a, const struct oci_platform *b);

/*
 * How well `offered` serves who asks for `wanted`: 0 not at all, more is better. An arm
 * v7 machine takes v7, v6 and v5; amd64 v3 takes v3, v2 and the plain one. Both are in
 * normal form.
 */
unsigned oci_platform_rank(const struct oci_platform *wanted,
			   const struct oci_platform *offered);

/* The platform of the running machine, without a variant where it is the usual one. */
void oci_platform_of_host(struct oci_platform *platform);
