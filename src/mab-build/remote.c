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
#include "registry/credentials.h"

static int set_bool(const char *name, const char *value, bool *flag, struct err *e)
{
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return err_set(e, -EINVAL, "--%s is true or false, not '%s'", name,
			       value);
	*flag = value[0] == 't';
	return 0;
}

static int set_number(const char *name, const char *value, unsigned max, unsigned *number,
		      struct err *e)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n > max)
		return err_set(e, -EINVAL, "--%s is a number up to %u, not '%s'", name,
			       max, value);
	*number = (unsigned)n;
	return 0;
}

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
	bool verify = true;
	int r = 0;

	switch ((enum remote_option)option->id) {
	case REMOTE_TLS_VERIFY:
		r = set_bool(option->name, value, &verify, e);
		if (r == 0)
			s->skip_tls_verify = !verify;
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
		s->proxy = value;
		break;
	case REMOTE_RETRY:
		r = set_number(option->name, value, 100, &s->attempts, e);
		s->attempts++;
		break;
	case REMOTE_RETRY_DELAY:
		r = set_number(option->name, value, 60000, &s->retry_delay_ms, e);
		break;
	case REMOTE_END:
		break;
	}
	return r;
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

int remote_client(struct remote *remote, struct registry **client, struct err *e)
{
	int r;

	remote->settings.add_hosts = &remote->add_hosts;
	remote->settings.log = log_line;
	r = registry_new(&remote->settings, client, e);
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
}
