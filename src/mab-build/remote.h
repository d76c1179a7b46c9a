/* SPDX-License-Identifier: MIT */
#pragma once

/* The options of every command that talks to registries, and the client made of them. */

#include "cli/option.h"
#include "registry/client.h"

enum remote_option {
	REMOTE_TLS_VERIFY = 100,
	REMOTE_CERT_DIR,
	REMOTE_CREDS,
	REMOTE_AUTHFILE,
	REMOTE_REGISTRIES_CONF,
	REMOTE_ADD_HOST,
	REMOTE_PROXY,
	REMOTE_RETRY,
	REMOTE_RETRY_DELAY,
	REMOTE_CONNECT_TIMEOUT,
	REMOTE_END,
};

/* Of a copy's two sides: the option is one of these and one of the kinds. */
enum {
	REMOTE_SRC = 120,
	REMOTE_DEST = 130,
};

enum remote_side_option {
	SIDE_TLS_VERIFY,
	SIDE_CERT_DIR,
	SIDE_CREDS,
	SIDE_AUTHFILE,
	SIDE_END,
};

/* Rows for a command's table. */
#define REMOTE_OPTIONS                                                                   \
	{0, "Registries", .help = ""},                                                   \
		{REMOTE_TLS_VERIFY, "tls-verify", .arg = "BOOL",                         \
		 .help = "false: accept every certificate, and plain HTTP"},             \
		{REMOTE_CERT_DIR, "cert-dir", .arg = "DIR",                              \
		 .help = "certificates to trust and to show (*.crt, *.cert and *.key)"}, \
		{REMOTE_CREDS, "creds", .arg = "USER:PASSWORD",                          \
		 .help = "who to be, in place of the logins in the auth files"},         \
		{REMOTE_AUTHFILE, "authfile", .arg = "FILE",                             \
		 .help = "the file with logins, in place of the usual ones"},            \
		{REMOTE_REGISTRIES_CONF, "registries-conf", .arg = "FILE",               \
		 .help = "mirrors, short names and more, in place of the usual files"},  \
		{REMOTE_ADD_HOST, "add-host", .arg = "NAME:ADDRESS",                     \
		 .help = "the address of a registry, without looking it up"},            \
		{REMOTE_PROXY, "proxy", .arg = "URL",                                    \
		 .help = "in place of http_proxy, https_proxy and all_proxy"},           \
		{REMOTE_RETRY, "retry", .arg = "N",                                      \
		 .help = "how often a request that failed is repeated (default 4)"},     \
		{REMOTE_RETRY_DELAY, "retry-delay", .arg = "MS",                         \
		 .help = "milliseconds before the first repetition, doubled each time "  \
			 "(default 500)"},                                               \
	{                                                                                \
		REMOTE_CONNECT_TIMEOUT, "connect-timeout",                               \
			.arg = "SECONDS",                                                \
			.help = "for looking up a name, connecting and agreeing on TLS " \
				"(default 30)"                                           \
	}

#define REMOTE_SIDE_OPTIONS(id, side)                                                    \
	{(id) + SIDE_TLS_VERIFY, side "-tls-verify", .arg = "BOOL",                      \
	 .help = "--tls-verify for one side only"},                                      \
		{(id) + SIDE_CERT_DIR, side "-cert-dir", .arg = "DIR",                   \
		 .help = "--cert-dir likewise"},                                         \
		{(id) + SIDE_CREDS, side "-creds", .arg = "USER:PASSWORD",               \
		 .help = "--creds likewise"},                                            \
	{                                                                                \
		(id) + SIDE_AUTHFILE, side "-authfile", .arg = "FILE",                   \
							.help = "--authfile likewise"    \
	}

/* What is said for one side only. */
struct remote_side {
	bool given;
	bool has_tls_verify, tls_verify;
	const char *cert_dir, *authfile;
	char *creds;
};

struct remote {
	struct registry_settings settings;
	struct strv add_hosts;
	char *creds, *proxy; /* what the settings' point to */
};

/* Takes an option of those above. */
int remote_set(struct remote *remote, const struct cli_option *option, const char *value,
	       struct err *e);

/* The settings, complete; they point into remote. */
const struct registry_settings *remote_settings(struct remote *remote);

/* The same of those for a side, the option without REMOTE_SRC or REMOTE_DEST. */
int remote_side_set(struct remote_side *side, enum remote_side_option id,
		    const struct cli_option *option, const char *value, struct err *e);

/* Reads a word of the command line that others are not to see there any longer. */
void remote_take_secret(char **secret, const char *value);

/* A client that logs to stderr, if the settings have nothing else, and ends what it does
 * at SIGINT and SIGTERM. */
int remote_client(struct remote *remote, struct registry **client, struct err *e);

/* One for a side. At most two clients are ended by signals. */
int remote_side_client(struct remote *remote, const struct remote_side *side,
		       struct registry **client, struct err *e);
void remote_side_free(struct remote_side *side);
void remote_free(struct remote *remote);
