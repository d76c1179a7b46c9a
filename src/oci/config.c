/* SPDX-License-Identifier: MIT */
#include "oci/config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "oci/json-internal.h"

static int get_healthcheck(const struct json_at *at, struct oci_config *c, struct err *e)
{
	struct json_at check;
	struct oci_healthcheck *h;
	int r = json_get(at, "Healthcheck", JSON_OPTIONAL, JSON_OBJECT, &check, e);

	if (r != 1)
		return r;
	h = c->healthcheck = xcalloc(1, sizeof *h);
	r = json_get_strings(&check, "Test", &h->test, e);
	if (r >= 0)
		r = json_get_int(&check, "Interval", JSON_OPTIONAL, &h->interval, e);
	if (r >= 0)
		r = json_get_int(&check, "Timeout", JSON_OPTIONAL, &h->timeout, e);
	if (r >= 0)
		r = json_get_int(&check, "StartPeriod", JSON_OPTIONAL, &h->start_period,
				 e);
	if (r >= 0)
		r = json_get_int(&check, "StartInterval", JSON_OPTIONAL,
				 &h->start_interval, e);
	if (r >= 0)
		r = json_get_int(&check, "Retries", JSON_OPTIONAL, &h->retries, e);
	return r;
}

/* Old images have one string where a list belongs. */
static int get_words(const struct json_at *at, const char *name, struct strv *list,
		     struct err *e)
{
	json_t *value = json_object_get(at->value, name);

	if (!json_is_string(value))
		return json_get_strings(at, name, list, e);
	strv_add(list, json_string_value(value));
	return 1;
}

static int get_execution(const struct json_at *doc, struct oci_config *c, struct err *e)
{
	struct json_at at;
	int r = json_get(doc, "config", JSON_OPTIONAL, JSON_OBJECT, &at, e);

	if (r != 1)
		return r;
	c->other_config = json_others(
		at.value,
		"User ExposedPorts Env Entrypoint Cmd Volumes WorkingDir Labels "
		"StopSignal OnBuild Shell Healthcheck ArgsEscaped");
	r = json_get_string(&at, "User", JSON_OPTIONAL, &c->user, e);
	if (r >= 0)
		r = json_get_names(&at, "ExposedPorts", &c->exposed_ports, e);
	if (r >= 0)
		r = json_get_strings(&at, "Env", &c->env, e);
	if (r >= 0)
		r = get_words(&at, "Entrypoint", &c->entrypoint, e);
	if (r >= 0)
		r = get_words(&at, "Cmd", &c->cmd, e);
	if (r >= 0)
		r = json_get_names(&at, "Volumes", &c->volumes, e);
	if (r >= 0)
		r = json_get_string(&at, "WorkingDir", JSON_OPTIONAL, &c->working_dir, e);
	if (r >= 0)
		r = json_get_map(&at, "Labels", &c->labels, e);
	if (r >= 0)
		r = json_get_string(&at, "StopSignal", JSON_OPTIONAL, &c->stop_signal, e);
	if (r >= 0)
		r = json_get_strings(&at, "OnBuild", &c->on_build, e);
	if (r >= 0)
		r = get_words(&at, "Shell", &c->shell, e);
	if (r >= 0)
		r = json_get_bool(&at, "ArgsEscaped", &c->args_escaped, e);
	return r < 0 ? r : get_healthcheck(&at, c, e);
}

static int get_rootfs(const struct json_at *doc, struct oci_config *c, struct err *e)
{
	struct json_at at, ids, item;
	int r = json_get(doc, "rootfs", JSON_REQUIRED, JSON_OBJECT, &at, e);

	if (r >= 0)
		r = json_get(&at, "diff_ids", JSON_OPTIONAL, JSON_ARRAY, &ids, e);
	if (r != 1)
		return r;
	item = (struct json_at){.up = &ids};
	json_array_foreach(ids.value, item.item, item.value)
	{
		AUTO_ERR struct err why = ERR_INIT;
		const char *text = json_string_value(item.value);
		struct oci_digest digest;

		if (!text)
			return json_fail(&item, e, "is not a string");
		if (oci_digest_parse(&digest, text, &why) < 0)
			return json_fail(&item, e, "is wrong: %s", why.text);
		oci_config_add_diff_id(c, &digest);
	}
	return 0;
}

static int get_history_entry(const struct json_at *at, struct oci_history *h,
			     struct err *e)
{
	int r = json_get_string(at, "created", JSON_OPTIONAL, &h->created, e);

	if (r >= 0)
		r = json_get_string(at, "created_by", JSON_OPTIONAL, &h->created_by, e);
	if (r >= 0)
		r = json_get_string(at, "author", JSON_OPTIONAL, &h->author, e);
	if (r >= 0)
		r = json_get_string(at, "comment", JSON_OPTIONAL, &h->comment, e);
	if (r >= 0)
		r = json_get_bool(at, "empty_layer", &h->empty_layer, e);
	return r;
}

static int get_history(const struct json_at *doc, struct oci_config *c, struct err *e)
{
	struct json_at list, item;
	int r = json_get(doc, "history", JSON_OPTIONAL, JSON_ARRAY, &list, e);

	if (r != 1)
		return r;
	item = (struct json_at){.up = &list};
	json_array_foreach(list.value, item.item, item.value)
	{
		if (!json_is_object(item.value))
			return json_fail(&item, e, "is not an object");
		r = get_history_entry(&item, oci_config_add_history(c), e);
		if (r < 0)
			return r;
	}
	return 0;
}

