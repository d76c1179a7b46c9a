/* SPDX-License-Identifier: MIT */
#include "mab-build/remote.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/option-values.h"
#include "registry/credentials.h"

void remote_take_secret(char **secret, const char *value)
{
	char *shown = (char *)(uintptr_t)value;

	secret_free(*secret);
	*secret = xstrdup(value);
	explicit_bzero(shown, strlen(shown));
}

/* Both forms that others take, as the client's own; what is wrong stays for it to say. */
static void add_host(struct strv *hosts, const char *value)
{
	size_t len = strcspn(value, ":=");
	const char *address = value + len + (value[len] != '\0');

	if (!*address)
		strv_add(hosts, value);
	else
		strv_addf(hosts, "%.*s:%s", (int)len, value,
			  strcmp(address, "host-gateway") == 0 ? "127.0.0.1" : address);
}

int remote_set(struct remote *remote, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct registry_settings *s = &remote->settings;
	long long n = 0;
	int r = 0;

	switch ((enum remote_option)option->id) {
	case REMOTE_TLS_VERIFY:
		r = value_choose(option->name, value, "false true", "", e);
		s->skip_tls_verify = r == 0;
		s->always_tls_verify = r == 1;
		break;
	case REMOTE_CERT_DIR:
		s->cert_dir = value;
		break;
	case REMOTE_CREDS:
		remote_take_secret(&remote->creds, value);
		s->creds = remote->creds;
		break;
	case REMOTE_AUTHFILE:
		s->authfile = value;
		break;
	case REMOTE_REGISTRIES_CONF:
		s->registries_conf = value;
		break;
	case REMOTE_ADD_HOST:
		add_host(&remote->add_hosts, value);
		break;
	case REMOTE_PROXY:
		remote_take_secret(&remote->proxy, value); /* http://user:password@… */
		s->proxy = remote->proxy;
		break;
	case REMOTE_RETRY:
		r = value_number(option->name, value, 100, &n, e);
		s->attempts = (unsigned)n + 1;
		break;
	case REMOTE_RETRY_DELAY:
		r = value_number(option->name, value, 60000, &n, e);
		s->retry_delay_ms = (unsigned)n;
		break;
	case REMOTE_CONNECT_TIMEOUT:
		r = value_number(option->name, value, 3600, &n, e);
		s->connect_seconds = (unsigned)n;
		if (r == 0 && n == 0)
			r = err_set(e, -EINVAL, "--%s is at least a second",
				    option->name);
		break;
	case REMOTE_END:
		break;
	}
	return r < 0 ? r : 0;
}

int remote_side_set(struct remote_side *side, enum remote_side_option id,
		    const struct cli_option *option, const char *value, struct err *e)
{
	int r = 0;

	side->given = true;
	switch (id) {
	case SIDE_TLS_VERIFY:
		r = value_choose(option->name, value, "false true", "", e);
		side->has_tls_verify = true;
		side->tls_verify = r == 1;
		break;
	case SIDE_CERT_DIR:
		side->cert_dir = value;
		break;
	case SIDE_CREDS:
		remote_take_secret(&side->creds, value);
		break;
	case SIDE_AUTHFILE:
		side->authfile = value;
		break;
	case SIDE_END:
		break;
	}
	return r < 0 ? r : 0;
}

static struct registry *running[2];

static void on_signal(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(running); i++)
		if (running[i])
			registry_cancel(running[i]);
}

static void log_line(void *data, const char *line)
{
	cli_message(PROGRAM, "%s", line);
}

/* The second signal ends the program as it would have without this. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

const struct registry_settings *remote_settings(struct remote *remote)
{
	remote->settings.add_hosts = &remote->add_hosts;
	return &remote->settings;
}

static int make_client(const struct registry_settings *settings, struct registry **client,
		       struct err *e)
{
	int r;

	r = registry_new(settings, client, e);
	if (r < 0)
		return r;
	running[running[0] != NULL] = *client;
	catch_signals();
	return 0;
}

int remote_client(struct remote *remote, struct registry **client, struct err *e)
{
	if (!remote->settings.log)
		remote->settings.log = log_line;
	return make_client(remote_settings(remote), client, e);
}

int remote_side_client(struct remote *remote, const struct remote_side *side,
		       struct registry **client, struct err *e)
{
	struct registry_settings settings = *remote_settings(remote);

	settings.log = log_line;
	if (side->has_tls_verify) {
		settings.skip_tls_verify = !side->tls_verify;
		settings.always_tls_verify = side->tls_verify;
	}
	if (side->cert_dir)
		settings.cert_dir = side->cert_dir;
	if (side->authfile)
		settings.authfile = side->authfile;
	if (side->creds)
		settings.creds = side->creds;
	else if (side->authfile)
		settings.creds = NULL;
	return make_client(&settings, client, e);
}

void remote_side_free(struct remote_side *side)
{
	secret_free(side->creds);
}

void remote_free(struct remote *remote)
{
	strv_free(&remote->add_hosts);
	secret_free(remote->creds);
	secret_free(remote->proxy);
}
