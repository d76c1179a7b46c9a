/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The configuration of an image: how to run it, of which layers it is made, and how it
 * came about. Source: image-spec 1.1, "Image Configuration", and the members that only
 * Docker has (Healthcheck, OnBuild, Shell, ArgsEscaped).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "oci/map.h"
#include "oci/platform.h"

struct json_t;

enum { OCI_CONFIG_MAX = 8 << 20 }; /* bytes */

struct oci_healthcheck {
	struct strv test; /* "NONE", "CMD" and words, or "CMD-SHELL" and one string */
	int64_t interval, timeout, start_period,
		start_interval; /* nanoseconds; 0: default */
	int64_t retries;	/* 0: default */
};

struct oci_history {
	char *created; /* RFC 3339; each string is NULL when it is not there */
	char *created_by;
	char *author;
	char *comment;
	bool empty_layer;
};

struct oci_config {
	char *created; /* RFC 3339 */
	char *author;
	struct oci_platform platform; /* as it was written, not in normal form */

	char *user;
	struct strv exposed_ports; /* "80/tcp" */
	struct strv env;	   /* "NAME=value" */
	struct strv entrypoint;
	struct strv cmd;
	struct strv volumes;
	char *working_dir;
	struct oci_map labels;
	char *stop_signal;
	struct strv on_build;
	struct strv shell;
	struct oci_healthcheck *healthcheck; /* NULL: none is given */
	bool args_escaped;

	struct oci_digest *diff_ids; /* of the layers, uncompressed; the lowest first */
	size_t n_diff_ids;
	struct oci_history *history;
	size_t n_history;

	struct json_t *other;	     /* members without a field here; NULL for none */
	struct json_t *other_config; /* the same, of the object "config" */
};

/* Texts of failures name the member: "image config: rootfs.diff_ids[0]: …". */
int oci_config_parse(struct oci_config *c, const char *data, size_t len, struct err *e);

/*
 * The JSON, owned by the caller; len may be NULL. Equal structures give equal bytes:
 * fixed order, ports and volumes sorted. Bytes that are not UTF-8 become U+FFFD.
 */
char *oci_config_write(const struct oci_config *c, size_t *len);

void oci_config_add_diff_id(struct oci_config *c, const struct oci_digest *digest);

/*
 * Makes an image's configuration one for another image to begin with: what is known only
 * of how that one was made goes (Docker's container_config and its relatives).
 */
void oci_config_inherit(struct oci_config *c);

/* Adds an empty entry; valid until the next one is added. */
struct oci_history *oci_config_add_history(struct oci_config *c);
void oci_config_free(struct oci_config *c);

#define AUTO_OCI_CONFIG CLEAN(oci_config_free)