int oci_config_parse(struct oci_config *config, const char *data, size_t len,
		     struct err *e)
{
	AUTO_OCI_CONFIG struct oci_config c = {0};
	AUTO_JSON_DOCUMENT struct json_at at = {0};
	int r = json_load_object(&at, "image config", data, len, e);

	if (r >= 0)
		r = json_get_platform(&at, &c.platform, e);
	if (r >= 0)
		r = json_get_string(&at, "created", JSON_OPTIONAL, &c.created, e);
	if (r >= 0)
		r = json_get_string(&at, "author", JSON_OPTIONAL, &c.author, e);
	if (r >= 0)
		r = get_execution(&at, &c, e);
	if (r >= 0)
		r = get_rootfs(&at, &c, e);
	if (r >= 0)
		r = get_history(&at, &c, e);
	if (r < 0)
		return r;
	c.other = json_others(at.value, "created author os architecture variant "
					"os.version config rootfs history");
	*config = c;
	c = (struct oci_config){0};
	return 0;
}

static void put_number(json_t *object, const char *name, int64_t value)
{
	if (value)
		json_put(object, name, json_integer(value));
}

static json_t *healthcheck_object(const struct oci_healthcheck *h)
{
	json_t *object = json_object();

	json_put_strings(object, "Test", &h->test);
	put_number(object, "Interval", h->interval);
	put_number(object, "Timeout", h->timeout);
	put_number(object, "StartPeriod", h->start_period);
	put_number(object, "StartInterval", h->start_interval);
	put_number(object, "Retries", h->retries);
	return object;
}

static json_t *execution_object(const struct oci_config *c)
{
	json_t *object = json_object();

	json_put_string(object, "User", c->user);
	json_put_names(object, "ExposedPorts", &c->exposed_ports);
	json_put_strings(object, "Env", &c->env);
	json_put_strings(object, "Entrypoint", &c->entrypoint);
	json_put_strings(object, "Cmd", &c->cmd);
	json_put_names(object, "Volumes", &c->volumes);
	json_put_string(object, "WorkingDir", c->working_dir);
	json_put_map(object, "Labels", &c->labels);
	json_put_string(object, "StopSignal", c->stop_signal);
	json_put_bool(object, "ArgsEscaped", c->args_escaped);
	if (c->healthcheck)
		json_put(object, "Healthcheck", healthcheck_object(c->healthcheck));
	json_put_strings(object, "OnBuild", &c->on_build);
	json_put_strings(object, "Shell", &c->shell);
	json_put_others(object, c->other_config);
	return object;
}

static json_t *rootfs_object(const struct oci_config *c)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	json_t *object = json_object();
	char text[OCI_DIGEST_TEXT];

	for (size_t i = 0; i < c->n_diff_ids; i++)
		strv_add(&ids, oci_digest_format(&c->diff_ids[i], text));
	json_put_string(object, "type", "layers");
	json_put_strings(object, "diff_ids", &ids);
	if (!ids.n) /* required, also where there are none */
		json_put(object, "diff_ids", json_array());
	return object;
}

static json_t *history_array(const struct oci_config *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < c->n_history; i++) {
		const struct oci_history *h = &c->history[i];
		json_t *object = json_object();

		json_put_string(object, "created", h->created);
		json_put_string(object, "created_by", h->created_by);
		json_put_string(object, "author", h->author);
		json_put_string(object, "comment", h->comment);
		json_put_bool(object, "empty_layer", h->empty_layer);
		if (json_array_append_new(array, object) < 0)
			abort();
	}
	return array;
}

char *oci_config_write(const struct oci_config *c, size_t *len)
{
	json_t *object = json_object();

	json_put_string(object, "created", c->created);
	json_put_string(object, "author", c->author);
	json_put_platform(object, &c->platform);
	json_put(object, "config", execution_object(c));
	json_put(object, "rootfs", rootfs_object(c));
	if (c->n_history)
		json_put(object, "history", history_array(c));
	json_put_others(object, c->other);
	return json_write(object, len);
}

void oci_config_add_diff_id(struct oci_config *c, const struct oci_digest *digest)
{
	GROW(c->diff_ids, c->n_diff_ids);
	c->diff_ids[c->n_diff_ids++] = *digest;
}

struct oci_history *oci_config_add_history(struct oci_config *c)
{
	GROW(c->history, c->n_history);
	c->history[c->n_history] = (struct oci_history){0};
	return &c->history[c->n_history++];
}

static void free_history(struct oci_config *c)
{
	for (size_t i = 0; i < c->n_history; i++) {
		free(c->history[i].created);
		free(c->history[i].created_by);
		free(c->history[i].author);
		free(c->history[i].comment);
	}
	free(c->history);
}

void oci_config_inherit(struct oci_config *c)
{
	static const char *const members[] = {
		"container",
		"container_config",
		"docker_version",
		"id",
		"moby.buildkit.buildinfo.v1",
		"moby.buildkit.cache.v0",
		"parent",
		"throwaway",
	};

	/* Fine when they are not there. */
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		(void)json_object_del(c->other, members[i]);
	(void)json_object_del(c->other_config, "Image");
}

void oci_config_free(struct oci_config *c)
{
	struct strv *lists[] = {&c->exposed_ports, &c->env,	 &c->entrypoint, &c->cmd,
				&c->volumes,	   &c->on_build, &c->shell};
	char *strings[] = {c->created, c->author, c->user, c->working_dir,
			   c->stop_signal};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		strv_free(lists[i]);
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	oci_map_free(&c->labels);
	if (c->healthcheck)
		strv_free(&c->healthcheck->test);
	free(c->healthcheck);
	free(c->diff_ids);
	free_history(c);
	json_decref(c->other);
	json_decref(c->other_config);
	*c = (struct oci_config){0};
}
