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

/* Others can read a command line: what is secret does not stay in it. */
static void take_secret(char **secret, const char *value)
{
	char *shown = (char *)(uintptr_t)value;

	secret_free(*secret);
	*secret = xstrdup(value);
	explicit_bzero(shown, strlen(shown));
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
		break;
	case REMOTE_CERT_DIR:
		s->cert_dir = value;
		break;
	case REMOTE_CREDS:
		take_secret(&remote->creds, value);
		s->creds = remote->creds;
		break;
	case REMOTE_AUTHFILE:
		s->authfile = value;
		break;
	case REMOTE_ADD_HOST:
		strv_add(&remote->add_hosts, value);
		break;
	case REMOTE_PROXY:
		take_secret(&remote->proxy, value);
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

static struct registry *running;

static void on_signal(int number)
{
	registry_cancel(running);
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

int remote_client(struct remote *remote, struct registry **client, struct err *e)
{
	int r;

	remote->settings.log = log_line;
	r = registry_new(remote_settings(remote), client, e);
	if (r < 0)
		return r;
	running = *client;
	catch_signals();
	return 0;
}

void remote_free(struct remote *remote)
{
	strv_free(&remote->add_hosts);
	secret_free(remote->creds);
	secret_free(remote->proxy);
}
